"""What scripted players know: the whole state of the worlds, walls and all.

Shapes: W worlds, A agents (hiders first), O objects (boxes, then ramps), E = A + O entities, K some agents or objects
of each world.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.manipulation import distance_to_objects
from envs.physics.engine import PARKED_BELOW

from .room import Room, find_room


class Situation:
    """The state of worlds at the moment when agents decide.

    Args:
      env: where they are.
      worlds: (W,) which; all if not given.
    """

    def __init__(self, env: BatchEnv, worlds: Tensor | None = None) -> None:
        self.scenario = s = env.scenario
        self.device = env.device
        worlds = torch.arange(env.num_worlds, device=env.device) if worlds is None else worlds
        self.state = env.get_state(worlds)
        self._walls = env.engine.walls[worlds]
        self._half = env.object_half_size[worlds]
        self.rows = torch.arange(len(worlds), device=env.device)[:, None]
        """(W, 1)."""
        self.hiders = torch.arange(s.hiders, device=env.device)
        self.seekers = torch.arange(s.hiders, s.num_agents, device=env.device)
        self.present = self.state.pose[..., 1] > PARKED_BELOW
        """(W, E) bool."""
        self.live = self.state.steps >= s.preparation_steps
        """(W,) bool: seekers can move."""

    @property
    def num_worlds(self) -> int:
        """W."""
        return len(self.rows)

    @cached_property
    def room(self) -> Room:
        """The room of the quadrant."""
        return find_room(self._walls)

    def position(self, entity: Tensor) -> Tensor:
        """Return where entities (K,) or (W, K) are: (W, K, 2) metres."""
        return self.state.pose[self.rows, entity, :2]

    def yaw(self, entity: Tensor) -> Tensor:
        """Return the yaw (W, K) of entities (K,) or (W, K), radians."""
        return self.state.pose[self.rows, entity, 3]

    def velocity(self, entity: Tensor) -> Tensor:
        """Return the velocities (W, K, 2) of entities, metres per second."""
        return self.state.velocity[self.rows, entity, :2]

    def extents(self, objects: Tensor) -> Tensor:
        """Return half of what objects (K,) take up along x and y as they are turned, (W, K, 2) metres."""
        yaw = self.yaw(self.entity(objects))[..., None]
        half = self._half[:, objects, :2]
        return half * yaw.cos().abs() + half.flip(-1) * yaw.sin().abs()

    def distance(self, agents: Tensor, objects: Tensor) -> Tensor:
        """Return (W, K, k) metres from agents (K,) or (W, K) to the surfaces of objects (k,) or (W, k)."""
        rows, pose = self.rows, self.state.pose
        return distance_to_objects(pose[rows, agents, :3], pose[rows, self.entity(objects)], self._half[rows, objects])

    def entity(self, objects: Tensor) -> Tensor:
        """Return the entities that some objects are."""
        return self.scenario.num_agents + objects


def heading(yaw: Tensor) -> Tensor:
    """Return (..., 2) the direction in which an agent with this yaw looks, and a ramp with this yaw leads up."""
    return torch.stack([yaw.sin(), -yaw.cos()], dim=-1)


def yaw_towards(direction: Tensor) -> Tensor:
    """Undo ``heading``."""
    return torch.atan2(direction[..., 1], direction[..., 0]) + math.pi / 2


def turn_between(start: Tensor, end: Tensor) -> Tensor:
    """Return the angle in [-pi, pi) from yaws to yaws."""
    return torch.remainder(end - start + math.pi, 2 * math.pi) - math.pi


def towards(start: Tensor, end: Tensor) -> Tensor:
    """Return unit vectors (..., 2) from places to places; zero where they are the same."""
    offset = end - start
    return offset / offset.norm(dim=-1, keepdim=True).clamp(min=1e-6)
