"""Alarms: one line each that names what is wrong with a run, and what to do about it.

Every alarm looks at the metrics of the last iterations. It fires once, and again only after the run has been well in
between.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Metrics = Mapping[str, float | None]

HISTORY = 60
"""Iterations that alarms look back at."""
ENTROPY_SHARE = 0.05
"""Entropy below this share of that of uniform actions is a collapse."""
VALUE_LOSS = 2.0
"""Value loss, in units of normalised targets, that cannot be healthy: knowing nothing costs about 1."""
VALUE_LOSS_GROWTH = 5.0
"""Times its median that a value loss explodes to."""
CLIP_FRACTION = 0.4
"""Share of clipped ratios at which most of an update is thrown away."""
APPROX_KL = 0.1
"""Nats that one update moves the policy by."""
SEEN_LIMITS = (0.02, 0.98)
"""Shares of live steps with a hider seen outside of which one team always loses."""
STILL = 1e-3
"""Range of a team's returns, relative to their size, below which they do not move."""
TEAM_ITERATIONS = 50
"""Iterations with ended episodes that a judgement on a team needs."""
_RETURN = "charts/episodic_return/"


class Alarms:
    """Watches the metrics of a run.

    Args:
      uniform_entropy: entropy of uniform actions, nats.
    """

    def __init__(self, uniform_entropy: float) -> None:
        self._uniform = uniform_entropy
        self._history: deque[Metrics] = deque(maxlen=HISTORY)
        self._teams: deque[Metrics] = deque(maxlen=TEAM_ITERATIONS)
        self._active: set[str] = set()
        self._rules = [
            _Rule("not a number", self._not_a_number),
            _Rule("entropy collapse", self._entropy_collapse),
            _Rule("exploding value loss", self._exploding_value_loss),
            _Rule("clipped ratios", self._clipped_ratios),
            _Rule("dead team", self._dead_team),
            _Rule("diverging physics", self._diverging_physics),
        ]

    @property
    def active(self) -> list[str]:
        """Names of the alarms that hold at the moment."""
        return sorted(self._active)

    def check(self, metrics: Metrics) -> list[str]:
        """Take the metrics of one iteration; return a line for each alarm that begins with it."""
        self._history.append(metrics)
        if any(tag.startswith(_RETURN) for tag in metrics):
            self._teams.append(metrics)
        lines = []
        for rule in self._rules:
            text = rule.check()
            if text and rule.name not in self._active:
                lines.append(f"{rule.name}: {text}")
            (self._active.add if text else self._active.discard)(rule.name)
        return lines

    def _last(self, tag: str, number: int) -> list[float]:
        """Return the values of a tag in the last iterations; empty unless every one of them has a finite one."""
        values = [metrics.get(tag) for metrics in list(self._history)[-number:]]
        known = [value for value in values if value is not None and math.isfinite(value)]
        return known if len(known) == number else []

    def _not_a_number(self) -> str | None:
        last = self._history[-1]
        for tag, value in last.items():
            unknown = value is None or not math.isfinite(value)
            if unknown and tag.startswith("losses/") and not tag.endswith("explained_variance"):
                return f"{tag} is {value}; resume from the last checkpoint with a lower --ppo.learning-rate"
        return None

    def _entropy_collapse(self) -> str | None:
        values = self._last("losses/entropy", 3)
        limit = ENTROPY_SHARE * self._uniform
        if values and max(values) < limit:
            return (
                f"entropy is {values[-1]:.2f} of {self._uniform:.2f} nats, exploration is over; "
                "raise --ppo.entropy-coefficient"
            )
        return None

    def _exploding_value_loss(self) -> str | None:
        values, recent = (
            self._last("losses/value_loss", min(len(self._history), HISTORY)),
            self._last("losses/value_loss", 3),
        )
        if len(values) < 10 or min(recent) < VALUE_LOSS:
            return None
        usual = statistics.median(values[:-3])
        if min(recent) > VALUE_LOSS_GROWTH * usual:
            return f"value loss is {recent[-1]:.2f}, it was about {usual:.2f}; lower --ppo.learning-rate"
        return None

    def _clipped_ratios(self) -> str | None:
        clipped, moved = self._last("losses/clip_fraction", 3), self._last("losses/approx_kl", 3)
        if clipped and min(clipped) > CLIP_FRACTION:
            return f"{clipped[-1]:.0%} of the ratios are clipped; lower --ppo.learning-rate or --ppo.epochs"
        if moved and min(moved) > APPROX_KL:
            return f"updates move the policy by {moved[-1]:.2f} nats; lower --ppo.learning-rate or --ppo.epochs"
        return None

    def _dead_team(self) -> str | None:
        # Those who are rewarded for novelty may learn although the game's own return stands still.
        if len(self._teams) < TEAM_ITERATIONS or "intrinsic/bonus" in self._teams[-1]:
            return None
        for tag in self._teams[-1]:
            if tag.startswith(_RETURN) and (text := self._still(tag)):
                return text
        seen = self._team_values("charts/seen_fraction")
        if seen and min(seen) > SEEN_LIMITS[1]:
            return (
                f"hiders were seen in {min(seen):.0%} of the steps or more for {len(seen)} iterations; they always lose"
            )
        if seen and max(seen) < SEEN_LIMITS[0]:
            share = f"{max(seen):.0%} of the steps or less"
            return f"hiders were seen in {share} for {len(seen)} iterations; seekers always lose"
        return None

    def _still(self, tag: str) -> str | None:
        values = self._team_values(tag)
        if values and max(values) - min(values) <= STILL * max(1.0, abs(statistics.fmean(values))):
            team = tag.removeprefix(_RETURN)
            return (
                f"the return of the {team} has been {values[-1]:+.1f} for {len(values)} iterations; they do not learn"
            )
        return None

    def _team_values(self, tag: str) -> list[float]:
        """Return a tag's values in all of the remembered iterations with ended episodes; empty if one is missing."""
        values = [value for metrics in self._teams if (value := metrics.get(tag)) is not None and math.isfinite(value)]
        return values if len(values) == TEAM_ITERATIONS else []

    def _diverging_physics(self) -> str | None:
        counts = self._last("perf/diverged_worlds", min(len(self._history), 20))
        growing = sum(later > earlier for earlier, later in itertools.pairwise(counts))
        if len(counts) == 20 and growing >= 10:
            return (
                f"worlds broke in {growing} of the last 20 iterations; is the scenario's physics too stiff or too fast?"
            )
        return None


@dataclass(frozen=True)
class _Rule:
    """One alarm: its name, and what says whether it holds at the moment, and why."""

    name: str
    check: Callable[[], str | None]


def replay(alarms: Alarms, history: Sequence[Metrics]) -> None:
    """Show past metrics to the alarms without raising any, so that a resumed run knows what was usual."""
    for metrics in history[-HISTORY:]:
        alarms.check({tag: value for tag, value in metrics.items() if tag not in ("iteration", "env_steps")})
