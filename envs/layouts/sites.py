"""Construction sites: marks on which boxes are to be put (environment rule 2.5)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .boxes import ALONG_X, ALONG_Y, CUBE
from .occupancy import Occupancy, Spot
from .random_draws import pick
from .regions import centre, middle, uniform

SITE_HEIGHT = 0.25  # Metres: the centre of a box that stands on the floor.
AWAY_FROM_WALLS = 0.85  # Share of the floor's side.

SiteRow = tuple[float, ...]
"""Fifteen numbers: centre and four corners, x, y, z of each, metres."""


def draw_sites(scenario: Scenario, rng: Generator) -> list[tuple[float, float]]:
    """Return the full sizes along x and y, metres, of the sites of one episode, drawn as those of boxes are."""
    options = scenario.blueprint
    if options.sites == (0, 0):
        return []
    sites = pick(rng, options.sites[0], options.sites[1] + 1)
    fewest, most = options.elongated_sites
    elongated = pick(rng, fewest, min(most, sites) + 1)
    along_x = pick(rng, 0, elongated + 1)
    return [ALONG_X] * along_x + [ALONG_Y] * (elongated - along_x) + [CUBE] * (sites - elongated)


def place_sites(scenario: Scenario, grid: Occupancy, rng: Generator) -> list[SiteRow] | None:
    """Place the sites. Returns None if one of them finds no free cells."""
    where = {"away": middle(AWAY_FROM_WALLS), "centre": centre, "anywhere": uniform}[scenario.blueprint.site_place]
    rows = []
    for size in draw_sites(scenario, rng):
        spot = grid.place(size, where, rng)
        if spot is None:
            return None
        rows.append(site_row(spot, size))
    return rows


def site_row(spot: Spot, size: tuple[float, float]) -> SiteRow:
    """Return centre and corners, in the order (-,-), (-,+), (+,-), (+,+)."""
    half_x, half_y = size[0] / 2, size[1] / 2
    offsets = [(0.0, 0.0), (-half_x, -half_y), (-half_x, half_y), (half_x, -half_y), (half_x, half_y)]
    return tuple(value for dx, dy in offsets for value in (spot.x + dx, spot.y + dy, SITE_HEIGHT))
