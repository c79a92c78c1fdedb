"""Fetching an object, turning it and putting it somewhere: what blockers, climbers and thieves have in common.

Shapes: W worlds. One agent and one object in each, so K = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .situation import Situation, heading, towards, turn_between
from .steering import WITH_LOAD, Steering

_BESIDE = 0.42
"""Metres from an object's centre at which an agent grabs it."""
_FROM_WALLS = 0.22
"""Metres from the middle of the room's walls at which an agent in it can be."""
_AROUND = 0.8
"""Metres from an object's centre at which an agent walks around it."""
_CARRYING_SPEED = 6.0
"""Metres per second."""
_LINED_UP = 0.1
"""Metres beside the axis on which an object is moved to its goal."""
_LARGE_TURN = 0.5
"""Radians from which on an agent in the room turns only where there is room for it."""
_TURNING_ROOM = 0.75
"""Metres from the walls that it needs."""
_TURNED = 0.15
"""Radians by which it may be turned away from what it shall be."""


@dataclass
class Task:
    """What to carry where, in every world."""

    who: Tensor
    """(W, 1) agents."""
    what: Tensor
    """(W, 1) objects."""
    goal: Tensor
    """(W, 1, 2): where the object's centre shall be, metres."""
    axis: Tensor
    """(W, 1, 2): unit vector along which it gets there, from a free place before it."""
    yaw: Tensor | None
    """(W, 1) yaw that the object shall have; None: any by which its sides are along x and y."""
    stage: float = 0.95
    """Metres before the goal from where on it is moved along the axis."""
    either_way: bool = False
    """The agent may go first and pull; otherwise it pushes."""
    side: Tensor | None = None
    """(W, 1, 2): unit vector from the object to where it shall be grabbed; None: wherever the agent comes from."""


def held(world: Situation, task: Task) -> Tensor:
    """Return (W, 1) bool: the agent holds the object."""
    return world.state.grabs.holding[world.rows, task.who] == task.what


def carry(world: Situation, steer: Steering, task: Task, where: Tensor, stay: Tensor | bool = False) -> None:
    """Let agents fetch objects and bring them to their goals.

    Args:
      world: the situation.
      steer: is given what they do.
      task: who, what and where to.
      where: (W, 1) bool: in which worlds.
      stay: (W, 1) bool: where to wait before the last part of the way.
    """
    holds = held(world, task)
    _fetch(world, steer, task, where & ~holds)
    _bring(world, steer, task, where & holds, stay)


def _fetch(world: Situation, steer: Steering, task: Task, where: Tensor) -> None:
    """Walk up to the object and grab it."""
    here, there = world.position(task.who), world.position(world.entity(task.what))
    now = towards(there, here)
    side = now if task.side is None else task.side
    angle = torch.atan2(side[..., 1], side[..., 0]) - torch.atan2(now[..., 1], now[..., 0])
    angle = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
    on_the_side = angle.abs() < 0.6
    # On the wrong side it walks around, as far as an eighth of a turn at a time.
    corner = there + _AROUND * _rotate(now, angle.clamp(-math.pi / 4, math.pi / 4))
    target = torch.where(on_the_side[..., None], there + _BESIDE * side, corner)
    room = world.room
    target = torch.where(room.inside(there)[..., None], room.clamp(target, _FROM_WALLS), target)
    close = ((there - here).norm(dim=-1) < 1.2) & (room.inside(here) == room.inside(there))
    steer.go(task.who, torch.where(close[..., None], target, room.way(here, target)), where=where)
    steer.look(task.who, there, where=where)
    steer.grab(task.who, on_the_side & _nearest(world, task), where=where)


def _bring(world: Situation, steer: Steering, task: Task, where: Tensor, stay: Tensor | bool) -> None:
    """Turn the object and move it to its goal, by way of a place in front of it."""
    here, there = world.position(task.who), world.position(world.entity(task.what))
    turn = _turn(world, task, here, there)
    missing = task.goal - there
    along = (missing * task.axis).sum(-1)
    beside = (missing - along[..., None] * task.axis).norm(dim=-1)
    ready = (turn.abs() < _TURNED) & (beside < _LINED_UP) & (along > -0.3)
    stage = task.goal - task.stage * task.axis
    last = ready & ~torch.as_tensor(stay, device=ready.device)
    waypoint = torch.where(last[..., None], task.goal, world.room.way(there, stage))
    free = world.room.clamp(here, _TURNING_ROOM)
    cramped = (turn.abs() > _LARGE_TURN) & world.room.inside(here) & ((free - here).norm(dim=-1) > 0.1)
    steer.go(
        task.who, torch.where(cramped[..., None], free, here + waypoint - there), _CARRYING_SPEED, where, WITH_LOAD
    )
    steer.look(task.who, yaw=world.yaw(task.who) + turn * ~cramped, where=where)
    steer.grab(task.who, True, where)


def _turn(world: Situation, task: Task, here: Tensor, there: Tensor) -> Tensor:
    """Return the angle (W, 1) by which agent and object shall turn together."""
    yaw = world.yaw(world.entity(task.what))
    if task.yaw is not None:
        return turn_between(yaw, task.yaw)
    now = towards(here, there)
    wanted = task.axis
    if task.either_way:
        wanted = wanted * (1 - 2 * ((now * wanted).sum(-1, keepdim=True) < 0).float())
    turn = torch.atan2(wanted[..., 1], wanted[..., 0]) - torch.atan2(now[..., 1], now[..., 0])
    quarter = math.pi / 2
    askew = torch.remainder(yaw + turn + quarter / 2, quarter) - quarter / 2
    return torch.remainder(turn - askew + math.pi, 2 * math.pi) - math.pi


def _nearest(world: Situation, task: Task) -> Tensor:
    """Return (W, 1) bool: no other object is nearer to the agent, which would be held instead."""
    objects = torch.arange(world.scenario.num_objects, device=world.device)
    return world.distance(task.who, objects).argmin(-1) == task.what


def settled(world: Situation, objects: Tensor, goal: Tensor, tolerance: float = 0.12) -> Tensor:
    """Return (W, K) bool: objects (W, K) are where they shall be (W, K, 2), with their sides along x and y."""
    entity = world.entity(objects)
    near = (world.position(entity) - goal).norm(dim=-1) < tolerance
    quarter = math.pi / 2
    askew = torch.remainder(world.yaw(entity) + quarter / 2, quarter) - quarter / 2
    return near & (askew.abs() < 0.25)


def up(world: Situation, ramps: Tensor) -> Tensor:
    """Return the directions (W, K, 2) in which ramps, given as objects (W, K), lead up."""
    return heading(world.yaw(world.entity(ramps)))


def _rotate(vector: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    x, y = vector.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
