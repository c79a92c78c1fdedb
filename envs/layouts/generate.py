"""One episode's start: walls, then everything that moves, built anew until all of it fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from numpy.random import Generator

from ..errors import UserError
from ..scenario import LayoutName, Scenario
from .assemble import Start, to_layout
from .counting_layout import counting_pieces, counting_walls
from .floor_plan import FloorPlan
from .layout import Layout
from .occupancy import Occupancy
from .placement import place_bodies
from .quadrant import empty, empty_pieces, quadrant, quadrant_cells, quadrant_pieces, variable_quadrant_cells
from .random_draws import draw_range
from .random_rooms import random_rooms, random_rooms_pieces
from .three_rooms import three_rooms, three_rooms_pieces
from .walls import OUTER_WALLS

MAX_REBUILDS = 2000  # Worlds built for one episode before the scenario counts as impossible.
MAX_WALL_FAILURES = 100  # The same for worlds in a row whose rooms could not be laid out.


class Arena(NamedTuple):
    """A generator of walls."""

    build: Callable[[Scenario, Generator], FloorPlan | None]
    """Draws the walls of one episode; None asks for a new attempt."""
    interior_pieces: Callable[[Scenario], int]
    """Largest number of interior walls that ``build`` returns."""


def _random_rooms(scenario: Scenario, rng: Generator) -> FloorPlan | None:
    walls = random_rooms(scenario, rng)
    return None if walls is None else FloorPlan(walls)


def _quadrant(scenario: Scenario, rng: Generator) -> FloorPlan:
    side = quadrant_cells(scenario.grid_cells)
    return FloorPlan(quadrant(scenario, rng, side), quadrant_side=side)


def _variable_quadrant(scenario: Scenario, rng: Generator) -> FloorPlan:
    side = variable_quadrant_cells(scenario.grid_cells, rng)
    return FloorPlan(quadrant(scenario, rng, side), quadrant_side=side)


def _empty(scenario: Scenario, rng: Generator) -> FloorPlan:
    return FloorPlan(empty(scenario, rng))


ARENAS: dict[LayoutName, Arena] = {
    "random_rooms": Arena(_random_rooms, random_rooms_pieces),
    "quadrant": Arena(_quadrant, quadrant_pieces),
    "variable_quadrant": Arena(_variable_quadrant, quadrant_pieces),
    "three_rooms": Arena(three_rooms, three_rooms_pieces),
    "empty": Arena(_empty, empty_pieces),
    "counting": Arena(counting_walls, counting_pieces),
    "market": Arena(_empty, empty_pieces),
}
"""The generators by ``scenario.layout``."""


def max_walls(scenario: Scenario) -> int:
    """Return L, the number of wall slots: 4 for the frame, then as many as the interior can have."""
    return OUTER_WALLS + ARENAS[scenario.layout].interior_pieces(scenario)


def generate(scenario: Scenario, rng: Generator) -> Layout:
    """Draw the start of one episode.

    Returns:
      A layout with N = 1. The frame's walls are in slots 0 to 3, present or not, interior walls from slot 4 on.

    Raises:
      UserError: the walls or objects do not fit on the floor, however often they are drawn.
    """
    return to_layout(scenario, [draw_start(scenario, rng)], max_walls(scenario))


def draw_start(scenario: Scenario, rng: Generator) -> Start:
    """Build whole worlds until one succeeds (environment rules 3.2 and 4.1).

    Raises:
      UserError: too many failures.
    """
    if scenario.min_floor_size is not None:
        floor_size = draw_range((scenario.min_floor_size, scenario.floor_size), rng)
        scenario = dataclasses.replace(scenario, floor_size=floor_size, min_floor_size=None)
    wall_failures = 0
    for _ in range(MAX_REBUILDS):
        plan = ARENAS[scenario.layout].build(scenario, rng)
        if plan is None:
            wall_failures += 1
            if wall_failures == MAX_WALL_FAILURES:
                raise UserError(
                    f"scenario '{scenario.name}': {scenario.rooms} rooms do not fit on {scenario.grid_cells} x "
                    f"{scenario.grid_cells} cells; use fewer rooms, a smaller min_room_cells or more grid_cells"
                )
            continue
        wall_failures = 0
        grid = Occupancy(scenario.grid_cells, scenario.cell_size, plan.walls)
        bodies = place_bodies(scenario, plan, grid, rng)
        if bodies is not None:
            return Start(plan.walls, scenario.cell_size, bodies, draw_range(scenario.food.reward_scale, rng))
    raise UserError(
        f"scenario '{scenario.name}': agents and objects found no free place in {MAX_REBUILDS} attempts; "
        f"use fewer agents, boxes or ramps, or a larger floor_size"
    )
