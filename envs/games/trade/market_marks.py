"""What pictures show of the Trading Game: food on the floor and in bags, and where the fire keeps the dark away."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...rendering.lines import Colour, Line, cube, outline
from ...scenario import Scenario
from ...scene.scene import FOOD_COLOURS
from .daylight import SAFE_CELLS
from .market_floor import NOTHING, PIECE

_PUT_COLOUR: Colour = (1.0, 0.95, 0.75, 0.9)
_SAFE_COLOUR: Colour = (0.98, 0.72, 0.30, 0.55)
_SIDE, _IN_BAG = 0.1, 0.06
"""Metres: side of a piece on the floor and in a bag."""
_BAG_HEIGHT = 0.22
"""Metres above an agent's centre."""
_ROW = 5
"""Pieces side by side over an agent."""


def market_marks(scenario: Scenario, state: Mapping[str, NDArray[np.generic]]) -> list[Line]:
    """Return a cube for every piece on the floor and, over their heads, for what agents have in their bags.

    A piece that somebody has put down, or hauls, has a frame. The last piece of a bag is as large as what is left of
    it. Pieces that are hauled have bodies, which are drawn anyway.

    Args:
      scenario: of the game.
      state: one world's row of the game's state.
    """
    middle, half = scenario.floor_size / 2, SAFE_CELLS * scenario.trade.cell
    lines = outline(_square(np.array([middle, middle, 0.006]), half), 0.008, _SAFE_COLOUR)
    pieces = zip(state["trade/place"], state["trade/owner"], state["trade/kind"], strict=True)
    for place, owner, kind in pieces:
        if owner != NOTHING and scenario.trade.carry == "bag":
            lines.append(cube(np.array([*place, _SIDE / 2]), _SIDE, FOOD_COLOURS[int(kind)]))
        if owner >= 0:
            lines += outline(_square(np.array([*place, 0.01]), 0.65 * _SIDE), 0.008, _PUT_COLOUR)
    for agent, bag in enumerate(state["trade/bag"]):
        lines += _bag(agent, bag)
    return lines


def _square(centre: NDArray[np.floating], half: float) -> NDArray[np.floating]:
    """Return the corners (4, 3) of a level square."""
    return centre + half * np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])


def _bag(agent: int, bag: NDArray[np.generic]) -> list[Line]:
    """Return the cubes over an agent: fruit in front, greens behind it."""
    lines = []
    for kind, units in enumerate(bag.tolist()):
        pieces = int(np.ceil(units / PIECE - 1e-3))
        for number in range(pieces):
            share = min(units / PIECE - number, 1.0) ** (1 / 3)
            row, column = divmod(number, _ROW)
            across = (column - (min(pieces, _ROW) - 1) / 2) * 1.25 * _IN_BAG
            centre = np.array([across, (kind - 0.5) * 1.4 * _IN_BAG, _BAG_HEIGHT + row * 1.25 * _IN_BAG])
            lines.append(cube(centre, _IN_BAG * share, FOOD_COLOURS[kind], carrier=agent))
    return lines
