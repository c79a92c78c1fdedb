"""Where food lies (environment rules 2.4 and 4.3)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .market import dawns, grown_kinds
from .occupancy import Occupancy, Spot, Where, cells_across
from .regions import close_to, middle

FOOD_SIZE = 0.1  # Metres, side of the place that a food takes.
FOOD_HEIGHT = 0.05  # Metres, centre.
MOVING_PLACES = 32  # Places of a food that moves; then it starts again with the first.


def num_food_places(scenario: Scenario) -> int:
    """Return P, the places that each food takes one after the other."""
    return MOVING_PLACES if scenario.food.moves else 1


def food_slots(scenario: Scenario) -> tuple[int, int]:
    """Return F and P: the foods of an episode, and the places that each takes one after the other."""
    if scenario.layout == "market":
        return len(grown_kinds(scenario)), dawns(scenario)
    return scenario.food.count, num_food_places(scenario)


def place_food(scenario: Scenario, grid: Occupancy, elsewhere: Where, rng: Generator) -> list[list[Spot]] | None:
    """Place every food, in groups.

    Args:
      scenario: its ``food`` options say how many and where.
      grid: cells that are free; a food takes the cells of its first place only.
      elsewhere: placement function of food that does not lie in the middle.
      rng: source of chance.

    Returns:
      For each food its places, or None if one of them finds no free cells.
    """
    options = scenario.food
    anywhere = middle(options.central_share) if options.central else elsewhere
    size, places = (FOOD_SIZE, FOOD_SIZE), num_food_places(scenario)
    per_group = -(-options.count // max(options.clusters, 1))
    food: list[list[Spot]] = []
    for index in range(options.count):
        where = anywhere
        if index % per_group:
            first = food[index - index % per_group][0]
            where = close_to(first.cell, cells_across(options.cluster_radius, grid.cell_size))
        spots = [grid.place(size, where, rng), *(grid.find(size, anywhere, rng) for _ in range(places - 1))]
        found = [spot for spot in spots if spot is not None]
        if len(found) < places:
            return None
        food.append(found)
    return food
