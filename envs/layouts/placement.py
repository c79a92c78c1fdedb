"""Where everything of an episode starts (environment rules 4.2 and 4.3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from numpy.random import Generator

from ..scenario import LayoutName, Place, Scenario
from .boxes import BOX_SIZE, draw_boxes
from .counting_layout import BOX_SIZE as COUNTED_SIZE
from .counting_layout import counting_agent, counting_boxes
from .cylinders import NO_CYLINDERS, Cylinders, place_cylinders
from .floor_plan import FloorPlan
from .food_places import FOOD_SIZE, place_food
from .market import market_food, market_starts
from .occupancy import Occupancy, Spot, Where, cells_across
from .random_draws import pick
from .regions import centre, close_to, each_room, in_quadrant, in_quarter, in_room, outside_quadrant, uniform
from .sites import SiteRow, place_sites

AGENT_SIZE = 0.3  # Metres, diameter of the sphere.
RAMP_SIZE = BOX_SIZE  # Metres, side of the ramp's bounding cube.


class Regions(NamedTuple):
    """Placement functions of everything that moves."""

    hiders: Where
    seekers: Where
    boxes: Where
    ramps: list[Where]
    """Ramp i uses number i, cyclically."""


def _anywhere(plan: FloorPlan) -> Regions:
    return Regions(uniform, uniform, uniform, [uniform])


def _around_quadrant(plan: FloorPlan) -> Regions:
    inside = partial(in_quadrant, side=plan.quadrant_side)
    return Regions(inside, partial(outside_quadrant, side=plan.quadrant_side), inside, [uniform])


def _with_a_ramp_per_room(plan: FloorPlan) -> Regions:
    return Regions(uniform, uniform, uniform, [in_room(room) for room in plan.rooms])


REGIONS: dict[LayoutName, Callable[[FloorPlan], Regions]] = {
    "random_rooms": _anywhere,
    "quadrant": _around_quadrant,
    "variable_quadrant": _around_quadrant,
    "three_rooms": _with_a_ramp_per_room,
    "empty": _anywhere,
}
"""Who uses which placement function, by layout, unless the scenario says otherwise."""


def choose_regions(scenario: Scenario, plan: FloorPlan) -> Regions:
    """Return the layout's placement functions, replaced where the scenario asks for others."""
    regions = REGIONS[scenario.layout](plan)
    rooms = each_room(plan.rooms)
    places: dict[Place, Where] = {"anywhere": uniform, "centre": centre, "quarter": in_quarter, "each_room": rooms}
    if scenario.agent_start != "layout":
        where = places[scenario.agent_start]
        regions = regions._replace(hiders=where, seekers=where)
    if scenario.box_start != "layout":
        regions = regions._replace(boxes=places[scenario.box_start])
    if scenario.ramp_start != "layout":
        regions = regions._replace(ramps=[places[scenario.ramp_start]])
    if scenario.hiders_anywhere:
        regions = regions._replace(hiders=uniform)
    return regions


@dataclass
class Bodies:
    """Everything that moves, and what lies about, placed."""

    hiders: list[Spot]
    """Present hiders."""
    seekers: list[Spot]
    """Present seekers."""
    boxes: list[Spot]
    """Present boxes."""
    box_sizes: list[tuple[float, float]]
    """Full sizes of the present boxes along x and y, metres."""
    ramps: list[Spot]
    food: list[list[Spot]] = field(default_factory=list)
    """Places that each food takes one after the other."""
    sites: list[SiteRow] = field(default_factory=list)
    cylinders: Cylinders = NO_CYLINDERS
    goals: list[float] = field(default_factory=list)
    """x of the places to which boxes drift in object counting, metres."""
    agent_yaws: list[float] = field(default_factory=list)
    """Yaw of every hider, radians; zeros if there are none. Seekers have zero."""
    box_height: float = BOX_SIZE
    """Metres."""


def place_bodies(scenario: Scenario, plan: FloorPlan, grid: Occupancy, rng: Generator) -> Bodies | None:
    """Place cylinders, hiders, seekers, boxes, ramps, food, sites. Returns None if something does not fit."""
    if scenario.layout == "counting":
        return _place_counting(scenario, rng)
    if scenario.layout == "market":
        starts, yaws = market_starts(scenario)
        grown = market_food(scenario, rng)
        cubes = [places[0] for places in grown] if scenario.trade.carry == "haul" else []
        sizes = [(FOOD_SIZE, FOOD_SIZE)] * len(cubes)
        return Bodies(starts, [], cubes, sizes, [], grown, agent_yaws=yaws, box_height=FOOD_SIZE)
    regions = choose_regions(scenario, plan)
    cylinders = place_cylinders(scenario, grid, rng)
    if cylinders is None:
        return None
    teams = _place_teams(scenario, grid, regions, rng)
    if teams is None:
        return None
    sizes = draw_boxes(scenario, rng)
    boxes = _place_all(grid, sizes, [regions.boxes], rng)
    if boxes is None:
        return None
    ramps = _place_all(grid, [(RAMP_SIZE, RAMP_SIZE)] * scenario.ramps, regions.ramps, rng)
    if ramps is None:
        return None
    food = place_food(scenario, grid, regions.boxes, rng)
    if food is None:
        return None
    sites = place_sites(scenario, grid, rng)
    if sites is None:
        return None
    return Bodies(*teams, boxes, sizes, ramps, food, sites, cylinders, box_height=scenario.box_height)


def _place_counting(scenario: Scenario, rng: Generator) -> Bodies:
    number = pick(rng, scenario.boxes[0], scenario.boxes[1] + 1)
    drift = counting_boxes(number, scenario.cell_size, rng)
    agent = counting_agent(scenario.cell_size)
    sizes = [(COUNTED_SIZE, COUNTED_SIZE)] * number
    return Bodies([agent], [], drift.boxes, sizes, [], goals=drift.goals, agent_yaws=[math.pi])


def _place_teams(
    scenario: Scenario, grid: Occupancy, regions: Regions, rng: Generator
) -> tuple[list[Spot], list[Spot]] | None:
    """Place the present hiders, then the present seekers."""
    sizes = [scenario.hiders, scenario.seekers]
    if scenario.random_team_sizes:
        sizes = [pick(rng, 1, size + 1) if size else 0 for size in sizes]
    hiders = _place_team(grid, sizes[0], regions.hiders, scenario.hiders_together_radius, rng)
    if hiders is None:
        return None
    seekers = _place_team(grid, sizes[1], regions.seekers, scenario.seekers_together_radius, rng)
    return None if seekers is None else (hiders, seekers)


def _place_team(grid: Occupancy, count: int, where: Where, radius: float | None, rng: Generator) -> list[Spot] | None:
    """Place one team; with a radius in metres, everyone after the first stands close to the first."""
    size = (AGENT_SIZE, AGENT_SIZE)
    if radius is None or count == 0:
        return _place_all(grid, [size] * count, [where], rng)
    first = grid.place(size, where, rng)
    if first is None:
        return None
    near = close_to(first.cell, cells_across(radius, grid.cell_size))
    others = _place_all(grid, [size] * (count - 1), [near], rng)
    return None if others is None else [first, *others]


def _place_all(
    grid: Occupancy, sizes: list[tuple[float, float]], where: list[Where], rng: Generator
) -> list[Spot] | None:
    """Place objects of full sizes along x and y, metres; object i with placement function i, cyclically."""
    spots = []
    for index, size in enumerate(sizes):
        spot = grid.place(size, where[index % len(where)], rng)
        if spot is None:
            return None
        spots.append(spot)
    return spots
