"""What a ladder is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envs.errors import UserError

from ..config.train_config import TrainConfig
from ..stages.strategies import strategies_of


@dataclass(frozen=True)
class Goal:
    """A strategy that is to be played."""

    strategy: str
    share: float

    def reached(self, shares: Mapping[str, Sequence[float]]) -> bool:
        """Tell whether it was, in a share of the episodes of the last two looks each.

        Args:
          shares: by strategy, those of all looks.
        """
        looks = shares.get(self.strategy, [])
        return len(looks) > 1 and min(looks[-2:]) >= self.share

    def require_reachable(self, config: TrainConfig) -> None:
        """Refuse a run that could never reach it.

        Raises:
          UserError: its worlds know no such strategy, or it looks for strategies less than twice.
        """
        scenario, interval = config.scenario, config.report.stage_interval
        if self.strategy not in strategies_of(scenario):
            raise UserError(
                f"{self.strategy} cannot be played in scenario '{scenario.name}' with these --scenario options"
            )
        if not 0 < 2 * interval <= config.iterations:
            raise UserError(
                f"--report.stage-interval is {interval}; a ladder needs two looks in --iterations {config.iterations}"
            )


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One run of a ladder."""

    name: str
    """Of its folder."""
    strategy: str
    """What must be played before the next rung is trained; see docs/stages.md."""
    share: float
    """In what share of the episodes of two looks in a row."""
    config: TrainConfig
    """The run. Its ``iterations`` are the most that are spent on it."""

    @property
    def goal(self) -> Goal:
        """What ends it."""
        return Goal(self.strategy, self.share)


@dataclass(frozen=True)
class Ladder:
    """Rungs in their order."""

    purpose: str
    """What it is good for, in one line."""
    rungs: tuple[Rung, ...]
