"""Object counting: a pinned agent looks through a gap at boxes that will drift away behind the walls beside it.

Lengths are in grid cells, so that the arena scales with the floor; 30 cells of 0.2 m make the paper's 6 m floor.
"""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator

from ..scenario import Scenario
from .floor_plan import FloorPlan
from .occupancy import Spot
from .random_draws import pick
from .walls import Wall, outer_walls

MAX_COUNTED = 6
WALL_ROW = 15
GAP = (10, 19)  # The last cell of the left wall and the first of the right one.
AGENT_Y = 2.5
FIRST_LANE, LANE_WIDTH = 17.75, 1.95  # Boxes drift along lanes, one behind the other.
FAN = 0.1  # Tangent of the angle between neighbouring boxes as the agent sees them at first.
HIDDEN_X = 12.0  # Distance from the middle at which a box comes to rest, out of sight in every lane.
BOX_SIZE = 0.3  # Metres.
MIDDLE = 15.0


class Drift(NamedTuple):
    """Boxes and where they go."""

    boxes: list[Spot]
    goals: list[float]
    """x in metres at which each box comes to rest."""


def counting_walls(scenario: Scenario, rng: Generator) -> FloorPlan:
    """Return the frame and two walls with a gap in front of the agent."""
    last = scenario.grid_cells - 1
    return FloorPlan(
        [*outer_walls(scenario.grid_cells), Wall(False, WALL_ROW, 0, GAP[0]), Wall(False, WALL_ROW, GAP[1], last)]
    )


def counting_pieces(scenario: Scenario) -> int:
    """Return the number of interior wall pieces."""
    return 2


def counting_agent(cell: float) -> Spot:
    """Return where the agent is pinned; it looks along +y."""
    return Spot(MIDDLE * cell, AGENT_Y * cell, (14, 1))


def counting_boxes(number: int, cell: float, rng: Generator) -> Drift:
    """Place boxes side by side in the agent's view, each in a lane of its own; each goes left or right by chance.

    The number that goes left is drawn uniformly first: with a fair coin per box the extreme answers would be rare.
    """
    lanes, sides = rng.permutation(MAX_COUNTED)[:number].tolist(), rng.permutation(number).tolist()
    left = pick(rng, 0, number + 1)
    boxes, goals = [], []
    for place, (lane, order) in enumerate(zip(lanes, sides, strict=True)):
        y = FIRST_LANE + LANE_WIDTH * lane
        x = MIDDLE + FAN * (place - (number - 1) / 2) * (y - AGENT_Y)
        boxes.append(Spot(x * cell, y * cell, (int(x), int(y))))
        goals.append((MIDDLE - HIDDEN_X if order < left else MIDDLE + HIDDEN_X) * cell)
    return Drift(boxes, goals)
