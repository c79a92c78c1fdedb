"""Tables of two values, one for each of two actions, of many agents at once."""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-30  # Less than any difference of two values, and no tie.


class QTables:
    """Values of two actions in R rows: a row is a state of an agent.

    Args:
      rows: R.
      device: where they are.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        self.rows = rows
        self.values = torch.zeros(2 * rows, device=device)
        """(2 * R,): all rows of action 0, then all of action 1. Entry ``row + R * action`` is one value."""
        self._no, self._yes = self.values[:rows], self.values[rows:]

    def act(self, rows: Tensor, thresholds: Tensor) -> Tensor:
        """Return the actions (S,), int64, in rows (S,); ``thresholds`` (S,) from ``draw_thresholds``."""
        advantage = self._yes.index_select(0, rows) - self._no.index_select(0, rows)
        return (advantage > thresholds).long()

    def best(self, rows: Tensor) -> Tensor:
        """Return the values (S,) of the better actions."""
        return torch.maximum(self._yes.index_select(0, rows), self._no.index_select(0, rows))

    def greedy(self) -> Tensor:
        """Return the better action (R,) of every row, int64; 0 where both are the same."""
        return (self._yes > self._no).long()

    def prefer(self, rows: Tensor, actions: Tensor) -> None:
        """Make actions the better ones of rows whose values are all zero."""
        self.values[rows + self.rows * actions] = 1.0

    def add(self, entries: Tensor, amounts: Tensor) -> None:
        """Add to values (S,); an entry that is there twice gets both."""
        self.values.index_add_(0, entries, amounts)


def draw_thresholds(exploration: Tensor, tie_chance: Tensor, generator: torch.Generator) -> Tensor:
    """Draw what the advantage of action 1 must exceed to be chosen: all of chance that a choice has.

    Args:
      exploration: probability of a choice that is a fair draw, of the shape wanted.
      tie_chance: probability of action 1 where both values are equal; broadcasts.
      generator: source of the draws.
    """
    draws = torch.rand(exploration.shape, generator=generator, device=exploration.device)
    thresholds = torch.where(draws < exploration + (1 - exploration) * tie_chance, -_TINY, _TINY)
    thresholds.masked_fill_(draws < exploration, torch.inf)
    return thresholds.masked_fill_(draws < exploration / 2, -torch.inf)
