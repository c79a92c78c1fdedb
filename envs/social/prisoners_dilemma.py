"""The iterated prisoner's dilemma of two players, batched (Meulemans et al., ICLR 2025, section 4 and appendix B)."""

from __future__ import annotations

import torch
from torch import Tensor

DEFECT, COOPERATE = 0, 1
CELLS = ("start", "CC", "CD", "DC", "DD")
"""What a player observes: nothing yet, or the last round, its own move first."""
PAYOFFS = (0.0, 1.0, -1.0, 2.0, 0.0)
"""Reward of the round that a cell shows, for the player whose own move comes first."""


class PrisonersDilemma:
    """W worlds, two players in each, who see each other's last move.

    Args:
        worlds: W.
        device: Where the tensors live.
    """

    agents = 2
    actions = 2
    observation_size = len(CELLS)

    def __init__(self, worlds: int, device: torch.device | str = "cpu") -> None:
        self.cells = torch.zeros(worlds, 2, dtype=torch.long, device=device)
        self._one_hot = torch.eye(len(CELLS), device=device)
        self._payoffs = torch.tensor(PAYOFFS, device=device)

    def reset(self) -> Tensor:
        """Begin an episode in every world; return observations (W, 2, 5), one-hot."""
        self.cells = torch.zeros_like(self.cells)
        return self._one_hot[self.cells]

    def step(self, moves: Tensor) -> tuple[Tensor, Tensor]:
        """Play a round of moves (W, 2), int64: observations (W, 2, 5) and rewards (W, 2)."""
        self.cells = 4 - 2 * moves - moves.flip(-1)
        return self._one_hot[self.cells], self._payoffs[self.cells]
