"""The Trading Game: who starts where around the fire, and where food grows at every dawn.

Lengths are cells of the original's grid (``TradeOptions.cell`` metres). The fire is in the middle of the floor.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numpy.random import Generator

from ..scenario import Scenario
from .occupancy import Spot

MOST_TRADERS = 4
FRUIT, GREENS = 0, 1
_WALL = 0.75
"""Grid cells from the floor's edge to the inner face of its wall."""
_MARGIN = 0.05
"""Metres from a wall, half of a piece."""


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
    """Return for each piece its places, one for every dawn."""
    shape = (dawns(scenario), 2)
    return [
        [Spot(patch.x + x * patch.width, patch.y + y * patch.height, (0, 0)) for x, y in rng.random(shape)]
        for patch in patches(scenario)
        for _ in range(scenario.trade.pieces[patch.kind])
    ]


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
