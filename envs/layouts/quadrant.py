"""Fixed arenas: one room in the lower-right quarter, and the empty arena (environment rule 3.3)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .random_draws import pick
from .walls import Wall, cut_door, outer_walls

QUADRANT_SHARE = 0.5  # Side of the room as a share of the floor's side.
SMALLEST_SHARE, LARGEST_SHARE = 0.3, 0.6  # The same if it varies.

_SOLID = {"left": 1, "upper": 0}  # The wall that has the door -> index of the one without.


def quadrant_cells(grid_cells: int) -> int:
    """Return the side of the quadrant's room in cells, its wall included."""
    return int(QUADRANT_SHARE * grid_cells)


def quadrant(scenario: Scenario, rng: Generator, side: int | None = None) -> list[Wall]:
    """Return the frame and the room's two walls, centred at x = 3.1 and y = 3.1 m on the 6 m floor.

    Each wall has a door at a position drawn from ``door_spread`` of the wall, except that with
    ``door_dropout_probability`` one of them is left solid, the one that ``door_wall`` does not name. ``side`` is the
    room's side in cells, its wall included, that of the fixed layout if not given.
    """
    cells = scenario.grid_cells
    side = quadrant_cells(cells) if side is None else side
    room = [Wall(True, cells - side, 0, side), Wall(False, side, cells - side, cells - 1)]
    drop = rng.random() < scenario.door_dropout_probability
    drawn = pick(rng, 0, 2) if drop else None
    solid = drawn if scenario.door_wall == "drawn" or drawn is None else _SOLID[scenario.door_wall]
    walls = outer_walls(cells)
    for index, wall in enumerate(room):
        door_cells = 0 if index == solid else scenario.door_cells
        walls += cut_door(wall, [wall.start, wall.end], door_cells, rng, scenario.door_spread)
    return walls


def variable_quadrant_cells(grid_cells: int, rng: Generator) -> int:
    """Draw the side of the room of the variable quadrant, in cells."""
    return int((SMALLEST_SHARE + (LARGEST_SHARE - SMALLEST_SHARE) * rng.random()) * grid_cells)


def quadrant_pieces(scenario: Scenario) -> int:
    """Return the largest number of interior wall pieces."""
    return 4 if scenario.door_cells else 2


def empty(scenario: Scenario, rng: Generator) -> list[Wall]:
    """Return the frame alone."""
    return outer_walls(scenario.grid_cells)


def empty_pieces(scenario: Scenario) -> int:
    """Return the number of interior wall pieces: none."""
    return 0
