"""Payoffs of cooperators and of defectors in populations with every number of cooperators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from envs.social.catalogue import make_game

from ..study import Progress
from .strategies import strategies_of


def measure_payoffs(game: str, rules: Mapping[str, Any], worlds: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Play an episode in W worlds with each number of cooperators, from none to all A agents.

    Which agents of a world cooperate is drawn.

    Returns:
      ``cooperating`` and ``defecting``: lists of A lists, the mean payoff per step (W,) of who does so while 0, 1, ...,
      A - 1 others cooperate.
    """
    generator = torch.Generator().manual_seed(seed)
    agents = make_game(game, 1, generator, **rules).agents
    cooperating, defecting = [], []
    for cooperators in range(agents + 1):
        progress(cooperators / (agents + 1), f"{cooperators} cooperators")
        payoffs, cooperates = _play(game, rules, worlds, cooperators, generator)
        if cooperators > 0:
            cooperating.append(_mean_of(payoffs, cooperates))
        if cooperators < agents:
            defecting.append(_mean_of(payoffs, ~cooperates))
    return {"cooperating": cooperating, "defecting": defecting}


def _play(
    name: str, rules: Mapping[str, Any], worlds: int, cooperators: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the payoff per step of every agent (W, A), and whether it cooperates (W, A)."""
    game = make_game(name, worlds, generator, **rules)
    strategies = strategies_of(game)
    cooperates = torch.rand(worlds, game.agents, generator=generator).argsort(-1) < cooperators
    seen, payoffs = game.reset(), torch.zeros(worlds, game.agents)
    for _ in range(game.horizon):
        actions = torch.where(cooperates, strategies.cooperate(seen), strategies.defect(seen))
        seen, rewards = game.step(actions)
        payoffs += rewards
    return payoffs / game.horizon, cooperates


def _mean_of(payoffs: Tensor, chosen: Tensor) -> list[float]:
    means = (payoffs * chosen).sum(-1) / chosen.sum(-1)
    return np.round(means.double().numpy(), 6).tolist()
