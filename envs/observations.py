"""Entity features and masks: what the policy and the critic are given.

Shapes: W worlds, A agents, B boxes, R ramps, C movable cylinders, O = B + R + C, E = A + O, D features.
Everything is in absolute world coordinates with true centres (rule 6.3; docs/differences.md), nothing is normalised or
clipped. Absent agents and boxes are zeros.

=================== ================= ===================================================================================
key                 shape             content
=================== ================= ===================================================================================
self                (W, A, D)         x, y, z, yaw (or its cosine and sine), vx, vy, vz, yaw rate, hider, preparation
agents              (W, A, A-1, D)    the same of the others; for agent i entry k is agent (i - 1 - k) mod A
boxes               (W, A, B, D)      x, y, z, cos yaw, sin yaw, vx, vy, vz, yaw rate [, full size x, y, z]
                                      [, you_lock, team_lock, obj_lock]; absent boxes are zeros. Tilting boxes: x, y, z,
                                      cosines of the angles about x, y, z, their sines, vx, vy, vz, their rates, ...
ramps               (W, A, R, D)      as boxes, with zeros for the size; lock flags if ramps can be locked
lidar               (W, A, L)         distances, metres
cylinders           (W, A, C, 12)     as boxes, with the size and without lock flags; only movable ones
food                (W, A, F, D)      x, y, z, health [, reward per unit]; from envs/games/food.py, where there is food
agents_visible, ... (W, A, n) bool    the policy's masks: what the agent sees
agents_present, ... (W, A, n) bool    the critic's masks: what exists
=================== ================= ===================================================================================

``Scenario.padding`` adds stand-ins of zeros for agents and ramps that a scenario lacks (rule 6.5); see envs/padding.py.

With ``bearing_features``, agents, boxes and ramps end with the cosine and sine of their direction relative to the observer's
heading.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .games import GAMES
from .manipulation import Locks
from .orientation import ABOUT_X, ABOUT_Y, YAW
from .padding import Padding
from .scenarios import Scenario

Observation = dict[str, Tensor]


def spec(s: Scenario) -> dict[str, Any]:
    """Describe the observation of a scenario.

    Returns:
      ``self_features``, ``lidar_rays`` and ``entities``: kind -> (number, features). Kinds without members are left out.
    """
    agent_features = 11 if s.heading_features == "cos_sin" else 10
    size, bearing = 3 * s.box_size_features, 2 * s.bearing_features
    entities = {
        "agents": (s.num_agents - 1 or s.padding.agents, agent_features + bearing),
        "boxes": (s.max_boxes, (15 if s.tilting_boxes else 9) + size + 3 * s.lock_boxes + bearing),
        "ramps": (s.ramps or s.padding.ramps, 9 + size + 3 * s.lock_ramps + bearing),
        "cylinders": (s.cylinders.movable, 12),
        **GAMES[s.game].entity_shapes(s),
    }
    return {
        "self_features": agent_features,
        "lidar_rays": s.lidar_rays,
        "entities": {kind: shape for kind, shape in entities.items() if shape[0] > 0},
    }


def others_index(agents: int, device: torch.device) -> Tensor:
    """Return (A, A-1) int64: entry k of agent i is agent (i - 1 - k) mod A (rule 6.4)."""
    agent = torch.arange(agents, device=device)
    return (agent[:, None] - 1 - agent[None, :-1]) % agents


class Observer:
    """Turns the state of the worlds into observations of one scenario."""

    def __init__(self, scenario: Scenario, device: torch.device) -> None:
        self._scenario = scenario
        self._others = others_index(scenario.num_agents, device)
        self._team = team_index(scenario, device)
        self._padding = Padding(scenario, spec(scenario)["entities"], device)

    def observe(
        self,
        pose: Tensor,
        velocity: Tensor,
        box_half_size: Tensor,
        present: Tensor,
        locks: Locks,
        visible: Tensor,
        lidar: Tensor,
        steps: Tensor,
        cylinder_half_size: Tensor | None = None,
    ) -> Observation:
        """Build the observation of every agent in every world. Nothing returned shares memory with what was given.

        Args:
          pose: (W, E, Q), ``Scenario.pose_size`` numbers each.
          velocity: (W, E, Q).
          box_half_size: (W, B, 3) metres.
          present: (W, E) bool.
          locks: of all objects.
          visible: (W, A, E) bool.
          lidar: (W, A, L) metres.
          steps: (W,) int64 steps done in the episode.
          cylinder_half_size: (W, C, 3) metres; only for scenarios with movable cylinders.
        """
        s = self._scenario
        agents = self._agent_features(pose, velocity, steps) * present[:, : s.num_agents, None]
        first_object, first_ramp = s.num_agents, s.num_agents + s.max_boxes
        objects = _upright_features(pose[:, first_object:, :4], velocity[:, first_object:, :4])
        boxes = objects[:, : s.max_boxes]
        if s.tilting_boxes:
            boxes = _tilting_features(pose[:, first_object:first_ramp], velocity[:, first_object:first_ramp])
        flags = self._lock_features(locks)
        ramps, cylinders = slice(first_ramp, first_ramp + s.ramps), slice(first_ramp + s.ramps, None)
        ramp_objects = slice(s.max_boxes, s.max_boxes + s.ramps)
        observation = {"self": agents, "lidar": lidar.clone()} if s.lidar_rays else {"self": agents}
        bearing = self._bearing(pose) if s.bearing_features else pose.new_zeros(*visible.shape, 0)
        if s.num_agents > 1:
            of_others = bearing.gather(2, self._others[None, :, :, None].expand(len(pose), -1, -1, bearing.shape[-1]))
            observation["agents"] = torch.cat([agents[:, self._others], of_others], dim=-1)
            observation["agents_visible"] = _pick(visible[..., :first_object], self._others)
            observation["agents_present"] = present[:, self._others] & present[:, :first_object, None]
        if s.max_boxes:
            shown = present[:, None, first_object:first_ramp]
            parts = [self._per_agent(boxes)]
            if s.box_size_features:
                parts.append(self._per_agent(2 * box_half_size))
            if s.lock_boxes:
                parts.append(flags[:, :, : s.max_boxes])
            parts.append(bearing[:, :, first_object:first_ramp])
            observation["boxes"] = torch.cat(parts, dim=-1) * shown[..., None]
            observation["boxes_visible"] = visible[..., first_object:first_ramp].clone()
            observation["boxes_present"] = shown.repeat(1, s.num_agents, 1)
        if s.ramps:
            parts = [self._per_agent(objects[:, ramp_objects])]
            if s.box_size_features:
                parts.append(torch.zeros_like(parts[0][..., :3]))
            if s.lock_ramps:
                parts.append(flags[:, :, ramp_objects])
            parts.append(bearing[:, :, ramps])
            observation["ramps"] = torch.cat(parts, dim=-1)
            observation["ramps_visible"] = visible[..., ramps].clone()
            observation["ramps_present"] = present[:, None, ramps].repeat(1, s.num_agents, 1)
        if s.cylinders.movable and cylinder_half_size is not None:
            parts = [objects[:, s.max_boxes + s.ramps :], 2 * cylinder_half_size]
            observation["cylinders"] = self._per_agent(torch.cat(parts, dim=-1)).clone()
            observation["cylinders_visible"] = visible[..., cylinders].clone()
            observation["cylinders_present"] = present[:, None, cylinders].repeat(1, s.num_agents, 1)
        return observation | self._padding.tensors(len(pose))

    def _agent_features(self, pose: Tensor, velocity: Tensor, steps: Tensor) -> Tensor:
        s = self._scenario
        agent_pose, agent_velocity = pose[:, : s.num_agents, :4], velocity[:, : s.num_agents, :4]
        yaw = agent_pose[..., 3:]
        heading = [yaw.cos(), yaw.sin()] if s.heading_features == "cos_sin" else [yaw]
        hider = (self._team == 0).float()[None, :, None].expand(len(pose), -1, -1)
        progress = (steps / (s.preparation_steps + 1e-5)).clamp(max=1.0).float()
        if s.preparation_steps == 0 and s.game != "hide_and_seek":  # As in the original's tasks.
            progress = torch.zeros_like(progress)
        preparation = progress[:, None, None].expand(-1, s.num_agents, 1)
        return torch.cat([agent_pose[..., :3], *heading, agent_velocity, hider, preparation], dim=-1)

    def _bearing(self, pose: Tensor) -> Tensor:
        """Cosine and sine of every entity's direction relative to each agent's heading: (W, A, E, 2)."""
        agent_pose = pose[:, : self._scenario.num_agents]
        sin, cos = agent_pose[..., 3].sin()[:, :, None], agent_pose[..., 3].cos()[:, :, None]
        x, y = (pose[:, None, :, :2] - agent_pose[:, :, None, :2]).unbind(-1)
        ahead, left = x * sin - y * cos, x * cos + y * sin  # An agent looks along yaw - pi/2.
        return torch.stack([ahead, left], dim=-1) / torch.hypot(x, y).clamp(min=1e-6)[..., None]

    def _per_agent(self, features: Tensor) -> Tensor:
        return features[:, None].expand(-1, self._scenario.num_agents, -1, -1)

    def _lock_features(self, locks: Locks) -> Tensor:
        """you_lock, team_lock, obj_lock: (W, A, O, 3)."""
        agents = torch.arange(self._scenario.num_agents, device=locks.locked.device)
        locked = locks.locked[:, None]
        you = locked & (locks.locker[:, None] == agents[None, :, None])
        team = locked & (self._team[locks.locker][:, None] == self._team[None, :, None])
        return torch.stack([you, team, locked.expand_as(you)], dim=-1).float()


def _upright_features(pose: Tensor, velocity: Tensor) -> Tensor:
    """Return (..., 9) features of poses and velocities (..., 4)."""
    return torch.cat([pose[..., :3], pose[..., 3:].cos(), pose[..., 3:].sin(), velocity], dim=-1)


def _tilting_features(pose: Tensor, velocity: Tensor) -> Tensor:
    """Return (..., 15) features of poses and velocities (..., 6); angles in the order x, y, z."""
    order = [ABOUT_X, ABOUT_Y, YAW]
    angles = pose[..., order]
    return torch.cat([pose[..., :3], angles.cos(), angles.sin(), velocity[..., :3], velocity[..., order]], dim=-1)


def _pick(values: Tensor, index: Tensor) -> Tensor:
    """Gather (W, A, A) by (A, K) along the last axis -> (W, A, K)."""
    return values.gather(2, index.expand(len(values), -1, -1))


def team_index(s: Scenario, device: torch.device) -> Tensor:
    """Return (A,) int64: 0 for hiders, 1 for seekers."""
    return (torch.arange(s.num_agents, device=device) >= s.hiders).long()
