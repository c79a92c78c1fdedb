"""Probes (Garbus and Pollack 2024, section 4.2): a script overrides one agent, the others play as they learned.

- **reclaim**: it puts food down, waits until its partner has put something down, and takes its own food back.
- **grab**: it puts nothing down, and goes for what its partner puts down.
- **intrude**: it goes for whatever anybody else has put down; for worlds of more than one pair.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.games.trade.market_floor import PIECE
from envs.scenarios import Scenario

from ...play.players import Player
from ...play.scripted.market_situation import MarketSituation
from ...play.scripted.situation import Situation
from ...play.scripted.steering import Steering
from .episodes import play

PROBED = 0
"""The agent that is overridden; its partner is agent 1."""


def reclaim(market: MarketSituation, steer: Steering) -> None:
    """Put down, wait for the partner's offer, take the own one back."""
    _, offered = market.offer()
    mine = market.has_offered()
    put = torch.where(market.bag >= PIECE, 2 + 2 * market.kind, 0)
    steer.rest(market.agents)
    steer.choose(market.agents, torch.where(mine, torch.where(offered, 1 + 2 * market.kind, 0), put))


def grab(market: MarketSituation, steer: Steering) -> None:
    """Put nothing down, and take what the partner has put down."""
    _fetch(market, steer, *market.offer())


def intrude(market: MarketSituation, steer: Steering) -> None:
    """Take what anybody else has put down, the nearest first."""
    _fetch(market, steer, *market.nearest_offer())


def _fetch(market: MarketSituation, steer: Steering, place: Tensor, there: Tensor) -> None:
    """Go where food lies (W, A, 2), if it does (W, A), and pick the kind that is not the own one when it is near."""
    steer.rest(market.agents)
    steer.go(market.agents, place, where=there)
    reached = there & ((market.here - place).norm(dim=-1) <= market.options.reach * market.cell)
    steer.choose(market.agents, torch.where(reached, 3 - 2 * market.kind, 0))


PROBES: dict[str, Callable[[MarketSituation, Steering], None]] = {"reclaim": reclaim, "grab": grab, "intrude": intrude}
"""By name."""


def probes_for(scenario: Scenario) -> list[str]:
    """Return the probes that mean something in a scenario."""
    return [name for name in PROBES if name != "intrude" or scenario.num_agents > 2]


def probe(name: str, scenario: Scenario, player: Player, episodes: int, seed: int) -> dict[str, Any]:
    """Play episodes in which agent 0 is overridden.

    Returns:
      Units per episode: ``takes`` of others' food by agent 0, ``loses`` of its own to others; ``offered`` by its
      partner (with intrude, by all others), and ``rescinded``: the share of it that they took back themselves.
    """
    played = play(scenario, player, episodes, seed, partial(_override, PROBES[name]))
    others = [agent for agent in range(scenario.num_agents) if agent != PROBED and (agent == 1 or name == "intrude")]
    offered = float(played.offered[others].sum())
    back = float(played.given[others, others].sum())
    return {
        "takes": float(played.given[:, PROBED].sum() - played.given[PROBED, PROBED]),
        "loses": float(played.given[PROBED].sum() - played.given[PROBED, PROBED]),
        "offered": offered,
        "rescinded": back / offered if offered else 0.0,
    }


def _override(script: Callable[[MarketSituation, Steering], None], env: BatchEnv, actions: Tensor) -> Tensor:
    """Replace agent 0's actions (W, A, components) by a script's."""
    world = Situation(env)
    steer = Steering(world)
    script(MarketSituation(world), steer)
    chosen = torch.arange(env.num_agents, device=env.device) == PROBED
    return torch.where(chosen[:, None], steer.actions, actions)
