"""What the paper reports, setting by setting, and what held however its text was read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from .options import Learning, Pairing, Setting, Ties

Measure = Literal["cooperation", "rule", "norm", "first reward"]
PARTS = {
    "benefits": "Without help (Figure 1)",
    "seeding": "Fixed agents (Figures 2 and 3)",
    "introspection": "Introspection (Figures 4 to 6)",
    "judges": "Judges (Figure 7)",
}
"""Parts of the study, and their headings."""
TOLERANCE = 0.05
"""How far our mean may be from a share of the paper's: as far as most can be read off its figures."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A number of the paper."""

    part: str
    """One of ``PARTS``."""
    setting: Setting
    """Where it was found; ties are those of a reading."""
    measure: Measure = "cooperation"
    """What it is: cooperation, the share of a rule among those that learn or of a norm among judges, or the mean reward
    of the very first episode."""
    which: int = 0
    """The rule or norm."""
    value: float = math.nan
    """The number."""
    low: float
    """Our mean counts as the same from here ..."""
    high: float
    """... to here."""
    words: str
    """The number as the paper has it, in words."""

    def what(self, learning: Learning) -> str:
        """Return it in words, as it is found in worlds that learn so."""
        kind = {"rule": f"share of rule {self.which}", "norm": f"judges with norm {self.which}"}
        return f"{describe(self.setting, self.part, learning)}: {kind.get(self.measure, self.measure)}"


def describe(setting: Setting, part: str, learning: Learning) -> str:
    """Return a setting in words; where there are judges no norm is told.

    A share of fixed agents that a world cannot have, such as 5 % of 10, is told as what it has: 1 of 10.
    """
    fixed, agents = learning.count_fixed(setting.fixed), learning.agents
    exact = math.isclose(fixed, setting.fixed * agents)
    parts = ["judges" if part == "judges" else f"norm {setting.norm}", f"b = {setting.benefit:g}"]
    parts += [f"{100 * setting.fixed:g} % fixed" if exact else f"{fixed} of {agents} fixed"] * bool(setting.fixed)
    parts += [f"alpha = {setting.introspection:g}"] * bool(setting.introspection)
    return ", ".join(parts)


def _claim(
    part: str, setting: Setting, value: float, measure: Measure = "cooperation", which: int = 0, words: str = ""
) -> Claim:
    """Return a claim of a share, give or take the tolerance."""
    low, high = max(0.0, value - TOLERANCE), min(1.0, value + TOLERANCE)
    words = words or f"{value:.2f}"
    return Claim(part=part, setting=setting, measure=measure, which=which, value=value, low=low, high=high, words=words)


def _benefits() -> list[Claim]:
    """Without help (10 000 episodes)."""
    numbers = {9: {2: 0.03, 5: 0.05, 10: 0.40}, 0: {2: 0.05, 5: 0.05, 10: 0.05}}
    return [
        _claim("benefits", Setting(norm=norm, benefit=benefit), value)
        for norm, row in numbers.items()
        for benefit, value in row.items()
    ]


def _seeding() -> list[Claim]:
    """With agents that play rule 5 whatever happens (50 000 episodes)."""
    good = {0.0: 0.05, 0.1: 0.11, 0.2: 0.92, 0.3: 0.92, 0.5: 0.93}
    between = "0.05 to 0.02"
    bad = {0.0: (0.05, ""), 0.1: (0.04, between), 0.2: (0.04, between), 0.3: (0.03, between), 0.5: (0.02, "")}
    first = Claim(
        part="seeding",
        setting=Setting(fixed=0.2),
        measure="first reward",
        value=2.0,
        low=1.8,
        high=2.2,
        words="about 2",
    )
    return [
        *(_claim("seeding", Setting(fixed=share), value) for share, value in good.items()),
        *(_claim("seeding", Setting(norm=0, fixed=share), value, words=words) for share, (value, words) in bad.items()),
        first,
        _claim("seeding", Setting(), 1.0, "rule", 0, "about 1"),
        _claim("seeding", Setting(fixed=0.2), 1.0, "rule", 5, "about 1"),
    ]


def _introspection() -> list[Claim]:
    """With introspection (100 000 episodes), and with fixed agents besides."""
    good = {0.2: 0.05, 0.3: 0.05, 0.4: 0.29, 0.5: 0.46, 0.6: 0.64, 0.8: 0.69, 0.9: 0.60, 1.0: 0.50}
    bad = {0.3: 0.05, 0.6: 0.05, 0.8: 0.05, 1.0: 0.60}
    alone = Setting(introspection=0.6)
    both = Claim(
        part="introspection", setting=replace(alone, fixed=0.05), value=0.9, low=0.9, high=1.0, words="at least 0.90"
    )
    return [
        *(
            _claim("introspection", Setting(norm=norm, introspection=alpha), value)
            for norm, row in ((9, good), (0, bad))
            for alpha, value in row.items()
        ),
        *(_claim("introspection", alone, value, "rule", rule) for rule, value in ((5, 0.47), (10, 0.38), (0, 0.15))),
        both,
    ]


def _judges() -> list[Claim]:
    """Bottom-up reputations."""
    half = Setting(fixed=0.5)
    both = replace(half, introspection=0.6)
    return [
        _claim("judges", Setting(), 0.05, words="about 0"),
        _claim("judges", half, 0.30),
        _claim("judges", both, 0.80),
        _claim("judges", both, 0.75, "norm", 3),
        Claim(part="judges", setting=both, measure="rule", which=5, low=0.8, high=1.0, words="above 0.80"),
    ]


CLAIMS = [*_benefits(), *_seeding(), *_introspection(), *_judges()]
"""In the order of the paper."""


@dataclass(frozen=True, kw_only=True)
class MustHold:
    """What held in every reading that was tried with the paper's numbers, or in all with one rule for ties."""

    part: str
    """One of ``PARTS``."""
    setting: Setting
    """Where."""
    low: float = -math.inf
    """Our mean is from here ..."""
    high: float = math.inf
    """... to here."""
    measure: Measure = "cooperation"
    """What is measured."""
    which: int = 0
    """The rule."""
    ties: tuple[Ties, ...] = ("defect", "random")
    """The rules for ties with which it held."""
    pairings: tuple[Pairing, ...] = ("all", "one")
    """Who meets in a round where it held."""

    @property
    def claim(self) -> Claim:
        """It as a claim, for its words and its measure."""
        limits = {"low": self.low, "high": self.high}
        return Claim(part=self.part, setting=self.setting, measure=self.measure, which=self.which, words="", **limits)


# Exploration alone is 0.05: half of the tenth of actions that are drawn.
MUST_HOLD = [
    MustHold(part="benefits", setting=Setting(benefit=2.0), low=0.045, high=0.055),
    *(MustHold(part="seeding", setting=Setting(norm=0, fixed=share), high=0.05) for share in (0.2, 0.3, 0.5)),
    MustHold(part="seeding", setting=Setting(fixed=0.5), low=0.88),
    # Where one pair meets in a round some agents have not come to rule 5, and one seed of ten cooperates without help.
    MustHold(part="seeding", setting=Setting(fixed=0.5), measure="rule", which=5, low=0.85, pairings=("all",)),
    MustHold(part="seeding", setting=Setting(), low=0.045, high=0.055, ties=("defect",), pairings=("all",)),
]
"""Held with the paper's numbers, one replay, and several thousand episodes."""


def settings_of(part: str) -> list[Setting]:
    """Return the settings of a part, each once; ties are not those of a reading yet."""
    return list(dict.fromkeys(claim.setting for claim in CLAIMS if claim.part == part))
