"""Episodes that are played to be measured: by a policy, by scripts, or by a policy of which one agent is overridden.

Shapes: W worlds, A agents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.games.trade import Trade
from envs.layouts import JUDGING
from envs.scenarios import Scenario

from ...play.players import Player


@dataclass(frozen=True)
class Played:
    """What came of some episodes, one in each of W worlds."""

    numbers: dict[str, float]
    """Statistics of the game, means."""
    given: Tensor
    """(A, A) units by giver and taker, means; what agents took back themselves is on the diagonal."""
    offered: Tensor
    """(A,) units that each agent put down, means."""


Change = Callable[[BatchEnv, Tensor], Tensor]
"""Takes the worlds and the actions (W, A, components) that were chosen, and returns those that are done."""


def play(scenario: Scenario, player: Player, episodes: int, seed: int, change: Change | None = None) -> Played:
    """Play episodes on layouts that nobody learned from, side by side.

    Args:
      scenario: of the Trading Game.
      player: plays all agents.
      episodes: W.
      seed: decides the layouts.
      change: changes the actions of some agents.
    """
    env = BatchEnv(scenario, episodes, seed, threads=1, domain=JUDGING)
    try:
        game = env.game
        assert isinstance(game, Trade)
        player.begin(env)
        obs, started = env.reset(), torch.ones(episodes, dtype=torch.bool)
        for step in range(scenario.horizon):
            actions = player.act(obs, started)
            transition = env.advance(actions if change is None else change(env, actions))
            if step == scenario.horizon - 1:
                break
            obs, started = env.conclude(transition).obs, torch.zeros_like(started)
        numbers = {name: float(values.mean()) for name, values in game.statistics(transition.view).items()}
        return Played(numbers, game.deals.given.sum(3).mean(0), game.deals.offered.sum(2).mean(0))
    finally:
        env.close()
