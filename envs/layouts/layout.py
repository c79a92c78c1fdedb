"""One episode's start as data: walls, sizes, counts and positions for N worlds."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass
class Layout:
    """Start of an episode in N worlds. Float32 tensors, metres, radians, world frame, true centres of bodies.

    Shapes: N worlds, L wall slots, A agents, B box slots, R ramps. Absent walls and boxes have ``*_present`` False and
    zeros elsewhere.
    """

    walls: Tensor
    """(N, L, 5): centre x, centre y, half size x, half size y, full height. Walls stand on the floor."""
    wall_present: Tensor
    """(N, L) bool."""
    wall_is_outer: Tensor
    """(N, L) bool: the 4 m high walls around the arena."""
    agent_pose: Tensor
    """(N, A, 4): x, y, z of the sphere's centre and yaw. The agent looks along yaw - pi/2."""
    box_pose: Tensor
    """(N, B, 4): x, y, z of the box's centre and yaw."""
    box_half_size: Tensor
    """(N, B, 3): half sizes in the box's own frame."""
    box_present: Tensor
    """(N, B) bool."""
    ramp_pose: Tensor
    """(N, R, 4): x, y, z of the bounding box's centre and yaw. At yaw 0 the high side faces -y."""

    # What only some scenarios have. None stands for nothing of the kind and becomes an empty tensor.
    food: Tensor = None  # type: ignore[assignment]
    """(N, F, P, 3): P places that each food takes one after the other."""
    food_scale: Tensor = None  # type: ignore[assignment]
    """(N,): reward for a unit of food; ones if not given."""

    def __post_init__(self) -> None:
        worlds, device = self.walls.shape[:1], self.walls.device
        if self.food is None:
            self.food = torch.zeros(*worlds, 0, 1, 3, device=device)
        if self.food_scale is None:
            self.food_scale = torch.ones(worlds, device=device)

    @property
    def num_worlds(self) -> int:
        """N."""
        return self.walls.shape[0]

    def to(self, device: torch.device | str) -> Layout:
        """Return the layout with every tensor on ``device``."""
        return Layout(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def select(self, worlds: Tensor | list[int]) -> Layout:
        """Return the layouts of some of the N worlds."""
        return Layout(**{f.name: getattr(self, f.name)[worlds] for f in fields(self)})

    @staticmethod
    def stack(layouts: list[Layout]) -> Layout:
        """Concatenate layouts along the world axis. Slot counts must be equal."""
        return Layout(**{f.name: torch.cat([getattr(x, f.name) for x in layouts]) for f in fields(Layout)})
