"""Box surfing: a seeker stands on a box, holds it, and drives it about. And the defence: no box is left to drive."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.scene import AGENT_RADIUS

from .ground import distance_to_rectangle
from .trace import Trace

ON_TOP = 0.1
"""Metres that a seeker's lowest point may be below the box's top, and its centre beside the box."""
RIDE = 1.0
"""Metres that a box must be carried away by the seeker on top of it."""


def box_surfing(trace: Trace) -> Tensor:
    """Return (W,) bool.

    Counted is the time between two live moments if a seeker holds a box and stands on it at both. The moves of that box
    then are summed as vectors; the sum must get ``RIDE`` long.
    """
    s, start = trace.scenario, trace.live_from
    boxes = trace.objects[:, start:, : s.max_boxes]
    on_top = _on_top(trace, boxes, start)
    held = trace.holding[:, start + 1 :, s.hiders :, None] == torch.arange(s.max_boxes)
    riding = on_top[:, 1:] & on_top[:, :-1] & held
    move = (boxes[:, 1:, :, :2] - boxes[:, :-1, :, :2])[:, :, None]
    ride = (move * riding[..., None]).cumsum(1).norm(dim=-1)
    return (ride >= RIDE).flatten(1).any(1)


def _on_top(trace: Trace, boxes: Tensor, start: int) -> Tensor:
    """Return (W, moments, S, B) bool: which seeker stands on which box (W, moments, B, 4)."""
    seekers = trace.seekers[:, start:, :, None]
    half_size = trace.layout.box_half_size[:, None, None]
    beside = distance_to_rectangle(
        seekers[..., :2] - boxes[:, :, None, :, :2], half_size[..., :2], boxes[:, :, None, :, 3]
    )
    above = seekers[..., 2] - AGENT_RADIUS - (boxes[:, :, None, :, 2] + half_size[..., 2])
    return (beside < ON_TOP) & (above > -ON_TOP) & trace.layout.box_present[:, None, None]


def surf_defence(trace: Trace) -> Tensor:
    """Return (W,) bool: there are boxes, and all of them are locked when the preparation phase ends."""
    present = trace.layout.box_present
    locked = trace.locked[:, trace.live_from, : trace.scenario.max_boxes]
    return (locked | ~present).all(-1) & present.any(-1)
