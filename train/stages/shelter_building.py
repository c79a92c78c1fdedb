"""Shelters: hiders in a region that no seeker can walk into, because objects were moved there."""

from __future__ import annotations

import torch
from torch import Tensor

from .enclosure import Terrain
from .rooms import in_room
from .trace import Trace

LOOK_EVERY = 0.3
"""Seconds between two looks."""
LASTING = 1.5
"""Live seconds that all hiders must be enclosed at a stretch."""
INTO = 0.3
"""Metres behind the middle of the room's walls from where on a seeker is in it, and no more in a doorway."""


def shelter(trace: Trace) -> Tensor:
    """Return (W,) bool: all hiders that take part are enclosed for ``LASTING`` live seconds at a stretch."""
    terrain = Terrain(trace)
    looks = [(terrain.enclosed(moment) | ~trace.hiders_present).all(-1) for moment in _looks(trace)]
    return lasting(torch.stack(looks, dim=1), _stretch(trace))


def door_blocking(trace: Trace) -> Tensor:
    """Return (W,) bool: all that take part are enclosed in the room, and no seeker can walk into it, as long.

    A hider behind a box in a corner of the room, with the door open, is none: that is a shelter.
    """
    terrain, absent = Terrain(trace), ~trace.hiders_present
    deep = _deep_in_room(terrain)
    looks = []
    for moment in _looks(trace):
        inside = in_room(trace.layout, trace.hiders[:, moment, :, :2])
        closed = (terrain.enclosed(moment) & inside | absent).all(-1)
        if closed.any():
            closed &= ~(terrain.reached(moment) & deep).flatten(1).any(1)
        looks.append(closed)
    return lasting(torch.stack(looks, dim=1), _stretch(trace))


def _deep_in_room(terrain: Terrain) -> Tensor:
    """Return (W, G, G) bool: the cells in the room that are ``INTO`` or farther from its walls."""
    centres, layout = terrain.ground.centres(), terrain.trace.layout
    shifted = centres.flatten(0, 1) + torch.tensor([-INTO, INTO])
    deep = in_room(layout, shifted.expand(len(layout.walls), -1, -1)).unflatten(1, centres.shape[:2])
    return deep & ((centres > 0) & (centres < terrain.trace.scenario.floor_size)).all(-1)


def _looks(trace: Trace) -> range:
    return range(trace.live_from, trace.pose.shape[1], trace.moments(LOOK_EVERY))


def _stretch(trace: Trace) -> int:
    """Return the looks, at both ends as well, that a stretch of ``LASTING`` has."""
    return -(-trace.moments(LASTING) // trace.moments(LOOK_EVERY)) + 1


def lasting(holds: Tensor, looks: int) -> Tensor:
    """Return (W,) bool: something holds (W, all looks) at some ``looks`` in a row, or at all there are if fewer."""
    return holds.unfold(1, min(looks, holds.shape[1]), 1).all(-1).any(1)
