"""Agents that assign reputations and learn to from what they get when they play themselves."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from .q_tables import QTables

STATES = 4
"""What a judge sees: 2 * (what the judged one did) + (the other one's reputation). As in a norm."""


class Judges:
    """W * A judges.

    Whenever a judge plays, its payoff is credited to its last verdicts, those on both players of the last pair that it
    judged. The paper says that a judge gets no reward of its own and is credited with what it gets later, not how.

    Args:
      agents: W * A.
      rate: step beta.
      credit: values are the sum of the payoffs times beta, or their running mean.
      device: where they are.
    """

    def __init__(self, agents: int, rate: float, credit: Literal["sum", "mean"], device: torch.device) -> None:
        self.tables = QTables(STATES * agents + 1, device)  # The last row is that of who has not judged yet.
        self._rate, self._credit = rate, credit
        self._last = torch.full((2, agents), self.tables.rows - 1, device=device)

    def judge(self, judges: Tensor, actions: Tensor, others: Tensor, thresholds: Tensor) -> Tensor:
        """Return the reputations (2 * S,), int64, that judges (S,) of pairs give those who have a seat (2 * S,)."""
        rows = torch.add(STATES * judges.repeat(2) + others, actions, alpha=2)
        verdicts = self.tables.act(rows, thresholds)
        self._last[:, judges] = (rows + self.tables.rows * verdicts).view(2, -1)
        return verdicts

    def credit(self, players: Tensor, payoffs: Tensor) -> None:
        """Credit what players (S,) got to their last verdicts."""
        for last in self._last:
            entries = last[players]
            gain = payoffs - self.tables.values[entries] if self._credit == "mean" else payoffs
            self.tables.add(entries, self._rate * gain)

    def norms(self) -> Tensor:
        """Return the norm (W * A,) by which each judges when it does not explore, as four bits."""
        verdicts = self.tables.greedy()[:-1].view(-1, STATES)
        return verdicts @ torch.tensor([8, 4, 2, 1], device=verdicts.device)
