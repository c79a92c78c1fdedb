"""Where scripted episodes begin: walls of an arena and of its room, directions, small random differences."""

import math

import torch

TALL, LOW, THICK = 4.0, 0.5, 0.05  # Metres; THICK is half a wall's thickness.
FRAME = [
    (0.1, 3.0, THICK, 2.85, TALL),
    (5.9, 3.0, THICK, 2.85, TALL),
    (3.0, 0.1, 2.85, THICK, TALL),
    (3.0, 5.9, 2.85, THICK, TALL),
]
LONG = (0.075, 0.825, 0.25)  # Half sizes of an elongated box along y.
WEST, EAST, NORTH, SOUTH = -math.pi / 2, math.pi / 2, math.pi, 0.0  # Yaw of an agent that looks there.
UP_EAST = math.pi / 2  # Yaw of a ramp that leads up to the east.


def vertical(x, y0, y1):
    return (x, (y0 + y1) / 2, THICK, (y1 - y0) / 2, LOW)


def horizontal(y, x0, x1):
    return ((x0 + x1) / 2, y, (x1 - x0) / 2, THICK, LOW)


def room(west_door=None, north_door=None):
    """Walls of the room in the lower right, with doors of 0.7 m centred there, or solid."""
    walls = [*FRAME]
    walls += (
        [vertical(3.1, 0.15, 3.05)]
        if west_door is None
        else [vertical(3.1, 0.15, west_door - 0.35), vertical(3.1, west_door + 0.35, 3.05)]
    )
    walls += (
        [horizontal(3.1, 3.05, 5.85)]
        if north_door is None
        else [horizontal(3.1, 3.05, north_door - 0.35), horizontal(3.1, north_door + 0.35, 5.85)]
    )
    return walls


class Dice:
    """Small random differences between episodes."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def near(self, value, spread=0.1):
        return value + spread * (2 * float(torch.rand((), generator=self.generator)) - 1)

    def flip(self):
        return bool(torch.rand((), generator=self.generator) < 0.5)
