"""The blocker: hiders push boxes into the doors of the room and lock them, then wait where no gap shows them.

Shapes: W worlds, H hiders, B boxes, D = 2 walls of the room.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .carrying import Task, carry, settled
from .situation import Situation
from .steering import Steering

_FAR = 1e3
"""Metres: more than any way is long."""
_AWAY = 0.4
"""Metres from both walls with doors at which hiders wait: nobody sees them there through the gaps beside a box."""
_AT_HAND = 0.05
"""Metres beyond its reach within which a hider presses lock beside a box in a door."""


def block_doors(world: Situation, steer: Steering) -> None:
    """Give each open door a box and, in turn, a hider; all others go inside."""
    room, hiders = world.room, world.hiders
    here = world.position(hiders)
    away = (room.corner[:, None] + torch.tensor([_AWAY, -_AWAY], device=world.device)).expand_as(here)
    steer.go(hiders, room.way(here, away), 3.0)
    steer.look(hiders, away)
    box, cost = _boxes_for_doors(world)
    placed = settled(world, box, room.door) & room.open
    done = placed & world.state.locks.locked[world.rows, box]
    worker = _workers(world, box, room.open & ~done, cost)
    everyone = (room.inside(here) | ~world.present[:, hiders]).all(1, keepdim=True)
    for door in range(2):
        who = worker[:, door : door + 1]
        what = box[:, door : door + 1]
        busy = (who >= 0) & ~placed[:, door : door + 1]
        goal, axis = room.door[:, door : door + 1], room.outward[door].expand(world.num_worlds, 1, 2)
        carry(world, steer, Task(who.clamp(min=0), what, goal, axis, yaw=None), busy, stay=~everyone)
        beside = (who >= 0) & placed[:, door : door + 1]
        steer.rest(who.clamp(min=0), beside)
        steer.look(who.clamp(min=0), world.position(world.entity(what)), where=beside)
    _press_lock(world, steer, box, placed)


def doors_blocked(world: Situation) -> Tensor:
    """Return (W,) bool: a locked box stands in every door."""
    box, _ = _boxes_for_doors(world)
    locked = settled(world, box, world.room.door) & world.state.locks.locked[world.rows, box]
    return (locked | ~world.room.open).all(1)


def _boxes_for_doors(world: Situation) -> tuple[Tensor, Tensor]:
    """Return the box (W, D) for each door, a different one for each, and its distance (W, D) from it, metres."""
    s, room = world.scenario, world.room
    boxes = torch.arange(s.max_boxes, device=world.device)
    place = world.position(world.entity(boxes))
    theirs = world.state.locks.locked[:, boxes] & (world.state.locks.locker[:, boxes] >= s.hiders)
    useless = theirs | ~world.present[:, world.entity(boxes)]
    distance = (room.door[:, :, None] - place[:, None]).norm(dim=-1)
    cost = distance.masked_fill(useless[:, None], _FAR)
    wanted = torch.where(room.open[..., None], cost, 0.0)
    both = wanted[:, 0, :, None] + wanted[:, 1, None]
    if s.max_boxes > 1:
        both = both + _FAR**2 * torch.eye(s.max_boxes, device=world.device)
    best = both.flatten(1).argmin(1)
    box = torch.stack([best // s.max_boxes, best % s.max_boxes], dim=1)
    return box, cost.gather(2, box[..., None])[..., 0]


def _workers(world: Situation, box: Tensor, to_do: Tensor, cost: Tensor) -> Tensor:
    """Return the hider (W, D) that sees to each door, -1 for none: the nearest. The nearest box is seen to first."""
    s = world.scenario
    here, there = world.position(world.hiders), world.position(world.entity(box))
    distance = (there[:, :, None] - here[:, None]).norm(dim=-1)
    distance = distance.masked_fill(~world.present[:, None, : s.hiders], _FAR)
    to_do = to_do & (cost < _FAR)
    worker = torch.full_like(box, -1)
    urgent = torch.where(to_do, cost, torch.inf)
    first = urgent.argmin(1, keepdim=True)
    for turn in (first, 1 - first):
        row = distance.gather(1, turn[..., None].expand(-1, -1, s.hiders))[:, 0]
        taken = (worker[:, :, None] == world.hiders).any(1)
        row = row.masked_fill(taken, _FAR)
        nearest = row.argmin(1, keepdim=True)
        free = to_do.gather(1, turn) & (row.gather(1, nearest) < _FAR)
        worker = worker.scatter(1, turn, torch.where(free, nearest, worker.gather(1, turn)))
    return worker


def _press_lock(world: Situation, steer: Steering, box: Tensor, placed: Tensor) -> None:
    """Let hiders press lock beside boxes in doors. It is a level: who stands there without pressing it unlocks."""
    reach = world.distance(world.hiders, box) < world.scenario.reach + _AT_HAND
    steer.lock(world.hiders, (reach & placed[:, None]).any(-1))
