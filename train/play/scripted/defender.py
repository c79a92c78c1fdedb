"""The defender: hiders bring the ramps into the room, then block its doors behind them."""

from __future__ import annotations

import torch
from torch import Tensor

from .blocker import block_doors, doors_blocked
from .ramp_thief import ramps_inside, steal_ramp
from .situation import Situation
from .steering import Steering


def defend_room(world: Situation, steer: Steering) -> None:
    """Let hiders steal ramps as long as seekers are frozen, and block the doors afterwards, with all ramps or not."""
    bring = Steering(world)
    steal_ramp(world, bring)
    block_doors(world, steer)
    stealing = ~ramps_inside(world) & ~world.live
    steer.actions = torch.where(stealing[:, None, None], bring.actions, steer.actions)


def room_defended(world: Situation) -> Tensor:
    """Return (W,) bool: all ramps are in the room, and a locked box stands in every door."""
    return ramps_inside(world) & doors_blocked(world)
