"""Three rooms: one wall across the floor and a second from it to one side (environment rule 3.3, var_tri)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .floor_plan import FloorPlan, Room
from .random_draws import pick
from .walls import Wall, cut_door, outer_walls

NEAREST, FARTHEST = 0.4, 0.6  # Shares of the floor's side between which a wall stands.


def three_rooms(scenario: Scenario, rng: Generator) -> FloorPlan:
    """Return the frame, the two walls with a door each, and the rooms: the half first, then the two quarters.

    Without door cells the rooms are closed, and only ramps and boxes lead over their walls.
    """
    cells = scenario.grid_cells
    vertical = rng.random() < 0.5
    first, second = _wall_cell(cells, rng), _wall_cell(cells, rng)
    beyond = bool(pick(rng, 0, 2))  # The second wall goes right or up, else left or down.
    last = cells - 1
    across = Wall(vertical, first, 0, last)
    branch = Wall(not vertical, second, *((first, last) if beyond else (0, first)))
    walls = outer_walls(cells)
    walls += cut_door(across, [0, second, last], scenario.door_cells, rng)
    walls += cut_door(branch, [branch.start, branch.end], scenario.door_cells, rng)
    return FloorPlan(walls, _rooms(cells, vertical, first, second, beyond))


def three_rooms_pieces(scenario: Scenario) -> int:
    """Return the largest number of interior wall pieces."""
    return 4 if scenario.door_cells else 2


def _wall_cell(cells: int, rng: Generator) -> int:
    return int(cells * (NEAREST + (FARTHEST - NEAREST) * rng.random()))


def _rooms(cells: int, vertical: bool, first: int, second: int, beyond: bool) -> list[Room]:
    """Return the rooms' free cells.

    Along the first wall's normal there are two sides; the branch halves one of them.
    """
    low, high = (1, first), (first + 1, cells - 1)
    whole, halved = (low, high) if beyond else (high, low)
    along = [(whole, (1, cells - 1)), (halved, (1, second)), (halved, (second + 1, cells - 1))]
    return [Room(*normal, *side) if vertical else Room(*side, *normal) for normal, side in along]
