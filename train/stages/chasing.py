"""Chasing: a seeker that sees a hider runs at it."""

from __future__ import annotations

import torch
from torch import Tensor

from .enclosure import ALOFT
from .trace import Trace

FAR = 0.5
"""Metres: nearer than that a seeker has arrived, and how it moves says nothing."""
APPROACH = 1.5
"""Metres that a seeker must come nearer by its own movement, summed over the episode."""
STRAIGHTNESS = 0.5
"""Share of its path that must be approach."""


def chasing(trace: Trace) -> Tensor:
    """Return (W,) bool.

    Counted is the time between two live moments if it begins with the seeker on the floor and seeing a hider more than
    ``FAR`` away. The path, and the part of it that leads straight at the nearest such hider, are summed.
    """
    s, start = trace.scenario, trace.live_from
    seekers, hiders = trace.seekers[:, start:, :, :2], trace.hiders[:, start:-1, :, :2]
    moved = seekers[:, 1:] - seekers[:, :-1]
    offset = hiders[:, :, None] - seekers[:, :-1, :, None]
    distance = offset.norm(dim=-1)
    sees = trace.visible[:, start:-1, s.hiders : s.num_agents, : s.hiders] & (distance > FAR)
    nearest, index = torch.where(sees, distance, torch.inf).min(dim=-1)
    aim = offset.gather(3, index[..., None, None].expand(*index.shape, 1, 2))[..., 0, :]
    counted = nearest.isfinite() & (trace.seekers_bottom[:, start:-1] < ALOFT)
    direction = aim / aim.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    approach = ((moved * direction).sum(-1) * counted).sum(1)
    path = (moved.norm(dim=-1) * counted).sum(1)
    return ((approach >= APPROACH) & (approach >= STRAIGHTNESS * path)).any(-1)
