"""The Trading Game: who starts where around the fire, and where food grows at every dawn.

Lengths are cells of the original's grid (``TradeOptions.cell`` metres). The fire is in the middle of the floor.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..scenario import Scenario
from .occupancy import Spot

MOST_TRADERS = 4
FRUIT, GREENS = 0, 1
_WALL = 0.75
"""Grid cells from the floor's edge to the inner face of its wall."""
_MARGIN = 0.05
"""Metres from a wall, half of a piece."""
_APART = 0.12
"""Metres between the centres of pieces with bodies, a little more than their size."""
_TRIES = 200
"""Draws of a place before it may be in another piece, which physics pushes away."""


class Patch(NamedTuple):
    """A place where food grows, with the lower-left corner of the floor that is free at the origin."""

    kind: int
    x: float
    y: float
    """Lower-left corner, metres."""
    width: float
    height: float
    """Metres."""


def patches(scenario: Scenario) -> list[Patch]:
    """Return the patches, inside the walls."""
    options, low = scenario.trade, _WALL * scenario.cell_size + _MARGIN
    high = scenario.floor_size - low
    if options.patches == "corners":
        side = 3 * options.cell
        return [
            Patch(kind, x, y, side, side)
            for y in (low, high - side)
            for kind, x in ((FRUIT, low), (GREENS, high - side))
        ]
    if options.patches == "sides":
        width, height = 2 * options.cell, 5 * options.cell
        y = (scenario.floor_size - height) / 2
        return [Patch(FRUIT, low, y, width, height), Patch(GREENS, high - width, y, width, height)]
    return []


def grown_kinds(scenario: Scenario) -> list[int]:
    """Return the kind of every piece that grows at a dawn, as ``market_food`` orders them."""
    return [patch.kind for patch in patches(scenario) for _ in range(scenario.trade.pieces[patch.kind])]


def dawns(scenario: Scenario) -> int:
    """Return at how many dawns of an episode food grows; its start counts as one."""
    options = scenario.trade
    begun = options.day_steps if options.begins == "dusk" else 0
    return math.ceil((begun + scenario.horizon) / (2 * options.day_steps))


def market_food(scenario: Scenario, rng: Generator) -> list[list[Spot]]:
    """Return for each piece its places, one for every dawn. Pieces with bodies do not grow into each other."""
    apart = _APART if scenario.trade.carry == "haul" else 0.0
    food = []
    for patch in patches(scenario):
        corner, size = np.array([patch.x, patch.y]), np.array([patch.width, patch.height])
        grown: list[NDArray[np.float64]] = []
        for _ in range(scenario.trade.pieces[patch.kind]):
            grown.append(_grow(corner, size, grown, apart, dawns(scenario), rng))
        food += [[Spot(float(x), float(y), (0, 0)) for x, y in places] for places in grown]
    return food


def _grow(
    corner: NDArray[np.float64],
    size: NDArray[np.float64],
    others: list[NDArray[np.float64]],
    apart: float,
    dawns: int,
    rng: Generator,
) -> NDArray[np.float64]:
    """Draw a piece's places (dawns, 2) in a patch, so far apart from others, along x or y, as there is room."""
    places = corner + rng.random((dawns, 2)) * size
    for _ in range(_TRIES if apart else 0):
        close = np.array([np.abs(places - other).max(1) < apart for other in others]).any(0)
        if not close.any():
            break
        places[close] = corner + rng.random((int(close.sum()), 2)) * size
    return places


def market_starts(scenario: Scenario) -> tuple[list[Spot], list[float]]:
    """Return where agents start, always the same, and their yaws: they look at the fire.

    Two stand left and right of it, more at the corners of the 3 x 3 cells around it: 0 and 2 on the side of the fruit,
    1 and 3 on that of the greens.
    """
    spread = 0 if scenario.hiders <= 2 else 1
    offsets = [(x, y) for y in (-spread, spread) for x in (-1, 1)][: scenario.hiders]
    middle, cell = scenario.floor_size / 2, scenario.trade.cell
    spots = [Spot(middle + cell * x, middle + cell * y, (0, 0)) for x, y in offsets]
    return spots, [math.atan2(-y, -x) + math.pi / 2 for x, y in offsets]
