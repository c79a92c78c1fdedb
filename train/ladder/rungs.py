"""What a ladder is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.train_config import TrainConfig
from ..stages.stage_watch import StageWatch


@dataclass(frozen=True)
class Goal:
    """A strategy that is to be played."""

    strategy: str
    share: float

    def reached(self, stages: StageWatch | None) -> bool:
        """Tell whether it was, in a share of the episodes of the last two looks each; not known without looks."""
        looks = stages.shares.get(self.strategy, []) if stages else []
        return len(looks) > 1 and min(looks[-2:]) >= self.share


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
