"""Learning-aware agents in the endless dilemma, with exact gradients (Meulemans et al. 2025, section 4, appendix C).

Everybody remembers one round: five logits of cooperation. A naive player follows the gradient of its own return; a
learning-aware agent differentiates through that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.options.ranges import AtLeastOne, Positive, Share
from envs.social.prisoners_dilemma import CELLS, Gamma, endless_returns


@dataclass(frozen=True, kw_only=True)
class AnalyticSetting:
    """Who meets whom, and how all learn."""

    agents: AtLeastOne = 2
    """A, agents of a population."""
    naive_share: Share = 0.25
    """Weight of games with naive players; that of games among agents is the rest."""
    naive_players: AtLeastOne = 32
    """Naive players whom each agent meets in an update."""
    look_ahead: AtLeastOne = 20
    """How often a naive player learns before it is replaced."""
    naive_rate: Positive = 5.0
    """Step of its gradient ascent on its return per round; on the sum of discounted rewards a step is 1 - gamma of this
    one. The paper gives 5 and does not say of which."""
    gamma: Gamma = 0.95
    """Discount per round."""
    learning_rate: Positive = 5e-3
    """Of the agents' AdamW."""
    updates: AtLeastOne = 4000
    """How often the agents learn."""


def shaped_returns(agents: Tensor, naive: Tensor, setting: AnalyticSetting) -> Tensor:
    """Return what agents and the naive players get in each of M + 1 games, of which the naive ones learn M times.

    Args:
        agents: Logits (..., 1, 5).
        naive: Logits (..., I, 5) with which naive players begin.
        setting: How they learn.

    Returns:
        Returns per round (M + 1, ..., I, 2), differentiable through the learning.
    """
    chances = agents.sigmoid().expand_as(naive)
    naive = naive.requires_grad_()
    games = []
    for game in range(setting.look_ahead + 1):
        returns = endless_returns(chances, naive.sigmoid(), setting.gamma)
        games.append(returns)
        if game < setting.look_ahead:
            (slope,) = torch.autograd.grad(returns[..., 1].sum(), naive, create_graph=True)
            naive = naive + setting.naive_rate * slope
    return torch.stack(games)


def train_analytic(
    setting: AnalyticSetting, runs: int, seed: int, tell: Callable[[int, dict[str, Tensor]], None]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Let S populations learn.

    Returns:
        The agents' probabilities of cooperation (S, A, 5) after each of ``CELLS``, and measures before every update,
        (updates, S) each: returns per round ``naive/reward`` and ``naive/their_reward`` of games with naive players,
        ``peers/reward`` of those among agents.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = runs, setting.agents, setting.naive_players, len(CELLS)
    agents = torch.randn(runs, setting.agents, 1, len(CELLS), generator=generator).requires_grad_()
    optimizer = torch.optim.AdamW([agents], lr=setting.learning_rate)
    curves: dict[str, list[Tensor]] = {}
    for update in range(setting.updates):
        found: dict[str, Tensor] = {}
        objective = torch.zeros(())
        if setting.naive_share:
            shaped = shaped_returns(agents, torch.randn(shape, generator=generator), setting).mean((0, 3))
            objective = objective + setting.naive_share * shaped[..., 0].sum()
            found |= {"naive/reward": shaped[..., 0].mean(-1), "naive/their_reward": shaped[..., 1].mean(-1)}
        if setting.agents > 1:
            among = _among(agents.squeeze(2).sigmoid(), setting.gamma)
            objective = objective + (1.0 - setting.naive_share) * among.sum()
            found["peers/reward"] = among.mean(-1)
        optimizer.zero_grad()
        (-objective).backward()
        optimizer.step()
        for name, values in found.items():
            curves.setdefault(name, []).append(values.detach())
        tell(update + 1, found)
    chances = agents.detach().squeeze(2).sigmoid()
    return chances, {name: torch.stack(values) for name, values in curves.items()}


def _among(chances: Tensor, gamma: float) -> Tensor:
    """Return each agent's mean return (S, A) in games with the others of its population, who are given."""
    others = chances.detach()
    many = chances.shape[1]
    returns = [endless_returns(chances, others.roll(shift, 1), gamma)[..., 0] for shift in range(1, many)]
    return torch.stack(returns).mean(0)
