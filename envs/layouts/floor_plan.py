"""What an arena's generator hands to the placement of objects: walls, and the rooms that they form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .walls import Wall


class Room(NamedTuple):
    """A rectangle of free grid cells, from the first to one past the last along each axis."""

    x0: int
    x1: int
    y0: int
    y1: int


@dataclass
class FloorPlan:
    """The walls of one episode."""

    walls: list[Wall]
    rooms: list[Room] = field(default_factory=list)
    """Known rooms; only some arenas tell them."""
    quadrant_side: int = 0
    """Side of the quadrant's room in cells, its wall included; 0 if there is none."""
