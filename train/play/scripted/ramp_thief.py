"""The ramp thief: a hider pulls the ramp into the room, where seekers cannot use it to climb in."""

from __future__ import annotations

import torch
from torch import Tensor

from .carrying import Task, carry
from .situation import Situation
from .steering import Steering

_INTO = 1.1
"""Metres behind the door at which the ramp is left."""
_BEFORE = 0.8
"""Metres before the door from where on it is moved straight in."""


def ramps_inside(world: Situation) -> Tensor:
    """Return (W,) bool: all ramps are in the room."""
    s = world.scenario
    ramps = s.max_boxes + torch.arange(s.ramps, device=world.device)
    return world.room.inside(world.position(world.entity(ramps)), 0.35).all(1)


def steal_ramp(world: Situation, steer: Steering) -> None:
    """Let the hider nearest to the first ramp outside the room bring it in; the others go inside."""
    s, room, hiders = world.scenario, world.room, world.hiders
    here = world.position(hiders)
    middle = (room.corner[:, None] + torch.tensor([1.6, -1.6], device=world.device)).expand_as(here)
    steer.go(hiders, room.way(here, middle), 4.0)
    steer.look(hiders, middle)
    ramps = (s.max_boxes + torch.arange(s.ramps, device=world.device)).expand(world.num_worlds, -1)
    place = world.position(world.entity(ramps))
    left = ~room.inside(place, 0.35)
    first = left.int().argmax(1, keepdim=True)
    ramp = ramps.gather(1, first)
    there = place[world.rows, first]
    distance = (here - there).norm(dim=-1).masked_fill(~world.present[:, hiders], torch.inf)
    who = distance.argmin(1, keepdim=True)
    door, outward = room.nearest_door(there)
    carry(
        world,
        steer,
        Task(who, ramp, door - _INTO * outward, -outward, None, _INTO + _BEFORE, True),
        left.any(1, keepdim=True),
    )
