"""The quadrant's room: right of its vertical wall and below its horizontal one."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.layouts import Layout

OUTER_HEIGHT = 1.0
"""Metres: higher walls are the frame's."""


def in_room(layout: Layout, position: Tensor) -> Tensor:
    """Return (W, K) bool: which positions (W, K, 2) lie in the room of layouts of the quadrant."""
    walls = layout.walls
    inner = layout.wall_present & (walls[..., 4] < OUTER_HEIGHT)
    vertical = walls[..., 2] < walls[..., 3]
    x = torch.where(inner & vertical, walls[..., 0], torch.inf).amin(1)
    y = torch.where(inner & ~vertical, walls[..., 1], -torch.inf).amax(1)
    return (position[..., 0] > x[:, None]) & (position[..., 1] < y[:, None])
