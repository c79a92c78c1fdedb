"""The grid of taken cells and placement by rejection (environment rule 4.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from numpy.random import Generator

from .walls import Wall

PLACEMENT_TRIES = 10  # Cells tried for one object before the whole world is built anew.

Cells = tuple[int, int]
"""Cells along x and y: a position on the grid (lower-left cell) or a footprint."""

Where = Callable[[Generator, int, Cells], Cells]
"""Placement function: (rng, cells along the grid, footprint) -> lower-left cell to try."""


class Spot(NamedTuple):
    """Where an object was placed."""

    x: float
    """Metres, true centre."""
    y: float
    """Metres, true centre."""
    cell: Cells
    """Lower-left cell of the footprint."""


class Occupancy:
    """Which cells of a square grid are taken. One integer per row, bit x stands for cell x of that row."""

    def __init__(self, grid_cells: int, cell_size: float, walls: Iterable[Wall]) -> None:
        self.grid_cells = grid_cells
        self.cell_size = cell_size
        beyond = -1 << grid_cells  # Cells to the right of the grid are taken: bits from grid_cells on are all set.
        self._rows = [beyond] * grid_cells
        for wall in walls:
            along = wall.length + 1
            if wall.vertical:
                self._take((wall.line, wall.start), (1, along))
            else:
                self._take((wall.start, wall.line), (along, 1))

    def place(self, size: tuple[float, float], where: Where, rng: Generator) -> Spot | None:
        """Take free cells for an object and return where it stands, or None after too many tries; see ``find``."""
        spot = self.find(size, where, rng)
        if spot is not None:
            self._take(spot.cell, (cells_across(size[0], self.cell_size), cells_across(size[1], self.cell_size)))
        return spot

    def find(self, size: tuple[float, float], where: Where, rng: Generator) -> Spot | None:
        """Look for free cells for an object and return its centre, or None after too many tries.

        The object covers whole cells but stands at a uniformly random position within them, never turned.

        Args:
          size: full extent along x and y, metres.
          where: draws the lower-left cell to try.
          rng: source of chance.
        """
        cell_size = self.cell_size
        footprint = cells_across(size[0], cell_size), cells_across(size[1], cell_size)
        for _ in range(PLACEMENT_TRIES):
            cell = where(rng, self.grid_cells, footprint)
            if self._is_free(cell, footprint):
                x = cell[0] * cell_size + rng.random() * (footprint[0] * cell_size - size[0])
                y = cell[1] * cell_size + rng.random() * (footprint[1] * cell_size - size[1])
                return Spot(x + size[0] / 2, y + size[1] / 2, cell)
        return None

    def _is_free(self, cell: Cells, footprint: Cells) -> bool:
        """Whether the footprint lies on the grid and none of its cells is taken."""
        x, y = cell
        if x < 0 or y < 0 or y + footprint[1] > self.grid_cells:
            return False
        mask = ((1 << footprint[0]) - 1) << x
        return not any(row & mask for row in self._rows[y : y + footprint[1]])

    def _take(self, cell: Cells, footprint: Cells) -> None:
        mask = ((1 << footprint[0]) - 1) << cell[0]
        for y in range(cell[1], cell[1] + footprint[1]):
            self._rows[y] |= mask


def cells_across(length: float, cell_size: float) -> int:
    """Return how many cells a length in metres covers, rounded up; exact multiples survive floating point."""
    return math.ceil(length / cell_size - 1e-9)
