"""Reads reference trajectories of the original rules: a scenario, a layout and the recorded rows.

Recorded observations use the lower-left corner of a body's spawn footprint as its position; here it is turned into the true
centre, which is what this project uses everywhere (docs/differences.md).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from envs.errors import UserError
from envs.layouts import Layout, max_walls
from envs.options import FoodOptions
from envs.scenarios import LayoutName, Scenario, validate

LAYOUTS: dict[str, LayoutName] = {"randomwalls": "random_rooms", "quadrant": "quadrant"}
"""Names of wall scenarios in the recordings and here."""


@dataclass
class Recording:
    """One recorded episode. T steps, T + 1 rows of state."""

    name: str
    meta: dict[str, Any]
    arrays: dict[str, np.ndarray]
    scenario: Scenario
    layout: Layout
    """Of one world."""

    @property
    def steps(self) -> int:
        """T."""
        return len(self.arrays["actions"])

    def tensor(self, name: str) -> Tensor:
        """Return an array as a tensor; float32 stays float32, int8 becomes int64, bool stays bool."""
        tensor = torch.from_numpy(np.asarray(self.arrays[name]))
        return tensor.long() if tensor.dtype == torch.int8 else tensor

    def entities(self, suffix: str) -> Tensor:
        """Join the rows of agents, boxes and ramps: (T + 1, E, ...) of ``pos``, ``yaw`` or ``vel``."""
        names = [f"{kind}_{suffix}" for kind in ("agent", "box", "ramp")]
        return torch.cat([self.tensor(n) for n in names if n in self.arrays], dim=1)

    def objects(self, suffix: str) -> Tensor:
        """Join the rows of boxes and ramps: (T + 1, O, ...) of ``locked``, ``locker`` or ``lock_pose``."""
        names = [f"{kind}_{suffix}" for kind in ("box", "ramp")]
        return torch.cat([self.tensor(n) for n in names if n in self.arrays], dim=1)


def load(path: Path) -> Recording:
    """Read one recording of hide-and-seek.

    Raises:
      UserError: the file is damaged, or not such a recording.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop("meta")))
        scenario = _scenario(meta, arrays)
        layout = _layout(scenario, arrays)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"cannot read recording '{path}': {type(error).__name__}: {error}") from error
    return Recording(path.stem, meta, arrays, scenario, layout)


def task_of(path: Path) -> str:
    """Return the game that a recording is of.

    Raises:
      UserError: the file is damaged.
    """
    try:
        with np.load(path) as file:
            meta = json.loads(str(file["meta"]))
        return meta.get("task", meta["config"])
    except Exception as error:
        raise UserError(f"cannot read recording '{path}': {type(error).__name__}: {error}") from error


def _range(value: int | list[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _scenario(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Scenario:
    o = meta["options"]
    elongated = _range(o["n_elongated_boxes"])
    return validate(
        Scenario(
            name=f"recording/{meta['config']}",
            hiders=meta["n_hiders"],
            seekers=meta["n_seekers"],
            horizon=meta["horizon"],
            preparation_fraction=o["prep_fraction"],
            substeps=meta["n_substeps"],
            timestep=meta["timestep"],
            floor_size=meta["floor_size"],
            grid_cells=meta["grid_size"],
            layout=LAYOUTS[o["scenario"]],
            rooms=o["n_rooms"],
            door_cells=o["door_size"],
            outer_walls_probability=o["prob_outside_walls"],
            boxes=_range(o["n_boxes"]),
            elongated_boxes=elongated,
            ramps=meta["n_ramps"],
            reach=o["lock_grab_radius"],
            lock_boxes=o["lock_box"],
            lock_ramps=o["lock_ramp"],
            lock_type=o["lock_type"],
            lock_unseen=o["lock_out_of_vision"],
            grab_unseen=o["grab_out_of_vision"],
            reward_type=o["rew_type"],
            bounds=tuple(o["restrict_rect"]) if o["restrict_rect"] else None,
            penalize_objects_out=o["penalize_objects_out"],
            box_size_features=elongated[1] > 0,
            corner_distances=True,
            food=_food(o),
            wall_friction=float(arrays["wall_friction"]),
        )
    )


def _food(options: dict[str, Any]) -> FoodOptions:
    return FoodOptions(
        count=options["n_food"],
        radius=options["food_radius"] or math.inf,
        health=options["max_food_health"],
        respawn_steps=options["food_respawn_time"],
        reward=options["food_rew_type"],
        reward_scale=(options["food_reward_scale"],) * 2,
        eat_when_caught=options["eat_when_caught"],
        eat_in_preparation=not options["prep_obs"],
    )


def _layout(scenario: Scenario, arrays: dict[str, np.ndarray]) -> Layout:
    """Build the layout of row 0."""
    slots, walls = max_walls(scenario), torch.from_numpy(arrays["walls"])
    count = len(walls)
    if count > slots:
        raise UserError(f"the recording has {count} walls, its scenario at most {slots}")
    padded = torch.zeros(1, slots, 5)
    padded[0, :count] = walls
    outer = torch.zeros(1, slots, dtype=torch.bool)
    outer[0, :count] = torch.from_numpy(arrays["wall_is_outer"])

    def pose(kind: str) -> Tensor:
        if f"{kind}_pos" not in arrays:
            return torch.zeros(1, 0, 4)
        position, yaw = arrays[f"{kind}_pos"][:1], arrays[f"{kind}_yaw"][:1]
        return torch.from_numpy(np.concatenate([position, yaw[..., None]], axis=-1))

    return Layout(
        walls=padded,
        wall_present=(torch.arange(slots) < count)[None],
        wall_is_outer=outer,
        agent_pose=pose("agent"),
        box_pose=pose("box"),
        box_half_size=torch.from_numpy(arrays["box_half"])[None],
        box_present=torch.from_numpy(arrays["box_present"])[None],
        ramp_pose=pose("ramp"),
        food=torch.from_numpy(arrays["food_pos"])[None, :, None] if scenario.food.count else None,  # type: ignore[arg-type]
    )
