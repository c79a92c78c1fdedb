"""Where agents, boxes and ramps of hide-and-seek may start (environment rules 4.2 and 4.3)."""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator

from ..scenarios import LayoutName, Scenario
from .boxes import BOX_SIZE, draw_boxes
from .chance import pick
from .occupancy import Cells, Occupancy, Spot, Where, cells_across
from .quadrant import quadrant_cells

AGENT_SIZE = 0.3  # Metres, diameter of the sphere.
RAMP_SIZE = BOX_SIZE  # Metres, side of the ramp's bounding cube.


def uniform(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """Anywhere inside the frame. As in the original, the last free row and column are never used."""
    return pick(rng, 1, grid - footprint[0] - 1), pick(rng, 1, grid - footprint[1] - 1)


def in_quadrant(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """Inside the room of the quadrant."""
    side = quadrant_cells(grid)
    return pick(rng, grid - side, grid - footprint[0] - 1), pick(rng, 1, side - footprint[1] - 1)


def outside_quadrant(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """In one of the other three quarters: lower-left, upper-left or upper-right, each equally likely."""
    side = quadrant_cells(grid)
    left = (1, grid - side - footprint[0] - 1)
    right = (grid - side, grid - footprint[0] - 1)
    below = (1, side - footprint[1] - 1)
    above = (side, grid - footprint[1] - 1)
    columns, rows = ((left, below), (left, above), (right, above))[pick(rng, 0, 3)]
    return pick(rng, *columns), pick(rng, *rows)


def close_to(anchor: Cells, radius: int) -> Where:
    """Return a placement function with offsets of -radius to radius - 1 cells from another object's lower-left cell."""

    def where(rng: Generator, grid: int, footprint: Cells) -> Cells:
        x, y = (pick(rng, max(1, a - radius), min(grid - 1, a + radius)) for a in anchor)
        return x, y

    return where


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


def place_bodies(scenario: Scenario, grid: Occupancy, rng: Generator) -> Bodies | None:
    """Place hiders, seekers, boxes and ramps, in this order. Returns None if one of them finds no free cells."""
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
    return Bodies(hiders + seekers, boxes, sizes, ramps)


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
