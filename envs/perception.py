"""What agents sense: the vision cone with line of sight, and the lidar. Both are rays cast by the physics engine.

Shapes: K worlds, A agents, E entities (agents, boxes, ramps, movable cylinders), L lidar rays.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .orientation import rotate
from .physics.engine import PhysicsEngine
from .scenarios import Scenario
from .scene import RAMP_CENTRE_OF_MASS


def in_cone(agent_pose: Tensor, target: Tensor, angle: float) -> Tensor:
    """Tell which targets lie in each agent's horizontal vision cone (rule 6.1, on true centres).

    Args:
      agent_pose: (K, A, Q). An agent looks along yaw - pi/2.
      target: (K, E, 3) true centres.
      angle: full opening angle, radians.

    Returns:
      (K, A, E) bool, without a limit of range.
    """
    yaw = agent_pose[..., 3]
    heading = torch.stack([torch.sin(yaw), -torch.cos(yaw)], dim=-1)
    offset = target[:, None, :, :2] - agent_pose[:, :, None, :2]
    along = (offset * heading[:, :, None]).sum(-1)
    return along >= math.cos(angle / 2) * offset.norm(dim=-1)


class Perception:
    """Casts one bundle of rays per agent: the lidar's, and one to every other entity."""

    def __init__(self, scenario: Scenario, engine: PhysicsEngine) -> None:
        self._engine = engine
        self._agents = scenario.num_agents
        self._vision_angle = scenario.vision_angle
        self._lidar_range = scenario.lidar_range
        agents, entities, device = scenario.num_agents, engine.scene.num_entities, engine.device
        angles = torch.arange(scenario.lidar_rays, device=device) * (2 * math.pi / max(scenario.lidar_rays, 1))
        self._lidar_directions = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], dim=-1)
        viewer = torch.arange(agents, device=device)[:, None].expand(agents, entities)
        target = torch.arange(entities, device=device)[None].expand(agents, entities)
        others = viewer != target
        self._viewer, self._target = viewer[others], target[others]
        lidar_owner = torch.arange(agents, device=device).repeat_interleave(scenario.lidar_rays)
        self._ray_owner = torch.cat([lidar_owner, self._viewer])
        self._num_lidar = len(lidar_owner)
        first_ramp = scenario.num_agents + scenario.max_boxes
        self._ramps = slice(first_ramp, first_ramp + scenario.ramps)
        self._ramp_target = torch.tensor(RAMP_CENTRE_OF_MASS, device=device)

    def sense(self, worlds: Tensor, pose: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Look around in some worlds.

        Args:
          worlds: (K,) sorted world indices.
          pose: (K, E, Q) their current poses.
          present: (K, E) bool.

        Returns:
          visible (K, A, E) bool: inside the cone, first thing hit by a ray to its centre (a ramp's centre of mass), and
          never the agent itself; lidar (K, A, L) metres in world-fixed directions (rules 6.1 and 6.2).
        """
        agents = self._agents
        agent_pose = pose[:, :agents]
        origin = agent_pose[:, self._ray_owner, :3]
        aim = pose[..., :3].clone()
        ramp_pose = pose[:, self._ramps]
        aim[:, self._ramps] += rotate(self._ramp_target.expand(ramp_pose[..., :3].shape), ramp_pose[..., 3])
        sight = aim[:, self._target] - agent_pose[:, self._viewer, :3]
        lidar_directions = self._lidar_directions.repeat(agents, 1).expand(len(pose), -1, -1)
        direction = torch.cat([lidar_directions, sight], dim=1)
        distance, entity = self._engine.rays(worlds, origin, direction, self._ray_owner)
        visible = torch.zeros(len(pose), agents, pose.shape[1], dtype=torch.bool, device=pose.device)
        visible[:, self._viewer, self._target] = entity[:, self._num_lidar :] == self._target
        visible &= in_cone(agent_pose, pose[..., :3], self._vision_angle) & present[:, None]
        visible &= present[:, :agents, None]
        lidar = distance[:, : self._num_lidar].view(len(pose), agents, len(self._lidar_directions))
        return visible, torch.where(lidar.isinf(), self._lidar_range, lidar)
