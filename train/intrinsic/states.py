"""What is taken for the state of a world: sets of objects, from its boxes alone to all that agents observe.

Shapes: W worlds, A agents, B boxes, n objects of a kind, D features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from envs.games import View
from envs.scenarios import Scenario

from ..config.intrinsic_config import Representation

Objects = dict[str, tuple[Tensor, Tensor]]
"""Kind -> features (W, n, D) of its objects, in any order, and (W, n) bool: which of them are there."""


def box_positions(view: View, scenario: Scenario) -> Objects:
    """Return x and y of the boxes, metres."""
    boxes = _boxes(scenario)
    return {"boxes": (view.pose[:, boxes, :2], view.present[:, boxes])}


def box_states(view: View, scenario: Scenario) -> Objects:
    """Return the boxes' x, y (metres), cosine and sine of yaw, velocity along x and y (m/s) and yaw rate (rad/s)."""
    boxes = _boxes(scenario)
    pose, velocity = view.pose[:, boxes], view.velocity[:, boxes]
    parts = [pose[..., :2], pose[..., 3:4].cos(), pose[..., 3:4].sin(), velocity[..., :2], velocity[..., 3:4]]
    return {"boxes": (torch.cat(parts, dim=-1), view.present[:, boxes])}


def observation(obs: dict[str, Tensor], who: Tensor) -> Objects:
    """Return all that some of the first n agents observe; what they do not see is not there.

    Args:
      obs: observations (W, A, ...); see envs/observations.py.
      who: (W, n) bool: whose. They are objects too, and so is the lidar of each.
    """
    agents = who.shape[1]
    objects = {"self": (obs["self"][:, :agents], who)}
    if "lidar" in obs:
        objects["lidar"] = (obs["lidar"][:, :agents], who)
    for kind in entity_kinds(obs):
        seen = obs[f"{kind}_visible"][:, :agents] & who[..., None]
        objects[kind] = (obs[kind][:, :agents].flatten(1, 2), seen.flatten(1, 2))
    return objects


def entity_kinds(obs: dict[str, Any]) -> list[str]:
    """Return the kinds of entities of an observation, in a fixed order."""
    return sorted(name.removesuffix("_visible") for name in obs if name.endswith("_visible"))


def sizes(representation: Representation, spec: dict[str, Any]) -> dict[str, int]:
    """Return kind -> D for a representation and an environment's ``observation_spec``."""
    if representation != "observation":
        return {"boxes": 2 if representation == "box_positions" else 7}
    lidar = {"lidar": spec["lidar_rays"]} if spec["lidar_rays"] else {}
    return {"self": spec["self_features"]} | lidar | {kind: size for kind, (_, size) in spec["entities"].items()}


def _boxes(scenario: Scenario) -> slice:
    return slice(scenario.num_agents, scenario.num_agents + scenario.max_boxes)
