"""Scripts of the Trading Game: forage by day and wait at the fire, and there swap with the partner or not."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.games.trade.market_floor import MEAL, PIECE

from .market_situation import MarketSituation
from .situation import Situation, towards
from .steering import Steering

SWAPS = (0, 6, 12)
"""Ticks of the night at which partners begin a swap: each puts half a unit down and takes the other's."""
_BEYOND = 1.0
"""Cells beyond a piece that a forager runs for, so that it picks in passing."""
_SWAP_TICKS = 5
"""Ticks for which they wait for each other; then they take back what is left."""
_TO_OFFER = 0.55
"""Share of its reach to which an agent comes close to an offer."""


def fed_at_the_fire(world: Situation) -> Tensor:
    """Return (W,) bool: everybody has some of its own food, and is where the fire keeps the dark away."""
    market = MarketSituation(world)
    return ((market.bag >= MEAL) & market.is_safe).all(1)


def swapped(world: Situation) -> Tensor:
    """Return (W,) bool: there were as many swaps as there are pairs."""
    return world.state.game["drop_swaps"] >= world.scenario.num_agents / 2


def forage(world: Situation, steer: Steering) -> None:
    """Empty the own patch by day, and be back at the fire by night."""
    market = MarketSituation(world)
    crop, in_time = market.nearest_crop()
    beyond = crop + _BEYOND * market.cell * towards(market.here, crop)
    steer.go(market.agents, torch.where(in_time[..., None], beyond, market.home))
    steer.look(market.agents, yaw=market.home_yaw)
    steer.choose(market.agents, torch.where(market.reaches(market.kind), 1 + 2 * market.kind, 0))


def forage_and_swap(world: Situation, steer: Steering) -> None:
    """Forage, and three times a night change half a unit for one of the partner's."""
    forage(world, steer)
    market = MarketSituation(world)
    since = market.ticks_since(SWAPS, _SWAP_TICKS)[:, None]
    swapping, begins = since >= 0, (since >= 0) & (since < 1)
    place, offered = market.offer()
    aside = market.here - place
    reach = _TO_OFFER * market.options.reach * market.cell
    beside = place + aside * (reach / aside.norm(dim=-1, keepdim=True)).clamp(max=1)
    steer.go(market.agents, beside, where=swapping & offered)
    puts = begins & (market.bag >= PIECE) & ~market.has_offered()
    takes = offered & market.reaches(1 - market.kind)
    choice = torch.where(puts, 2 + 2 * market.kind, torch.where(takes, 3 - 2 * market.kind, 0))
    steer.choose(market.agents, choice, where=swapping)
