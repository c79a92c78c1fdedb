"""Cylinders: fixed ones, such as the shelter's, and movable ones (environment rule 2.3)."""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator

from ..scenario import Scenario
from .occupancy import Occupancy, Spot
from .random_draws import draw_range
from .regions import middle, uniform


class Cylinders(NamedTuple):
    """The cylinders of one episode; all are of one size."""

    fixed: list[Spot]
    movable: list[Spot]
    diameter: float
    """Metres."""
    height: float
    """Metres."""


def place_cylinders(scenario: Scenario, grid: Occupancy, rng: Generator) -> Cylinders | None:
    """Draw a size and place all cylinders. Returns None if one of them finds no free cells."""
    options = scenario.cylinders
    if options.fixed + options.movable == 0:
        return NO_CYLINDERS
    diameter, height = draw_range(options.diameter, rng), draw_range(options.height, rng)
    where = uniform if options.central_share is None else middle(options.central_share)
    spots = [grid.place((diameter, diameter), where, rng) for _ in range(options.fixed + options.movable)]
    found = [spot for spot in spots if spot is not None]
    if len(found) < len(spots):
        return None
    return Cylinders(found[: options.fixed], found[options.fixed :], diameter, height)


NO_CYLINDERS = Cylinders([], [], 0.0, 0.0)
