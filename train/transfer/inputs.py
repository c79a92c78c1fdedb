"""Gives a task the inputs that a policy knows: the same features, and stand-ins for what the task lacks (rule 6.5)."""

from __future__ import annotations

import dataclasses

from envs.options.scenario_options import PaddingOptions
from envs.scenarios import Scenario, plays

_SENSES = ("vision_angle", "lidar_rays", "lidar_range", "heading_features", "bearing_features", "box_size_features")
_FAKE_AGENTS = {"box_locking": 1, "object_counting": 1, "blueprint": 2, "shelter": 2}
"""How many other agents the original pretends in each game; it never released object counting."""


def same_inputs(task: Scenario, source: Scenario) -> Scenario:
    """Return a task whose observation has the features of another scenario, and stand-ins for its agents and ramps.

    Senses and features are the source's. So is what decides the features of objects: whether ramps can be locked,
    whether boxes tilt and, where the task does not depend on it, whether they can be locked. The task's rules stay as
    they are otherwise.

    Args:
      task: has one agent.
      source: where the policy learned.
    """
    changes = {name: getattr(source, name) for name in _SENSES}
    if source.ramps:
        changes["lock_ramps"] = source.lock_ramps
    if source.max_boxes and plays(task, "object_counting"):
        changes["lock_boxes"] = source.lock_boxes
    elif source.max_boxes:
        changes["tilting_boxes"] = source.tilting_boxes
    agents = _FAKE_AGENTS.get(task.game, 1) if source.num_agents > 1 and task.num_agents == 1 else 0
    ramps = 1 if source.ramps and not task.ramps else 0
    return dataclasses.replace(task, padding=PaddingOptions(agents=agents, ramps=ramps), **changes)
