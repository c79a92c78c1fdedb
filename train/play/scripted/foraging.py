"""Scripts of the Trading Game: forage by day and wait at the fire, and there swap with the partner or not.

Shapes: W worlds, A agents.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from envs.games.trade.market_floor import MEAL, PIECE
from envs.options.scenario_options import Carrying

from .market_situation import MarketSituation
from .situation import Situation, towards
from .steering import WITH_LOAD, Steering

SWAPS = (0, 6, 12)
"""Ticks of the night at which partners begin a swap: each puts half a unit down and takes the other's."""
_BEYOND = 1.0
"""Cells beyond a piece that a forager runs for, so that it picks in passing."""
_SWAP_TICKS = 5
"""Ticks for which they wait for each other; then they take back what is left."""
_TO_OFFER = 0.55
"""Share of its reach to which an agent comes close to an offer."""


_AT_HOME = 0.3
"""Cells from its place at the fire at which an agent has brought home what it hauls."""
_BESIDE = 0.45
"""Cells from the piece that it wants at which an agent that hauls stops."""


def fed_at_the_fire(world: Situation) -> Tensor:
    """Return (W,) bool: everybody has some of its own food, and is where the fire keeps the dark away."""
    market = MarketSituation(world)
    return ((market.bag >= MEAL) & market.is_safe).all(1)


def swapped(world: Situation) -> Tensor:
    """Return (W,) bool: there were as many swaps as there are pairs."""
    return world.state.game["drop_swaps"] >= world.scenario.num_agents / 2


def forage(world: Situation, steer: Steering) -> None:
    """Bring food from the own patch by day, and be back at the fire by night."""
    FORAGE[world.scenario.trade.carry](world, steer)


def _fill_bag(world: Situation, steer: Steering) -> None:
    """Pick all of the own patch in one round."""
    market = MarketSituation(world)
    crop, in_time = market.nearest_crop()
    beyond = crop + _BEYOND * market.cell * towards(market.here, crop)
    steer.go(market.agents, torch.where(in_time[..., None], beyond, market.home))
    steer.look(market.agents, yaw=market.home_yaw)
    steer.choose(market.agents, torch.where(market.reaches(market.kind), 1 + 2 * market.kind, 0))


def _haul(world: Situation, steer: Steering) -> None:
    """Drag one piece after the other to the fire, where it is left for later or, when it is late, held and eaten."""
    market = MarketSituation(world)
    crop, in_time = market.nearest_crop()
    store, stored = market.nearest_store()
    full, seeks = market.hands_full, in_time | stored
    wanted = torch.where(in_time[..., None], crop, store)
    beside = wanted - _BESIDE * market.cell * towards(market.here, wanted)
    steer.go(market.agents, torch.where(seeks[..., None], beside, market.home), where=~full)
    steer.go(market.agents, market.home.expand_as(wanted), where=full, friction=WITH_LOAD)
    steer.look(market.agents, yaw=market.home_yaw)
    brought = (market.here - market.home).norm(dim=-1) < _AT_HOME * market.cell
    reached = (market.here - wanted).norm(dim=-1) <= world.scenario.reach
    steer.grab(market.agents, torch.where(full, ~(brought & in_time), seeks & reached))


FORAGE: dict[Carrying, Callable[[Situation, Steering], None]] = {"bag": _fill_bag, "haul": _haul}
"""How foragers bring food home, by ``TradeOptions.carry``."""


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
