"""Shelters: hiders in a region that no seeker can walk into, because objects were moved there."""

from __future__ import annotations

import torch
from torch import Tensor

from .enclosure import Terrain
from .rooms import in_room
from .trace import Trace

LOOK_EVERY = 4
"""Steps between two looks."""
LASTING = 20
"""Live steps (1.5 s) that all hiders must be enclosed in a row."""


def shelter(trace: Trace) -> Tensor:
    """Return (W,) bool: all hiders that take part are enclosed for ``LASTING`` live steps in a row."""
    terrain = Terrain(trace)
    looks = [(terrain.enclosed(moment) | ~trace.hiders_present).all(-1) for moment in _looks(trace)]
    return lasting(torch.stack(looks, dim=1))


def door_blocking(trace: Trace) -> Tensor:
    """Return (W,) bool: all hiders that take part are enclosed in the room for ``LASTING`` live steps in a row."""
    terrain, absent = Terrain(trace), ~trace.hiders_present
    looks = [
        (terrain.enclosed(moment) & in_room(trace.layout, trace.hiders[:, moment, :, :2]) | absent).all(-1)
        for moment in _looks(trace)
    ]
    return lasting(torch.stack(looks, dim=1))


def _looks(trace: Trace) -> range:
    return range(trace.live_from, trace.pose.shape[1], LOOK_EVERY)


def lasting(holds: Tensor) -> Tensor:
    """Return (W,) bool: something holds (W, looks) at all looks of ``LASTING`` steps in a row, or of all there are."""
    length = min(LASTING // LOOK_EVERY + 1, holds.shape[1])
    return holds.unfold(1, length, 1).all(-1).any(1)
