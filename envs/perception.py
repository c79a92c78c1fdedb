"""What agents sense: the vision cone with line of sight, and the lidar. Both are rays cast by the physics engine.

Shapes: K worlds, A agents, E entities (agents, boxes, ramps, movable cylinders), L lidar rays.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .physics.engine import PhysicsEngine
from .scenario import Scenario
from .scene.scene import RAMP_CENTRE_OF_MASS


def in_cone(agent_pose: Tensor, target: Tensor, angle: float) -> Tensor:
    """Tell which targets lie in each agent's horizontal vision cone (rule 6.1, on true centres).

    Args:
      agent_pose: (K, A, Q). An agent looks along yaw - pi/2.
      target: (K, E, 2 or more) true centres.
      angle: full opening angle, radians.

    Returns:
      (K, A, E) bool, without a limit of range.
    """
    if angle >= math.tau:  # Rounding would hide what is exactly behind.
        return torch.ones(*agent_pose.shape[:2], target.shape[1], dtype=torch.bool, device=target.device)
    yaw = agent_pose[..., None, 3]
    offset = target[:, None, :, :2] - agent_pose[:, :, None, :2]
    along = offset[..., 0] * yaw.sin() - offset[..., 1] * yaw.cos()
    return along >= math.cos(angle / 2) * torch.linalg.vector_norm(offset, dim=-1)


class Perception:
    """Casts one bundle of rays per agent: the lidar's, and one to every other entity."""

    def __init__(self, scenario: Scenario, engine: PhysicsEngine) -> None:
        self._engine = engine
        self._agents, self._lidar_rays = scenario.num_agents, scenario.lidar_rays
        self._vision_angle = scenario.vision_angle
        self._lidar_range = scenario.lidar_range
        agents, entities, device = scenario.num_agents, engine.scene.num_entities, engine.device
        angles = torch.arange(scenario.lidar_rays, device=device) * (2 * math.pi / max(scenario.lidar_rays, 1))
        lidar_directions = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], dim=-1)
        self._lidar_directions = lidar_directions.repeat(agents, 1)
        pair = torch.arange(agents * entities, device=device)
        self._pair = pair[pair // entities != pair % entities]
        self._viewer, self._target = self._pair // entities, self._pair % entities
        lidar_owner = torch.arange(agents, device=device).repeat_interleave(scenario.lidar_rays)
        self._ray_owner = torch.cat([lidar_owner, self._viewer])
        self._num_lidar = len(lidar_owner)
        first_ramp = agents + scenario.max_boxes
        x, y, z = RAMP_CENTRE_OF_MASS
        aim = torch.zeros(3, entities, 3, device=device)
        aim[:, first_ramp : first_ramp + scenario.ramps] = torch.tensor(
            [[[x, y, 0.0]], [[-y, x, 0.0]], [[0.0, 0.0, z]]]
        )
        self._aim_by_cos, self._aim_by_sin, self._aim_up = aim  # What turns with an entity's yaw, and what does not.

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
        some, agents = len(pose), self._agents
        centre, agent_pose = pose[..., :3], pose[:, :agents]
        origin = centre.index_select(1, self._ray_owner)
        yaw = pose[..., 3:4]
        aim = centre + (yaw.cos() * self._aim_by_cos + yaw.sin() * self._aim_by_sin + self._aim_up)
        sight = aim.index_select(1, self._target) - origin[:, self._num_lidar :]
        direction = torch.cat([self._lidar_directions.expand(some, -1, -1), sight], dim=1)
        distance, entity = self._engine.rays(worlds, origin, direction, self._ray_owner)
        lidar, hit = distance[:, : self._num_lidar], entity[:, self._num_lidar :] == self._target
        clear = torch.zeros(some, agents * pose.shape[1], dtype=torch.bool, device=pose.device)
        clear.index_copy_(1, self._pair, hit)
        visible = clear.view(some, agents, -1) & in_cone(agent_pose, centre, self._vision_angle)
        visible &= present[:, None] & present[:, :agents, None]
        return visible, lidar.nan_to_num(posinf=self._lidar_range).view(some, agents, self._lidar_rays)
