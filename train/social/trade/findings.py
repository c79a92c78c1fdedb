"""What the study concludes: published results beside ours, part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...support.plotting import panels, save_png
from ..report import Result, Section
from .conditions import PARTS, Condition
from .training import CURVES

_NAMES = {
    "total reward": "total_reward",
    "fresh food": "collected",
    "light penalty": "light_penalty",
    "ticks with both": "ticks_with_both",
    "exchanged": "exchanged",
    "reciprocated": "reciprocated",
    "drop-swaps": "drop_swaps",
    "put down": "offered",
    "taken back": "reclaimed",
}
"""Columns of the table of a part."""
_PANELS = {
    "night": ("exchanged", "reciprocated", "drop_swaps"),
    "lite": ("total_reward", "collected", "light_penalty", "exchanged"),
    "full": ("total_reward", "collected", "light_penalty", "exchanged", "reciprocated", "drop_swaps"),
}


@dataclass(frozen=True)
class Found:
    """What all seeds of a condition found."""

    condition: Condition
    runs: Sequence[Mapping[str, Any]]
    """What ``run_piece`` returned, a seed each."""

    def final(self, name: str) -> list[float]:
        """Return a statistic, one number a seed."""
        return [run["final"][name] for run in self.runs]

    def total(self, name: str) -> float:
        """Return a number summed over all seeds."""
        return sum(run[name] for run in self.runs)


Anchors = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Scenario -> scripted player -> statistics."""


def sections(parts: Sequence[str], found: Sequence[Found], anchors: Anchors) -> list[Section]:
    """Return the sections of each part."""
    made = []
    for part in parts:
        here = [one for one in found if one.condition.part == part]
        scripted = anchors.get(f"trade/{part}", {})
        results = {"night": _night, "lite": _lite, "full": _full}[part](here, scripted)
        figure = partial(_draw, here, _PANELS[part])
        made.append(Section(heading=PARTS[part], results=results, table=_table(here, scripted), figure=figure))
        if any(run["probes"] for one in here for run in one.runs):
            made.append(_probes(part, here))
    return made


def _night(found: Sequence[Found], scripted: Mapping[str, Any]) -> list[Result]:
    """Compare shares: with one reward for both they trade; selfish agents do not, or not so soon."""
    results = []
    for one in found:
        sharing, exchanged = one.condition.config.reward.sharing, one.final("exchanged")
        title = one.condition.title
        low, high = (1.5 if sharing >= 0.5 else -math.inf), (0.1 if sharing == 0 else math.inf)
        results.append(Result(what=f"units exchanged in a night, {title}", values=exchanged, low=low, high=high))
        if sharing >= 0.5 or sharing == 0:
            worst = [min(exchanged) if sharing else max(exchanged)]
            what = f"the same, worst seed, {title}"
            results.append(Result(what=what, values=worst, low=low, high=high, must_hold=True))
    return results


def _lite(found: Sequence[Found], scripted: Mapping[str, Any]) -> list[Result]:
    """Compare with foragers: the paper's first equilibrium is to forage by day and to wait at the fire by night."""
    forager = scripted["forager"]["total_reward"]
    results = []
    for one in found:
        title, must = one.condition.title, one.condition.config.reward.sharing == 0
        shares = [reward / forager for reward in one.final("total_reward")]
        dark = [penalty / forager for penalty in one.final("light_penalty")]
        results += [
            Result(
                what=f"total reward, {title}: share of the scripted foragers'",
                paper="forage by day, wait at the fire",
                values=shares,
                low=0.85,
                must_hold=must,
            ),
            Result(
                what=f"light penalty, {title}: share of the scripted foragers' total reward",
                values=dark,
                high=0.05,
                form="{:.3f}",
                must_hold=must,
            ),
            Result(what=f"units exchanged, {title}", paper="none yet", values=one.final("exchanged")),
        ]
    return results


def _full(found: Sequence[Found], scripted: Mapping[str, Any]) -> list[Result]:
    """Put the paper's numbers, read off figures, beside ours; a shorter run than the paper's proves nothing."""
    return [
        result
        for one in found
        for result in (
            Result(what="total reward", paper="about 140, then 300", values=one.final("total_reward"), form="{:.0f}"),
            Result(
                what="units exchanged in three nights",
                paper="about 18, after 10^8 turns",
                values=one.final("exchanged_three_nights"),
            ),
            Result(what="units reciprocated", paper="nearly all", values=one.final("reciprocated")),
        )
    ]


def _table(found: Sequence[Found], scripted: Mapping[str, Any]) -> list[list[str]]:
    rows = [[name, *(f"{numbers[n]:.2f}" for n in _NAMES.values())] for name, numbers in scripted.items()]
    rows += [[one.condition.title, *(f"{np.mean(one.final(n)):.2f}" for n in _NAMES.values())] for one in found]
    return [["who", *_NAMES], *rows]


def _probes(part: str, found: Sequence[Found]) -> Section:
    """Return what became of agents that did not keep to what they had learned."""
    head = ["agents", "probe", "takes from others", "loses to others", "others put down", "share they took back"]
    names = ("takes", "loses", "offered", "rescinded")
    rows = [
        [one.condition.title, probe, *(f"{np.mean([run['probes'][probe][n] for run in one.runs]):.2f}" for n in names)]
        for one in found
        for probe in one.runs[0]["probes"]
    ]
    text = [
        "One agent is overridden by a script: *reclaim* puts food down, waits for the partner's and takes its own "
        "back; *grab* puts nothing down and goes for what the partner puts down; *intrude* goes for anybody's. Units "
        "per episode. In the paper 33 of 36 agents rescinded their offer to a cheating partner at the first try."
    ]
    return Section(heading=f"Probes, {part}", text=text, table=[head, *rows])


def _draw(found: Sequence[Found], names: Sequence[str], path: Path) -> None:
    """Draw curves while learning, a line a seed."""
    figure, axes = panels(len(names), min(len(names), 3), 2.8)
    for panel, name in zip(axes, names, strict=True):
        for number, one in enumerate(found):
            for seed, run in enumerate(one.runs):
                iterations = run["every"] * np.arange(1, len(run["curves"][name]) + 1)
                label = one.condition.title if seed == 0 else None
                panel.plot(iterations, run["curves"][name], color=f"C{number}", lw=1.2, alpha=0.8, label=label)
        panel.set(title=CURVES[name], xlabel="iterations", ylim=(0, None) if name != "total_reward" else None)
    axes[0].legend(frameon=False, fontsize=8)
    save_png(figure, path)
