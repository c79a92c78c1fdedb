"""The climber: a seeker puts a ramp against the room's wall and runs over it to who hides there; else seekers chase.

Shapes: W worlds, S seekers, R ramps, D = 2 walls of the room.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .carrying import Task, carry, up
from .chaser import chase
from .situation import Situation, yaw_towards
from .steering import Steering

_AGAINST = 0.32
"""Metres from the middle of a wall to the centre of a ramp that leans against it."""
_RUN_UP = 1.0
"""Metres behind a ramp's centre from where a seeker runs."""
_BESIDE = 0.12
"""Metres beside the ramp's axis within which it goes straight up."""


def climb(world: Situation, steer: Steering) -> None:
    """Let the seeker nearest to a ramp bring it to the wall and climb in if hiders have shut themselves in.

    The others chase, and so does that one as long as a door is open.
    """
    room = world.room
    chase(world, steer)
    who, ramp = _nearest_pair(world)
    here, there = world.position(who), world.position(world.entity(ramp))
    hidden = room.inside(world.position(world.hiders)) & world.present[:, world.hiders]
    z = world.state.pose[world.rows, who, 2]
    needed = _shut(world)[:, None] | (z > 0.25)  # Who would climb past an open door loses hiders that run in and out.
    outside = ~room.inside(here, 0.1) & ~room.inside(there) & hidden.any(1, keepdim=True) & needed
    wall, goal = _nearest_wall(world, there)
    axis = -room.outward[wall]
    missing = goal - there
    along = (missing * axis).sum(-1).abs()
    straight = (up(world, ramp) * axis).sum(-1) > 0.95
    leans = straight & (along < 0.12)
    climbing = outside & (leans | (z > 0.25))
    yaw = yaw_towards(axis)
    task = Task(who, ramp, goal, axis, yaw, side=-up(world, ramp))
    carry(world, steer, task, outside & ~climbing)
    _run(world, steer, who, there, axis, climbing)


def climbed_in(world: Situation) -> Tensor:
    """Return (W,) bool: a seeker is in the room, in the live phase."""
    inside = world.room.inside(world.position(world.seekers), 0.1) & world.present[:, world.seekers]
    return inside.any(1) & world.live


def _shut(world: Situation) -> Tensor:
    """Return (W,) bool: boxes and ramps leave no way into the room. Absent boxes are parked far from its doors."""
    s = world.scenario
    objects = torch.arange(s.max_boxes + s.ramps, device=world.device)
    return world.room.shut(world.position(world.entity(objects)), world.extents(objects))


def _nearest_pair(world: Situation) -> tuple[Tensor, Tensor]:
    """Return the seeker (W, 1) and the ramp (W, 1, an object) that are nearest to each other outside the room."""
    s, seekers = world.scenario, world.seekers
    ramps = s.max_boxes + torch.arange(s.ramps, device=world.device)
    here, there = world.position(seekers), world.position(world.entity(ramps))
    distance = (here[:, :, None] - there[:, None]).norm(dim=-1)
    apart = world.room.inside(here)[:, :, None] | ~world.present[:, seekers][:, :, None]
    best = (distance + 100.0 * apart).flatten(1).argmin(1)
    return seekers[best // s.ramps][:, None], ramps[best % s.ramps][:, None]


def _nearest_wall(world: Situation, place: Tensor) -> tuple[Tensor, Tensor]:
    """Return the wall (W, 1) whose solid part is nearest to places (W, 1, 2), and where a ramp leans against it."""
    room = world.room
    goals = room.solid + _AGAINST * room.outward
    wall = (goals - place).norm(dim=-1).argmin(1, keepdim=True)
    return wall, goals[world.rows, wall]


def _run(world: Situation, steer: Steering, who: Tensor, ramp: Tensor, axis: Tensor, where: Tensor) -> None:
    """Let seekers (W, 1) go behind a ramp (W, 1, 2) that leads up along an axis, and run over it."""
    here = world.position(who)
    offset = here - ramp
    along = (offset * axis).sum(-1, keepdim=True)
    beside = (offset - along * axis).norm(dim=-1, keepdim=True)
    behind = ramp - _RUN_UP * axis
    aside = ramp + 0.8 * (offset - along * axis) / beside.clamp(min=1e-6) - 0.6 * axis
    on_axis = (beside < _BESIDE) & (along < 0.6)
    approach = torch.where(along > -0.4, aside, behind)
    target = torch.where(on_axis, here + 3.0 * axis, approach)
    steer.go(who, target, where=where)
    steer.look(who, here + axis, where=where)
