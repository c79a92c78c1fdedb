"""The chaser: every seeker runs at the nearest hider, those that it sees first."""

from __future__ import annotations

import torch
from torch import Tensor

from .room import QUADRANTS
from .situation import Situation, towards
from .steering import Steering

_UNSEEN = 3.0
"""Metres by which a hider counts as farther away while the seeker does not see it."""
_CLOSE = 0.45
"""Metres from a hider at which a seeker has arrived."""
_NEAR = 1.5
"""Metres from a hider within which a seeker turns after it even while it does not see it."""
_SPEED = 6.0
"""Metres per second."""


def caught_sight(world: Situation) -> Tensor:
    """Return (W,) bool: a seeker sees a hider, in the live phase."""
    sees = world.state.visible[:, world.seekers][:, :, world.hiders]
    return sees.flatten(1).any(1) & world.live


def chase(world: Situation, steer: Steering) -> None:
    """Run after hiders. Where there are rooms, other than the quadrant's, seekers run into their walls."""
    s, seekers, hiders = world.scenario, world.seekers, world.hiders
    here, there = world.position(seekers), world.position(hiders)
    distance = (here[:, :, None] - there[:, None]).norm(dim=-1)
    sees = world.state.visible[:, seekers][:, :, hiders]
    distance = distance + _UNSEEN * ~sees
    distance = distance.masked_fill(~world.present[:, None, : s.hiders], torch.inf)
    nearest = distance.argmin(-1)
    prey = there[world.rows, nearest]
    target = prey - _CLOSE * towards(here, prey)
    if s.layout in QUADRANTS:
        # Who stops short of a hider in a corner of the room would stop on the other side of its wall.
        parted = world.room.inside(here) != world.room.inside(prey)
        way = world.room.way(here, torch.where(parted[..., None], prey, target))
    else:
        way = target
    apart = (prey - here).norm(dim=-1, keepdim=True)
    looks_at_prey = sees.gather(2, nearest[..., None]) | (apart < _NEAR)
    # Where it will be, as seen from where the seeker will be: who looks where it was loses one that runs in circles.
    ahead = prey + s.step_seconds * (world.velocity(hiders)[world.rows, nearest] - world.velocity(seekers))
    steer.go(seekers, way, _SPEED)
    steer.look(seekers, torch.where(looks_at_prey, ahead, way))
