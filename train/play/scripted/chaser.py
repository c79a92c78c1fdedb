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
_AHEAD = 1.0
"""Metres within which a box in the way is walked around."""
_IN_THE_WAY = 0.55
"""Metres beside the line to a box's centre within which the seeker would run into it."""
_AROUND = 0.7
"""Metres beside a box's centre at which it is passed."""
_FROM_WALLS = 0.25
"""Metres from the room's walls within which there is no passing."""


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
    way = torch.where(sees.gather(2, nearest[..., None]), way, _around_boxes(world, here, way))
    apart = (prey - here).norm(dim=-1, keepdim=True)
    looks_at_prey = sees.gather(2, nearest[..., None]) | (apart < _NEAR)
    # Where it will be, as seen from where the seeker will be: who looks where it was loses one that runs in circles.
    ahead = prey + s.step_seconds * (world.velocity(hiders)[world.rows, nearest] - world.velocity(seekers))
    steer.go(seekers, way, _SPEED)
    steer.look(seekers, torch.where(looks_at_prey, ahead, way))


def _around_boxes(world: Situation, here: Tensor, goal: Tensor) -> Tensor:
    """Return goals (W, S, 2) beside the nearest box on the way to others: who hides behind a locked one is found."""
    boxes = world.entity(torch.arange(world.scenario.max_boxes, device=world.device))
    if not len(boxes):
        return goal
    ahead = towards(here, goal)
    left = torch.stack([-ahead[..., 1], ahead[..., 0]], dim=-1)
    offset = world.position(boxes)[:, None] - here[:, :, None]
    along = (offset * ahead[:, :, None]).sum(-1)
    beside = (offset * left[:, :, None]).sum(-1)
    reach = (goal - here).norm(dim=-1, keepdim=True).clamp(max=_AHEAD)
    hit = world.present[:, None, boxes] & (along > 0) & (along < reach) & (beside.abs() < _IN_THE_WAY)
    nearest = along.masked_fill(~hit, torch.inf).argmin(-1, keepdim=True)
    middle = here + offset.gather(2, nearest[..., None].expand(-1, -1, 1, 2))[:, :, 0]
    side = torch.where(beside.gather(2, nearest) > 0, -1.0, 1.0)
    first, second = middle + _AROUND * side * left, middle - _AROUND * side * left
    if world.scenario.layout in QUADRANTS:
        walled = world.room.inside(here) & (world.room.clamp(first, _FROM_WALLS) != first).any(-1)
        first = torch.where(walled[..., None], second, first)
    return torch.where(hit.any(-1)[..., None], first, goal)
