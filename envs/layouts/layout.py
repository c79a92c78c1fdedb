"""One episode's start as data: walls, sizes, counts and positions for N worlds."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..tensors.where_worlds import where_worlds

SITE_POINTS = 5
"""Points of a construction site: its centre and four corners, in the order (-,-), (-,+), (+,-), (+,+)."""


@dataclass
class Layout:
    """Start of an episode in N worlds. Float32 tensors, metres, radians, world frame, true centres of bodies.

    Shapes: N worlds, L wall slots, A agents, B box slots, R ramps, F foods, S site slots, C cylinders. What is absent
    has ``*_present`` False and zeros elsewhere.
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

    # What only some scenarios have. None stands for nothing of the kind, or everyone, and becomes a tensor.
    agent_present: Tensor = None  # type: ignore[assignment]
    """(N, A) bool. Everyone if not given."""
    food: Tensor = None  # type: ignore[assignment]
    """(N, F, P, 3): P places that each food takes one after the other."""
    food_scale: Tensor = None  # type: ignore[assignment]
    """(N,): reward for a unit of food. Ones if not given."""
    sites: Tensor = None  # type: ignore[assignment]
    """(N, S, 5, 3): centre and corners of construction sites."""
    site_present: Tensor = None  # type: ignore[assignment]
    """(N, S) bool."""
    pillars: Tensor = None  # type: ignore[assignment]
    """(N, C, 4): centre x, centre y, radius, full height of fixed cylinders, which stand on the floor."""
    cylinder_pose: Tensor = None  # type: ignore[assignment]
    """(N, C, 4): x, y, z of the centre and yaw of movable cylinders."""
    cylinder_half_size: Tensor = None  # type: ignore[assignment]
    """(N, C, 3): radius, radius, half height."""
    box_goal: Tensor = None  # type: ignore[assignment]
    """(N, B): x at which a box that drifts in object counting comes to rest."""

    def __post_init__(self) -> None:
        for name, shape in EMPTY.items():
            if getattr(self, name) is None:
                setattr(self, name, torch.zeros(len(self.walls), *shape, device=self.walls.device))
        self.site_present = self.site_present.bool()
        if self.agent_present is None:
            self.agent_present = torch.ones_like(self.agent_pose[..., 0], dtype=torch.bool)
        if self.food_scale is None:
            self.food_scale = torch.ones(len(self.walls), device=self.walls.device)

    @property
    def num_worlds(self) -> int:
        """N."""
        return self.walls.shape[0]

    @property
    def entity_pose(self) -> Tensor:
        """(N, E, 4): poses of agents, boxes, ramps and movable cylinders, in this order."""
        return torch.cat([self.agent_pose, self.box_pose, self.ramp_pose, self.cylinder_pose], dim=1)

    def to(self, device: torch.device | str) -> Layout:
        """Return the layout with every tensor on ``device``."""
        return Layout(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def select(self, worlds: Tensor | list[int]) -> Layout:
        """Return the layouts of some of the N worlds."""
        return Layout(**{f.name: getattr(self, f.name)[worlds] for f in fields(self)})

    def spread(self, worlds: Tensor, num_worlds: int) -> Layout:
        """Return ``num_worlds`` layouts with these N in the given worlds (N,) and zeros elsewhere."""
        spread = {}
        for f in fields(self):
            values = getattr(self, f.name)
            spread[f.name] = values.new_zeros(num_worlds, *values.shape[1:]).index_copy_(0, worlds, values)
        return Layout(**spread)

    def where(self, chosen: Tensor, other: Layout) -> Layout:
        """Return N layouts: these where they are chosen, (N,) bool, and the other's elsewhere."""
        return Layout(
            **{f.name: where_worlds(chosen, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        )

    @staticmethod
    def stack(layouts: list[Layout]) -> Layout:
        """Concatenate layouts along the world axis. Slot counts must be equal."""
        return Layout(**{f.name: torch.cat([getattr(x, f.name) for x in layouts]) for f in fields(Layout)})


EMPTY: dict[str, tuple[int, ...]] = {
    "food": (0, 1, 3),
    "sites": (0, SITE_POINTS, 3),
    "site_present": (0,),
    "pillars": (0, 4),
    "cylinder_pose": (0, 4),
    "cylinder_half_size": (0, 3),
    "box_goal": (0,),
}
"""Shapes, without the world axis, of what a scenario does not have."""
