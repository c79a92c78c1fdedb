"""Which of the worlds' next episodes begin in a given state, decided beforehand, so that no step has to ask."""

from __future__ import annotations

import torch
from torch import Tensor

from .starts import Starts

FRESH = -1
"""Origin of an episode that began as the scenario says; those that began in a given state have its number."""


class StartQueue:
    """For each of W worlds the starts of its next D episodes. When they are used up, episodes begin fresh.

    Nothing waits for a GPU: a start is a lookup of fixed shape.
    """

    def __init__(self, num_worlds: int, device: torch.device) -> None:
        self.origin = torch.full((num_worlds,), FRESH, device=device)
        """(W,) number of the state in which the present episode of each world began, or ``FRESH``."""
        self._worlds = torch.arange(num_worlds, device=device)
        self.clear()

    def clear(self) -> None:
        """Let episodes begin fresh from now on."""
        self._numbers: Tensor | None = None
        self._starts: Starts | None = None

    def offer(self, numbers: Tensor, starts: Starts) -> None:
        """Give the starts of the next episodes, in place of what is left of the last ones.

        Args:
          numbers: (W, D) of each world's next episodes: of their states, or ``FRESH``.
          starts: W * D states, those of world 0 first; where an episode begins fresh they mean nothing.
        """
        self._numbers, self._starts = numbers, starts
        self._used = torch.zeros_like(self._worlds)

    def take(self, began: Tensor) -> tuple[Tensor, Starts] | None:
        """Take the starts of episodes that begin now.

        Args:
          began: (W,) bool: worlds in which they do.

        Returns:
          (W,) bool: worlds that begin in a given state, and W states; None if it is known that none does.
        """
        if self._numbers is None or self._starts is None:
            self.origin = torch.where(began, FRESH, self.origin)
            return None
        depth = self._numbers.shape[1]
        slot = self._used.clamp(max=depth - 1)
        number = torch.where(self._used < depth, self._numbers[self._worlds, slot], FRESH)
        self.origin = torch.where(began, number, self.origin)
        self._used = self._used + began
        return began & (number != FRESH), self._starts.select(self._worlds * depth + slot)
