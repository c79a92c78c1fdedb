"""Ramp defence: when the preparation phase ends, no ramp is left for the seekers."""

from __future__ import annotations

import torch
from torch import Tensor

from .enclosure import CARRIED, Terrain, object_rectangles
from .ground import CLEARANCE
from .rooms import in_room
from .shelter_building import LASTING
from .trace import Trace

AT_HAND = CLEARANCE + 0.075
"""Metres: a seeker that gets to a free cell within this distance of a ramp gets to the ramp. Cells behind a wall that
the ramp touches are farther away."""


def ramp_defence(trace: Trace) -> Tensor:
    """Return (W,) bool: every ramp is locked or out of reach, and hiders have seen to at least one of them.

    So it is when the preparation phase ends, and still ``LASTING`` live seconds later.
    """
    return _at_both_ends(trace, room=False)


def ramp_defence_in_room(trace: Trace) -> Tensor:
    """Return (W,) bool: the same in the quadrant, where a ramp that was brought into the room counts too."""
    return _at_both_ends(trace, room=True)


def _at_both_ends(trace: Trace, room: bool) -> Tensor:
    terrain = Terrain(trace)
    later = min(trace.live_from + trace.moments(LASTING), trace.pose.shape[1] - 1)
    return _defended(terrain, trace.live_from, room) & _defended(terrain, later, room)


def _defended(terrain: Terrain, moment: int, room: bool) -> Tensor:
    """Return (W,) bool: no ramp is left at a moment."""
    trace = terrain.trace
    ramps = trace.objects[:, :, trace.ramps, :2]
    locked = trace.locked[:, moment, trace.ramps]
    handled = locked | ((ramps[:, moment] - ramps[:, 0]).norm(dim=-1) > CARRIED)
    safe = locked | ~_within_reach(terrain, moment)
    if room:
        safe |= handled & in_room(trace.layout, ramps[:, moment]) & ~in_room(trace.layout, ramps[:, 0])
    return safe.all(-1) & (safe & handled).any(-1)


def _within_reach(terrain: Terrain, moment: int) -> Tensor:
    """Return (W, R) bool: ramps that a seeker can walk up to."""
    reached = terrain.reached(moment)
    rectangles = object_rectangles(terrain.trace, moment)[:, terrain.trace.ramps]
    found = []
    for ramp in range(rectangles.shape[1]):
        around = terrain.ground.empty(len(reached))
        one = rectangles[:, ramp : ramp + 1]
        terrain.ground.block(around, one, torch.ones_like(one[..., 0], dtype=torch.bool), AT_HAND)
        found.append((around & reached).flatten(1).any(1))
    return torch.stack(found, dim=1)
