"""Placement functions: where on the grid an object may start (environment rule 4.2)."""

from __future__ import annotations

from numpy.random import Generator

from .floor_plan import Room
from .occupancy import Cells, Where
from .quadrant import quadrant_cells
from .random_draws import pick


def uniform(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """Anywhere inside the frame. As in the original, the last free row and column are never used."""
    return pick(rng, 1, grid - footprint[0] - 1), pick(rng, 1, grid - footprint[1] - 1)


def centre(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """In the middle of the floor, always the same cells."""
    return grid // 2 - footprint[0] // 2, grid // 2 - footprint[1] // 2


def in_quarter(rng: Generator, grid: int, footprint: Cells) -> Cells:
    """In the lower-left quarter of the floor."""
    return pick(rng, 1, grid // 2 - footprint[0] + 1), pick(rng, 1, grid // 2 - footprint[1] + 1)


def in_quadrant(rng: Generator, grid: int, footprint: Cells, side: int | None = None) -> Cells:
    """Inside the room of the quadrant, whose side in cells is that of the fixed layout if not given."""
    side = quadrant_cells(grid) if side is None else side
    return pick(rng, grid - side, grid - footprint[0] - 1), pick(rng, 1, side - footprint[1] - 1)


def outside_quadrant(rng: Generator, grid: int, footprint: Cells, side: int | None = None) -> Cells:
    """In one of the other three quarters: lower-left, upper-left or upper-right, each equally likely."""
    side = quadrant_cells(grid) if side is None else side
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


def middle(share: float) -> Where:
    """Return a placement function in a square in the middle whose side is a share of the floor's side."""

    def where(rng: Generator, grid: int, footprint: Cells) -> Cells:
        x, y = (
            pick(rng, int((grid - size) * (1 - share) / 2 + share), int((grid - size) * (1 + share) / 2 - share))
            for size in footprint
        )
        return x, y

    return where


def in_room(room: Room) -> Where:
    """Return a placement function inside a room."""

    def where(rng: Generator, grid: int, footprint: Cells) -> Cells:
        return pick(rng, room.x0, room.x1 - footprint[0]), pick(rng, room.y0, room.y1 - footprint[1])

    return where


def each_room(rooms: list[Room]) -> Where:
    """Return a placement function that visits the rooms in random order, all of them before one a second time."""
    left: list[Room] = []

    def where(rng: Generator, grid: int, footprint: Cells) -> Cells:
        if not left:
            left.extend(rooms)
        return in_room(left.pop(pick(rng, 0, len(left))))(rng, grid, footprint)

    return where
