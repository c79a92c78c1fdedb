"""Puts episode starts, drawn one by one in plain numbers, into tensors padded to the scenario's slots."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..scenario import Scenario
from .cylinders import Cylinders
from .food_places import FOOD_HEIGHT, food_slots
from .layout import SITE_POINTS, Layout
from .occupancy import Spot
from .placement import AGENT_SIZE, RAMP_SIZE, Bodies
from .walls import OUTER_WALLS, Wall

Rows = list[tuple[float, ...]]


class Start(NamedTuple):
    """One episode's start."""

    walls: list[Wall]
    cell_size: float
    """Side of a grid cell in metres."""
    bodies: Bodies
    food_scale: float
    """Reward for a unit of food."""


def to_layout(scenario: Scenario, starts: list[Start], wall_slots: int) -> Layout:
    """Return the layout of N starts."""
    walls = _tensor([_walls(s, wall_slots) for s in starts], wall_slots, 5)
    wall_present = walls[..., 4] > 0.0
    bodies = [s.bodies for s in starts]
    agents = _tensor([_agents(scenario, b) for b in bodies], scenario.num_agents, 4)
    boxes = scenario.max_boxes
    box_half_size = _tensor([_box_half_sizes(b, boxes) for b in bodies], boxes, 3)
    return Layout(
        walls=walls,
        wall_present=wall_present,
        wall_is_outer=wall_present & (torch.arange(wall_slots) < OUTER_WALLS),
        agent_pose=agents,
        agent_present=agents[..., 2] > 0.0,
        box_pose=_tensor([_pad(_poses(b.boxes, b.box_height), boxes) for b in bodies], boxes, 4),
        box_half_size=box_half_size,
        box_present=box_half_size[..., 2] > 0.0,
        ramp_pose=_tensor([_poses(b.ramps, RAMP_SIZE) for b in bodies], scenario.ramps, 4),
        **_extras(scenario, starts),
    )


def _extras(scenario: Scenario, starts: list[Start]) -> dict[str, Tensor]:
    """Return what only some scenarios have."""
    bodies = [s.bodies for s in starts]
    extras: dict[str, Tensor] = {}
    foods, places = food_slots(scenario)
    if foods:
        rows: list[Rows] = [[(p.x, p.y, FOOD_HEIGHT) for spots in b.food for p in spots] for b in bodies]
        extras["food"] = _tensor(rows, foods * places, 3).view(len(starts), foods, places, 3)
        extras["food_scale"] = torch.tensor([s.food_scale for s in starts])
    slots = scenario.blueprint.sites[1]
    if slots:
        sites = _tensor([_pad(b.sites, slots, 3 * SITE_POINTS) for b in bodies], slots, 3 * SITE_POINTS)
        extras["sites"] = sites.view(len(starts), slots, SITE_POINTS, 3)
        extras["site_present"] = sites[..., 2] > 0.0
    fixed, movable = scenario.cylinders.fixed, scenario.cylinders.movable
    if fixed:
        extras["pillars"] = _tensor([_pillars(b.cylinders) for b in bodies], fixed, 4)
    if movable:
        cylinders = [b.cylinders for b in bodies]
        extras["cylinder_pose"] = _tensor([_poses(c.movable, c.height) for c in cylinders], movable, 4)
        half: list[Rows] = [[(c.diameter / 2, c.diameter / 2, c.height / 2)] * movable for c in cylinders]
        extras["cylinder_half_size"] = _tensor(half, movable, 3)
    if scenario.layout == "counting":
        goals: list[Rows] = [_pad([(goal,) for goal in b.goals], scenario.max_boxes, 1) for b in bodies]
        extras["box_goal"] = _tensor(goals, scenario.max_boxes, 1)[..., 0]
    return extras


def _tensor(rows: list[Rows], slots: int, width: int) -> Tensor:
    """Return an (N, slots, width) float32 tensor; ``slots`` may be 0."""
    return torch.tensor(rows, dtype=torch.float32).reshape(len(rows), slots, width)


def _pad(rows: Rows, slots: int, width: int = 4) -> Rows:
    """Append rows of zeros up to ``slots``."""
    width = len(rows[0]) if rows else width
    return rows + [(0.0,) * width] * (slots - len(rows))


def _walls(start: Start, slots: int) -> Rows:
    """Return the rows of ``Layout.walls``: the frame first, then interior pieces, then absent walls."""
    absent = (0.0,) * 5
    frame = [wall.box(start.cell_size) for wall in start.walls if wall.outer] or [absent] * OUTER_WALLS
    interior = [wall.box(start.cell_size) for wall in start.walls if not wall.outer]
    return _pad([*frame, *interior], slots)


def _agents(scenario: Scenario, bodies: Bodies) -> Rows:
    """Return the rows of ``Layout.agent_pose``; absent agents are zeros."""
    yaws = bodies.agent_yaws or [0.0] * len(bodies.hiders)
    hiders = [(*pose[:3], yaw) for pose, yaw in zip(_poses(bodies.hiders, AGENT_SIZE), yaws, strict=True)]
    return _pad(hiders, scenario.hiders) + _pad(_poses(bodies.seekers, AGENT_SIZE), scenario.seekers)


def _box_half_sizes(bodies: Bodies, slots: int) -> Rows:
    """Return the rows of ``Layout.box_half_size``, zeros for absent boxes."""
    return _pad([(x / 2, y / 2, bodies.box_height / 2) for x, y in bodies.box_sizes], slots, 3)


def _pillars(cylinders: Cylinders) -> Rows:
    return [(spot.x, spot.y, cylinders.diameter / 2, cylinders.height) for spot in cylinders.fixed]


def _poses(spots: list[Spot], height: float) -> Rows:
    """Return x, y, z of the centre and yaw of bodies that stand on the floor."""
    return [(spot.x, spot.y, height / 2, 0.0) for spot in spots]
