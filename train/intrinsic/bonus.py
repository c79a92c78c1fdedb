"""What every kind of bonus does, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from envs.games import View

from ..learning.rollouts import RolloutBuffer


@dataclass(frozen=True)
class Arrival:
    """Where a step of all worlds has led to, before any of them starts its next episode."""

    view: View
    """As the rules see it."""
    observe: Callable[[], dict[str, Tensor]]
    """Returns what the agents observe, (W, A, ...); takes time, so only those call it who need it."""
    own: Tensor
    """(W, A) bool: agents that are there and whom the learning policy plays; what others do earns and teaches
    nothing."""


class Bonus(Protocol):
    """A reward for novelty. W worlds, A agents, T steps of a rollout, N = W * A sequences."""

    @property
    def fitted(self) -> bool:
        """Whether the scale of observations is known, or none is needed."""
        ...

    def fit_normalizer(self, buffer: RolloutBuffer) -> None:
        """Take the scale of observations from the own steps of a full rollout, of anyone's play."""
        ...

    def see(self, arrival: Arrival) -> None:
        """Note one step of the rollout."""
        ...

    def finish(self, buffer: RolloutBuffer) -> Tensor:
        """Return the bonuses (T, N) of the steps since the last call, and learn from the own ones of the rollout."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return numbers on the last rollout, by name; the same in every process."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that decides later bonuses, between two rollouts; the same in every process."""
        ...

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what ``tensors`` returned."""
        ...
