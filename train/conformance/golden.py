"""Reads reference trajectories of the original rules: a scenario, a layout and the recorded rows.

Recorded observations use the lower-left corner of a body's spawn footprint as its position; here it is turned into the
true centre, which is what this project uses everywhere (docs/differences.md).
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
from envs.options.scenario_options import (
    BlueprintOptions,
    CylinderOptions,
    FoodOptions,
    LockTaskOptions,
    ShelterOptions,
)
from envs.scenarios import LayoutName, Scenario, validate

from ..support.npz_files import read_npz

LAYOUTS: dict[str, LayoutName] = {
    "randomwalls": "random_rooms",
    "quadrant": "quadrant",
    "empty": "empty",
    "var_tri": "three_rooms",
    "var_tri_uniform": "three_rooms",
}
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

    @property
    def task(self) -> str:
        """The game that was recorded, by its name in the recording."""
        return self.meta["task"]

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
    """Read one recording of an episode.

    Raises:
      UserError: the file is damaged, or not such a recording.
    """
    try:
        arrays = read_npz(path, "recording")
        meta = json.loads(str(arrays.pop("meta")))
        scenario = _scenario(meta, arrays)
        layout = build_layout(scenario, arrays)
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
        meta = json.loads(str(read_npz(path, "recording", "meta")["meta"]))
        return meta.get("task", meta["config"])
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"cannot read recording '{path}': {type(error).__name__}: {error}") from error


def _range(value: int | list[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _scenario(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Scenario:
    o = meta["options"]
    elongated = _range(o.get("n_elongated_boxes", 0))
    task = _TASKS[meta["task"]](meta, arrays)
    common: dict[str, Any] = {
        "name": f"recording/{meta['config']}",
        "hiders": meta["n_hiders"],
        "seekers": meta["n_seekers"],
        "horizon": meta["horizon"],
        "substeps": meta["n_substeps"],
        "timestep": meta["timestep"],
        "floor_size": meta["floor_size"],
        "grid_cells": meta["grid_size"],
        "boxes": _range(o["n_boxes"]),
        "elongated_boxes": elongated,
        "ramps": meta["n_ramps"],
        "reach": o["lock_grab_radius"],
        "lock_boxes": o["lock_box"],
        "lock_type": o["lock_type"],
        "lock_unseen": o["lock_out_of_vision"],
        "grab_unseen": o["grab_out_of_vision"],
        "corner_distances": True,
        "wall_friction": float(arrays["wall_friction"]),
    }
    return validate(Scenario(**(common | task)))


def _hide_and_seek(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    o = meta["options"]
    return {
        "preparation_fraction": o["prep_fraction"],
        "layout": LAYOUTS[o["scenario"]],
        "rooms": o["n_rooms"],
        "door_cells": o["door_size"],
        "outer_walls_probability": o["prob_outside_walls"],
        "lock_ramps": o["lock_ramp"],
        "reward_type": o["rew_type"],
        "bounds": tuple(o["restrict_rect"]) if o["restrict_rect"] else None,
        "penalize_objects_out": o["penalize_objects_out"],
        "box_size_features": _range(o["n_elongated_boxes"])[1] > 0,
        "food": _food(o),
    }


def _box_locking(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    o = meta["options"]
    task, _, back = o["task_type"].partition("-")
    options = LockTaskOptions(
        task=task,
        and_return=back == "return",
        lock_reward=o["lock_reward"],
        unlock_penalty=o["unlock_penalty"],
        shaping=o["shaped_reward_scale"],
        return_radius=o["return_threshold"],
    )
    walls = {"layout": LAYOUTS[o["scenario"]], "rooms": o["n_rooms"], "door_cells": o["door_size"]}
    return {"game": "box_locking", "preparation_fraction": 0.0, "lock_task": options, **walls}


def _blueprint(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    o = meta["options"]
    infos = {info["type"]: info for info in o["reward_infos"]}
    dense, completed = infos["construction_dense"], infos["construction_completed"]
    options = BlueprintOptions(
        sites=_range(o["n_sites"]),
        elongated_sites=_range(o["n_elongated_sites"]),
        corners=dense["use_corners"],
        dense_scale=dense["reward_scale"],
        smoothness=dense["alpha"],
        completed_scale=completed["reward_scale"],
        radius=completed["site_activation_radius"],
    )
    return {"game": "blueprint", "preparation_fraction": 0.0, "layout": LAYOUTS[o["scenario"]], "blueprint": options}


def _shelter(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    o = meta["options"]
    height = float(arrays["cylinder_height"])
    return {
        "game": "shelter",
        "preparation_fraction": 0.0,
        "layout": "empty",
        "shelter": ShelterOptions(rays_per_side=o["num_rays_per_side"], scale=o["shelter_reward_scale"]),
        "cylinders": CylinderOptions(fixed=1, diameter=tuple(o["objective_diameter"]), height=(height, height)),
    }


_TASKS = {
    "hide_and_seek": _hide_and_seek,
    "box_locking": _box_locking,
    "blueprint_construction": _blueprint,
    "shelter_construction": _shelter,
}
TASKS = tuple(_TASKS)
"""Games of the recordings that can be replayed."""


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


def build_layout(scenario: Scenario, arrays: dict[str, np.ndarray]) -> Layout:
    """Build the layout, of one world, of row 0."""
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
        **_extras(scenario, arrays),
    )


def _extras(scenario: Scenario, arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Food, construction sites and the cylinder of row 0, where there are any."""
    extras = {}
    if scenario.food.count:
        extras["food"] = torch.from_numpy(arrays["food_pos"])[None, :, None]
    if scenario.game == "blueprint":
        slots, present = scenario.blueprint.sites[1], len(arrays["site_pos"])
        points = np.concatenate([arrays["site_pos"][:, None], arrays["site_corners"]], axis=1)
        extras["sites"] = torch.zeros(1, slots, *points.shape[1:])
        extras["sites"][0, :present] = torch.from_numpy(points)
        extras["site_present"] = (torch.arange(slots) < present)[None]
    if scenario.game == "shelter":
        position = arrays["cylinder_pos"]
        size = [float(arrays["cylinder_radius"]), float(arrays["cylinder_height"])]
        extras["pillars"] = torch.tensor([[[*position[:2].tolist(), *size]]])
    return extras
