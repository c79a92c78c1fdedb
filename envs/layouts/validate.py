"""Checks of a layout that a user made by hand."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..errors import UserError
from ..scenario import Scenario
from .food_places import food_slots
from .generate import max_walls
from .layout import EMPTY, SITE_POINTS, Layout

MASKS = ("wall_present", "wall_is_outer", "box_present", "agent_present", "site_present")


def validate_layout(scenario: Scenario, layout: Layout) -> Layout:
    """Return the layout in the form that environments expect, if it fits the scenario's slots.

    Numbers become float32 and absent walls and boxes zeros. Overlaps are not looked for: a test may want them.

    Raises:
      UserError: names the field and what it should be.
    """
    worlds = layout.num_worlds if layout.walls.ndim else 0
    checked = {}
    for name, slots in _expected_shapes(scenario).items():
        tensor = getattr(layout, name)
        if name in EMPTY and tensor.shape[1:2] == (0,) and 0 in slots:
            tensor = tensor.new_zeros(worlds, *slots)  # Nothing of the kind, whatever the other axes.
        _check_shape(name, tensor, (worlds, *slots))
        if name in MASKS:
            _require(tensor.dtype == torch.bool, f"layout field '{name}' is {tensor.dtype}; it must be torch.bool")
            checked[name] = tensor
        else:
            checked[name] = tensor.to(torch.float32)
            _require(bool(checked[name].isfinite().all()), f"layout field '{name}' must hold finite numbers only")
    clean = Layout(**checked)
    _check_sizes("walls", clean.walls[..., 2:], clean.wall_present)
    _check_sizes("box_half_size", clean.box_half_size, clean.box_present)
    return _blank_absent(clean)


def _expected_shapes(scenario: Scenario) -> dict[str, tuple[int, ...]]:
    """Return the shape of every field without the world axis."""
    walls, boxes = max_walls(scenario), scenario.max_boxes
    return {
        "walls": (walls, 5),
        "wall_present": (walls,),
        "wall_is_outer": (walls,),
        "agent_pose": (scenario.num_agents, 4),
        "box_pose": (boxes, 4),
        "box_half_size": (boxes, 3),
        "box_present": (boxes,),
        "ramp_pose": (scenario.ramps, 4),
        "agent_present": (scenario.num_agents,),
        "food": (*food_slots(scenario), 3),
        "food_scale": (),
        "sites": (scenario.blueprint.sites[1], SITE_POINTS, 3),
        "site_present": (scenario.blueprint.sites[1],),
        "pillars": (scenario.cylinders.fixed, 4),
        "cylinder_pose": (scenario.cylinders.movable, 4),
        "cylinder_half_size": (scenario.cylinders.movable, 3),
        "box_goal": (boxes if scenario.layout == "counting" else 0,),
    }


def _check_shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    shape = tuple(tensor.shape)
    _require(shape == expected, f"layout field '{name}' has shape {shape}; this scenario needs {expected}")


def _check_sizes(name: str, sizes: Tensor, present: Tensor) -> None:
    """Refuse present bodies without extent."""
    _require(bool((sizes[present] > 0.0).all()), f"layout field '{name}' needs sizes above 0 m where present")


def _blank_absent(layout: Layout) -> Layout:
    """Return the layout with zeros in the slots of absent walls and boxes."""
    boxes, walls = layout.box_present[..., None], layout.wall_present[..., None]
    sites = layout.site_present[..., None, None]
    return replace(
        layout,
        walls=torch.where(walls, layout.walls, 0.0),
        wall_is_outer=layout.wall_is_outer & layout.wall_present,
        box_pose=torch.where(boxes, layout.box_pose, 0.0),
        box_half_size=torch.where(boxes, layout.box_half_size, 0.0),
        agent_pose=torch.where(layout.agent_present[..., None], layout.agent_pose, 0.0),
        sites=torch.where(sites, layout.sites, 0.0),
    )


def _require(passed: bool, message: str) -> None:
    if not passed:
        raise UserError(message)
