"""Turning vectors between the world's frame and a body's, from poses.

A pose is x, y, z, yaw: (..., 4). Where boxes tilt it is (..., 6) and ends with the angles about x and y. The rotation
is then Rx Ry Rz: by the yaw about z first, then about y, then about x, all three axes being the world's.
"""

from __future__ import annotations

import torch
from torch import Tensor

YAW, ABOUT_X, ABOUT_Y = 3, 4, 5
"""Columns of a pose."""


def rotate(vector: Tensor, yaw: Tensor) -> Tensor:
    """Turn vectors (..., 3) about z by ``yaw`` (...) radians. Both broadcast."""
    cos, sin = torch.cos(yaw), torch.sin(yaw)
    x, y, z = vector.unbind(-1)
    x, y = cos * x - sin * y, sin * x + cos * y
    return torch.stack([x, y, z.expand_as(x)], dim=-1)


def to_world(vector: Tensor, pose: Tensor) -> Tensor:
    """Turn vectors (..., 3) from the frame of bodies with poses (..., Q) into the world's frame."""
    turned = rotate(vector, pose[..., YAW])
    if pose.shape[-1] == 4:
        return turned
    return _about_x(_about_y(turned, pose[..., ABOUT_Y]), pose[..., ABOUT_X])


def to_body(vector: Tensor, pose: Tensor) -> Tensor:
    """Turn vectors (..., 3) from the world's frame into that of bodies with poses (..., Q)."""
    if pose.shape[-1] > 4:
        vector = _about_y(_about_x(vector, -pose[..., ABOUT_X]), -pose[..., ABOUT_Y])
    return rotate(vector, -pose[..., YAW])


def _about_x(vector: Tensor, angle: Tensor) -> Tensor:
    x, y, z = vector.unbind(-1)
    return rotate(torch.stack([y, z, x], dim=-1), angle).roll(1, dims=-1)


def _about_y(vector: Tensor, angle: Tensor) -> Tensor:
    x, y, z = vector.unbind(-1)
    return rotate(torch.stack([z, x, y], dim=-1), angle).roll(-1, dims=-1)


def tilt_seen_from(yaw: Tensor, pose: Tensor) -> Tensor:
    """Return how bodies with poses (..., 6) are tilted, in frames that are turned about z by ``yaw`` (...).

    Returns:
      (..., 4) unit quaternions w, x, y, z. A body's rotation relative to such a frame is this tilt after a turn about z
      by the difference of the yaws.
    """
    half_x, half_y = pose[..., ABOUT_X] / 2, pose[..., ABOUT_Y] / 2
    w = half_x.cos() * half_y.cos()
    axis = torch.stack([half_x.sin() * half_y.cos(), half_x.cos() * half_y.sin(), half_x.sin() * half_y.sin()], dim=-1)
    return torch.cat([w[..., None], rotate(axis, -yaw)], dim=-1)
