"""One episode's start: walls, then everything that moves, built anew until all of it fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from numpy.random import Generator
from torch import Tensor

from ..errors import UserError
from ..scenarios import LayoutName, Scenario
from .boxes import BOX_SIZE
from .food import FOOD_HEIGHT, num_food_places
from .layout import Layout
from .occupancy import Occupancy, Spot
from .placement import AGENT_SIZE, RAMP_SIZE, Bodies, place_bodies
from .quadrant import empty, empty_pieces, quadrant, quadrant_pieces
from .random_rooms import random_rooms, random_rooms_pieces
from .walls import OUTER_WALLS, Wall

MAX_REBUILDS = 2000  # Worlds built for one episode before the scenario counts as impossible.
MAX_WALL_FAILURES = 100  # The same for worlds in a row whose rooms could not be laid out.


class Arena(NamedTuple):
    """A generator of walls."""

    build: Callable[[Scenario, Generator], list[Wall] | None]
    """Draws the walls of one episode; None asks for a new attempt."""
    interior_pieces: Callable[[Scenario], int]
    """Largest number of interior walls that ``build`` returns."""


ARENAS: dict[LayoutName, Arena] = {
    "random_rooms": Arena(random_rooms, random_rooms_pieces),
    "quadrant": Arena(quadrant, quadrant_pieces),
    "empty": Arena(empty, empty_pieces),
}
"""The generators by ``scenario.layout``."""


class Start(NamedTuple):
    """One episode's start in plain Python numbers."""

    walls: list[Wall]
    bodies: Bodies
    food_scale: float
    """Reward for a unit of food."""


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
    return to_layout(scenario, [draw_start(scenario, rng)])


def draw_start(scenario: Scenario, rng: Generator) -> Start:
    """Build whole worlds until one succeeds (environment rules 3.2 and 4.1).

    Raises:
      UserError: too many failures.
    """
    wall_failures = 0
    for _ in range(MAX_REBUILDS):
        walls = ARENAS[scenario.layout].build(scenario, rng)
        if walls is None:
            wall_failures += 1
            if wall_failures == MAX_WALL_FAILURES:
                raise UserError(
                    f"scenario '{scenario.name}': {scenario.rooms} rooms do not fit on {scenario.grid_cells} x "
                    f"{scenario.grid_cells} cells; use fewer rooms, a smaller min_room_cells or more grid_cells"
                )
            continue
        wall_failures = 0
        bodies = place_bodies(scenario, Occupancy(scenario.grid_cells, scenario.cell_size, walls), rng)
        if bodies is not None:
            return Start(walls, bodies, _draw_range(scenario.food.reward_scale, rng))
    raise UserError(
        f"scenario '{scenario.name}': agents and objects found no free place in {MAX_REBUILDS} attempts; "
        f"use fewer agents, boxes or ramps, or a larger floor_size"
    )


def _draw_range(limits: tuple[float, float], rng: Generator) -> float:
    """Return a number uniform between two limits; equal ones cost no draw."""
    low, high = limits
    return low if low == high else low + (high - low) * rng.random()


def to_layout(scenario: Scenario, starts: list[Start]) -> Layout:
    """Put N starts into tensors, padded to the scenario's slots."""
    slots = max_walls(scenario)
    walls = _tensor([_wall_slots(s.walls, scenario.cell_size, slots) for s in starts], slots, 5)
    wall_present = walls[..., 4] > 0.0
    boxes = [_box_slots(s.bodies, scenario.max_boxes) for s in starts]
    box_half_size = _tensor([sizes for _, sizes in boxes], scenario.max_boxes, 3)
    return Layout(
        walls=walls,
        wall_present=wall_present,
        wall_is_outer=wall_present & (torch.arange(slots) < OUTER_WALLS),
        agent_pose=_tensor([_poses(s.bodies.agents, AGENT_SIZE) for s in starts], scenario.num_agents, 4),
        box_pose=_tensor([poses for poses, _ in boxes], scenario.max_boxes, 4),
        box_half_size=box_half_size,
        box_present=box_half_size[..., 2] > 0.0,
        ramp_pose=_tensor([_poses(s.bodies.ramps, RAMP_SIZE) for s in starts], scenario.ramps, 4),
        food=_food(scenario, starts),
        food_scale=torch.tensor([s.food_scale for s in starts]),
    )


def _food(scenario: Scenario, starts: list[Start]) -> Tensor:
    """Return the (N, F, P, 3) places of food."""
    foods, places = scenario.food.count, num_food_places(scenario)
    rows: list[list[tuple[float, ...]]] = [
        [(p.x, p.y, FOOD_HEIGHT) for spots in s.bodies.food for p in spots] for s in starts
    ]
    return _tensor(rows, foods * places, 3).view(len(starts), foods, places, 3)


def _tensor(rows: list[list[tuple[float, ...]]], slots: int, width: int) -> Tensor:
    """Return an (N, slots, width) float32 tensor; ``slots`` may be 0."""
    return torch.tensor(rows, dtype=torch.float32).reshape(len(rows), slots, width)


def _wall_slots(walls: list[Wall], cell_size: float, slots: int) -> list[tuple[float, ...]]:
    """Return the rows of ``Layout.walls``: the frame first, then interior pieces, then absent walls."""
    absent = (0.0,) * 5
    frame = [wall.box(cell_size) for wall in walls if wall.outer] or [absent] * OUTER_WALLS
    interior = [wall.box(cell_size) for wall in walls if not wall.outer]
    return [*frame, *interior, *[absent] * (slots - OUTER_WALLS - len(interior))]


def _box_slots(bodies: Bodies, slots: int) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    """Return the rows of ``Layout.box_pose`` and ``Layout.box_half_size``, zeros for absent boxes."""
    absent = slots - len(bodies.boxes)
    half_sizes: list[tuple[float, ...]] = [(x / 2, y / 2, BOX_SIZE / 2) for x, y in bodies.box_sizes]
    return _poses(bodies.boxes, BOX_SIZE) + [(0.0,) * 4] * absent, half_sizes + [(0.0,) * 3] * absent


def _poses(spots: list[Spot], height: float) -> list[tuple[float, ...]]:
    """Return x, y, z of the centre and yaw of bodies that stand on the floor unturned."""
    return [(spot.x, spot.y, height / 2, 0.0) for spot in spots]
