"""Scalar draws from a numpy generator, quick enough for loops over a few cells."""

from __future__ import annotations

from numpy.random import Generator

NO_CELL = -1
"""What a draw from an empty range returns. No object fits at a negative cell."""


def pick(rng: Generator, low: int, high: int) -> int:
    """Return an integer uniform in [low, high), or ``NO_CELL`` if there is none.

    Scaling one float is many times quicker than ``Generator.integers`` for a single number, and as uniform as makes no
    difference for ranges of a few cells.
    """
    if high <= low:
        return NO_CELL
    return low + int(rng.random() * (high - low))


def draw_range(limits: tuple[float, float], rng: Generator) -> float:
    """Return a number uniform between two limits; equal ones cost no draw."""
    low, high = limits
    return low if low == high else low + (high - low) * rng.random()
