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


def shelter(trace: Trace) -> Tensor:
    """Return (W,) bool: all hiders that take part are enclosed for ``LASTING`` live seconds at a stretch."""
    terrain = Terrain(trace)
    looks = [(terrain.enclosed(moment) | ~trace.hiders_present).all(-1) for moment in _looks(trace)]
    return lasting(torch.stack(looks, dim=1), _stretch(trace))


def door_blocking(trace: Trace) -> Tensor:
    """Return (W,) bool: all that take part are enclosed in the room for ``LASTING`` live seconds at a stretch."""
    terrain, absent = Terrain(trace), ~trace.hiders_present
    looks = [
        (terrain.enclosed(moment) & in_room(trace.layout, trace.hiders[:, moment, :, :2]) | absent).all(-1)
        for moment in _looks(trace)
    ]
    return lasting(torch.stack(looks, dim=1), _stretch(trace))


def _looks(trace: Trace) -> range:
    return range(trace.live_from, trace.pose.shape[1], trace.moments(LOOK_EVERY))


def _stretch(trace: Trace) -> int:
    """Return the looks, at both ends as well, that a stretch of ``LASTING`` has."""
    return -(-trace.moments(LASTING) // trace.moments(LOOK_EVERY)) + 1


def lasting(holds: Tensor, looks: int) -> Tensor:
    """Return (W,) bool: something holds (W, all looks) at some ``looks`` in a row, or at all there are if fewer."""
    return holds.unfold(1, min(looks, holds.shape[1]), 1).all(-1).any(1)
