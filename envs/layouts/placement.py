"""Where agents, boxes and ramps of hide-and-seek may start (environment rules 4.2 and 4.3)."""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator

from ..scenarios import LayoutName, Scenario
from .boxes import BOX_SIZE, draw_boxes
from .food import place_food
from .occupancy import Occupancy, Spot, Where, cells_across
from .regions import close_to, in_quadrant, outside_quadrant, uniform

AGENT_SIZE = 0.3  # Metres, diameter of the sphere.
RAMP_SIZE = BOX_SIZE  # Metres, side of the ramp's bounding cube.


class Regions(NamedTuple):
    """Placement functions of everything that moves."""

    hiders: Where
    seekers: Where
    boxes: Where
    ramps: Where


REGIONS: dict[LayoutName, Regions] = {
    "random_rooms": Regions(uniform, uniform, uniform, uniform),
    "quadrant": Regions(hiders=in_quadrant, seekers=outside_quadrant, boxes=in_quadrant, ramps=uniform),
    "empty": Regions(uniform, uniform, uniform, uniform),
}
"""Who uses which placement function in hide-and-seek, by layout."""


class Bodies(NamedTuple):
    """Everything that moves, placed."""

    agents: list[Spot]
    """Hiders, then seekers."""
    boxes: list[Spot]
    """Present boxes."""
    box_sizes: list[tuple[float, float]]
    """Full sizes of the present boxes along x and y, metres."""
    ramps: list[Spot]
    food: list[list[Spot]]
    """Places that each food takes one after the other."""


def place_bodies(scenario: Scenario, grid: Occupancy, rng: Generator) -> Bodies | None:
    """Place hiders, seekers, boxes, ramps and food, in this order. Returns None if one of them finds no free cells."""
    regions = REGIONS[scenario.layout]
    if scenario.hiders_anywhere:
        regions = regions._replace(hiders=uniform)
    hiders = _place_team(grid, scenario.hiders, regions.hiders, scenario.hiders_together_radius, rng)
    if hiders is None:
        return None
    seekers = _place_team(grid, scenario.seekers, regions.seekers, scenario.seekers_together_radius, rng)
    if seekers is None:
        return None
    sizes = draw_boxes(scenario, rng)
    boxes = _place_all(grid, sizes, regions.boxes, rng)
    if boxes is None:
        return None
    ramps = _place_all(grid, [(RAMP_SIZE, RAMP_SIZE)] * scenario.ramps, regions.ramps, rng)
    if ramps is None:
        return None
    food = place_food(scenario, grid, regions.boxes, rng)
    if food is None:
        return None
    return Bodies(hiders + seekers, boxes, sizes, ramps, food)


def _place_team(grid: Occupancy, count: int, where: Where, radius: float | None, rng: Generator) -> list[Spot] | None:
    """Place one team; with a radius in metres, everyone after the first stands close to the first."""
    size = (AGENT_SIZE, AGENT_SIZE)
    if radius is None:
        return _place_all(grid, [size] * count, where, rng)
    first = grid.place(size, where, rng)
    if first is None:
        return None
    near = close_to(first.cell, cells_across(radius, grid.cell_size))
    others = _place_all(grid, [size] * (count - 1), near, rng)
    return None if others is None else [first, *others]


def _place_all(grid: Occupancy, sizes: list[tuple[float, float]], where: Where, rng: Generator) -> list[Spot] | None:
    spots = []
    for size in sizes:
        spot = grid.place(size, where, rng)
        if spot is None:
            return None
        spots.append(spot)
    return spots
