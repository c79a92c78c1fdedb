"""Walls on the placement grid: the segment, its box in metres, the outer frame and doors (environment rule 3.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from numpy.random import Generator

from .random_draws import pick

INTERIOR_HEIGHT = 0.5  # Metres: as high as a box, so a ramp or a box leads over it.
OUTER_HEIGHT = 4.0  # Metres.
OUTER_WALLS = 4  # Walls of the frame around the arena.


class Wall(NamedTuple):
    """A straight run of grid cells, from cell ``start`` to cell ``end`` of one column or row, both included."""

    vertical: bool
    """True: the wall lies in column ``line`` and runs along y. False: in row ``line``, along x."""
    line: int
    """Column of a vertical wall, row of a horizontal one."""
    start: int
    """First cell along the wall."""
    end: int
    """Last cell along the wall; above ``start``."""
    outer: bool = False
    """Whether it belongs to the 4 m high frame."""

    @property
    def length(self) -> int:
        """Cells from the first to the last."""
        return self.end - self.start

    def box(self, cell_size: float) -> tuple[float, float, float, float, float]:
        """Return centre x, centre y, half size x, half size y and full height in metres.

        The wall is half a cell thick and follows the centres of its cells. Each end is pulled back by half the
        thickness, so perpendicular walls meet flush or touch in a vertical edge and never overlap.
        """
        across = (self.line + 0.5) * cell_size
        along = (self.start + self.end + 1) * 0.5 * cell_size
        half_thickness = cell_size / 4
        half_length = self.length * cell_size / 2 - half_thickness
        height = OUTER_HEIGHT if self.outer else INTERIOR_HEIGHT
        if self.vertical:
            return across, along, half_thickness, half_length, height
        return along, across, half_length, half_thickness, height


def outer_walls(grid_cells: int) -> list[Wall]:
    """Return the frame: left, bottom, right, top. It leaves [0.15, 5.85] m clear on the 6 m floor with 30 cells."""
    last = grid_cells - 1
    return [
        Wall(True, 0, 0, last, outer=True),
        Wall(False, 0, 0, last, outer=True),
        Wall(True, last, 0, last, outer=True),
        Wall(False, last, 0, last, outer=True),
    ]


def cut_door(wall: Wall, junctions: list[int], door_cells: int, rng: Generator, spread: float = 1.0) -> list[Wall]:
    """Return the pieces of a wall after cutting one door into it (environment rule 3.2, step 3).

    The door lies in a stretch between two neighbouring junctions, chosen uniformly among those that can hold it, and
    never covers a junction. Between two pieces it is ``door_cells + 1`` cells plus the wall's thickness wide: 0.7 m for
    2 cells. Next to the end of a wall, where the short piece is dropped, it is 0.1 m narrower.

    Args:
      wall: the wall to cut.
      junctions: cells along the wall where other walls meet it, and its own two ends, in any order.
      door_cells: free cells of the door; 0 leaves the wall whole.
      rng: source of chance.
      spread: part of the stretch, around its middle, that the door's place is drawn from.

    Returns:
      One or two pieces; the whole wall if no stretch is long enough. A piece of a single cell is dropped.
    """
    ordered = sorted(set(junctions))
    stretches = [(low, high) for low, high in pairwise(ordered) if high - low > door_cells]
    if door_cells == 0 or not stretches:
        return [wall]
    low, high = stretches[pick(rng, 0, len(stretches))]
    places = high - low - door_cells
    middle = (1 + places) / 2
    door = low + round(middle + spread * (pick(rng, 1, places + 1) - middle))
    pieces = [wall._replace(end=door - 1), wall._replace(start=door + door_cells)]
    return [piece for piece in pieces if piece.length > 0]
