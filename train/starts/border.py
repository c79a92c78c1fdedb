"""How far from the goal episodes begin: backwards from success, a step further whenever the farthest are won.

States of scripts know how many steps before the script's goal they are: their lead. Starting from ever earlier states
of successful play, and only once later ones are mastered, is the curriculum of Salimans & Chen (2018), "Learning
Montezuma's Revenge from a single demonstration", section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

UNKNOWN = -1
"""Lead of states that no script has passed on its way to a goal."""
_WIDTH = 2
"""Steps that the border is wide."""
_ENOUGH = 30
"""Episodes from the border after which it may move."""
_WON, _LOST = 0.5, 0.2
"""Share of them won from which on it moves away from the goal, or below which it comes back."""


class Border:
    """The largest lead of states in which episodes begin, and how many of those near it were won."""

    def __init__(self) -> None:
        self.reach = _WIDTH
        """Largest lead, steps."""
        self._plays = self._won = 0

    def weights(self, lead: Tensor) -> Tensor:
        """Return how often states with these leads (n,) shall be drawn: half of the time those at the border."""
        known = lead != UNKNOWN
        at_border = known & self._at_border(lead)
        within = known & (lead <= self.reach - _WIDTH)
        halves = [part / part.sum().clamp(min=1) for part in (at_border.double(), within.double())]
        weights = halves[0] + halves[1]
        return weights if weights.sum() > 0 else known.double()

    def settle(self, lead: Tensor, won: Tensor, farthest: int) -> None:
        """Count episodes from states with these leads (n,), and which of them were won (n,); then move, if it is time.

        Args:
          lead: (n,), ``UNKNOWN`` where there is none.
          won: (n,) bool.
          farthest: the largest lead that there is.
        """
        counted = (lead != UNKNOWN) & self._at_border(lead)
        self._plays += int(counted.sum())
        self._won += int((won & counted).sum())
        if self._plays < _ENOUGH:
            return
        share = self._won / self._plays
        moved = min(self.reach + 1, farthest) if share >= _WON else self.reach - 1 if share < _LOST else self.reach
        self.reach = max(moved, _WIDTH)
        self._plays = self._won = 0

    def _at_border(self, lead: Tensor) -> Tensor:
        return (lead > self.reach - _WIDTH) & (lead <= self.reach)

    def to_tensor(self) -> Tensor:
        """Return everything, (3,) int64."""
        return torch.tensor([self.reach, self._plays, self._won])

    @classmethod
    def from_tensor(cls, values: Tensor) -> Border:
        """Return the border that ``to_tensor`` was called on."""
        border = cls()
        border.reach, border._plays, border._won = values.tolist()
        return border
