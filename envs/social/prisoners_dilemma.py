"""The prisoner's dilemma of two players (Meulemans et al., ICLR 2025, section 4 and appendices B and C).

Iterated: a game of some rounds. Analytic: endless, of players that remember one round, with returns in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ..errors import UserError
from ..options.ranges import AtLeastOne, Range, Reward, faults

DEFECT, COOPERATE = 0, 1
CELLS = ("start", "CC", "CD", "DC", "DD")
"""What a player knows: nothing yet, or the last round, its own move first."""


@dataclass(frozen=True, kw_only=True)
class DilemmaConfig:
    """The rules."""

    reward: Reward = 1.0
    """Of both if both cooperate."""
    temptation: Reward = 2.0
    """Of a defector whom the other one helps."""
    sucker: Reward = -1.0
    """Of a cooperator whom the other one does not help."""
    punishment: Reward = 0.0
    """Of both if both defect."""
    horizon: AtLeastOne = 10
    """Rounds of an episode."""

    @property
    def payoffs(self) -> tuple[float, ...]:
        """Reward of the round that each of ``CELLS`` shows."""
        return (0.0, self.reward, self.sucker, self.temptation, self.punishment)


class PrisonersDilemma:
    """W worlds of two players, who see each other's last move.

    ``events`` says of every agent (W, 2) whether it ``cooperated`` in the last round.

    Args:
      worlds: W.
      config: the rules.
      generator: its device is that of all tensors; nothing is random.

    Raises:
      UserError: a number out of its range.
    """

    name = "prisoners-dilemma"
    agents = 2
    actions = 2
    action_names = ("defect", "cooperate")
    observation_size = len(CELLS)

    def __init__(self, worlds: int, config: DilemmaConfig, generator: torch.Generator) -> None:
        for option, fault in faults(config):
            raise UserError(f"{option} {fault}")
        self.horizon = config.horizon
        self.generator = generator
        device = generator.device
        self._payoffs = torch.tensor(config.payoffs, device=device)
        self._one_hot = torch.eye(len(CELLS), device=device)
        self._cells = torch.zeros(worlds, 2, dtype=torch.int64, device=device)
        self._score = torch.zeros(worlds, 2, device=device)
        self.events = {"cooperated": torch.zeros(worlds, 2, device=device)}

    def reset(self) -> Tensor:
        """Begin an episode in every world; return observations (W, 2, 5): one-hot, of ``CELLS``."""
        self._cells = torch.zeros_like(self._cells)
        self._score = torch.zeros_like(self._score)
        return self._one_hot[self._cells]

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Play a round of actions (W, 2); return observations (W, 2, 5) and rewards (W, 2)."""
        self._cells = 4 - 2 * actions - actions.flip(-1)
        rewards = self._payoffs[self._cells]
        self._score += rewards
        self.events = {"cooperated": actions.float()}
        return self._one_hot[self._cells], rewards

    def text(self, world: int = 0) -> str:
        """Return the last round and the scores."""
        one, other = self._score[world].tolist()
        return f"agent_0 and agent_1: {CELLS[int(self._cells[world, 0])]}; scores {one:g} and {other:g}"


Gamma = Annotated[float, Range(low=0, below=1)]
"""Probability that the endless game goes on after a round."""


def endless_returns(
    first: Tensor, second: Tensor, gamma: float, payoffs: tuple[float, ...] = DilemmaConfig().payoffs
) -> Tensor:
    """Return what players that remember one round can expect per round of an endless game.

    Args:
      first: probabilities (..., 5) that the first player cooperates after each of ``CELLS``.
      second: those of the second player, from its own view.
      gamma: discount per round.
      payoffs: reward of each of ``CELLS``.

    Returns:
      Returns (..., 2), multiplied by 1 - gamma: 1 for mutual cooperation. Differentiable.
    """
    theirs = second[..., [0, 1, 3, 2, 4]]  # What the first player sees as CD, the second one sees as DC.
    mine = first
    joint = torch.stack([mine * theirs, mine * (1 - theirs), (1 - mine) * theirs, (1 - mine) * (1 - theirs)], -1)
    start, moves = joint[..., 0, :], joint[..., 1:, :]  # (..., 4) and (..., 4, 4): to each outcome, from each.
    system = torch.eye(4, dtype=joint.dtype, device=joint.device) - gamma * moves
    visits = torch.linalg.solve(system.mT, start)  # Discounted visits of each outcome.
    mine_paid = torch.tensor(payoffs[1:], dtype=joint.dtype, device=joint.device)
    paid = torch.stack([mine_paid, mine_paid[[0, 2, 1, 3]]], -1)
    return (1 - gamma) * visits @ paid
