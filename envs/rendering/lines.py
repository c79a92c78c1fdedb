"""Marks in pictures: rods and balls that show what has no body, such as food, sites and who sees whom."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""


@dataclass(frozen=True)
class Line:
    """A thin rod between two points; a ball if they are the same."""

    start: NDArray[np.floating]
    """(3,) metres."""
    end: NDArray[np.floating]
    """(3,) metres."""
    radius: float
    """Metres."""
    colour: Colour
    glow: float = 0.5
    """0 to 1: how much it shines by itself."""


def ball(centre: NDArray[np.floating], radius: float, colour: Colour, glow: float = 0.2) -> Line:
    """Return a ball."""
    return Line(centre, centre, radius, colour, glow)


def outline(corners: NDArray[np.floating], radius: float, colour: Colour, glow: float = 0.5) -> list[Line]:
    """Return the rods around corners (N, 3), in their order and back to the first."""
    closed = np.concatenate([corners, corners[:1]])
    return [Line(a, b, radius, colour, glow) for a, b in itertools.pairwise(closed)]


def circle(centre: NDArray[np.floating], size: float, radius: float, colour: Colour, corners: int = 20) -> list[Line]:
    """Return a level ring of ``size`` metres from its centre (3,) to its rods."""
    angle = 2 * math.pi * np.arange(corners) / corners
    around = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    return outline(centre + size * around, radius, colour)


def add_line(scene: mujoco.MjvScene, line: Line) -> None:
    """Append a line to what is drawn. Nothing happens if the scene is full."""
    if scene.ngeom >= scene.maxgeom:
        return
    geom = scene.geoms[scene.ngeom]
    rgba = np.array(line.colour, dtype=np.float32)
    is_ball = np.array_equal(line.start, line.end)
    kind = mujoco.mjtGeom.mjGEOM_SPHERE if is_ball else mujoco.mjtGeom.mjGEOM_CAPSULE
    start, end = np.asarray(line.start, dtype=float), np.asarray(line.end, dtype=float)
    mujoco.mjv_initGeom(geom, kind, np.full(3, line.radius), start, np.eye(3).ravel(), rgba)
    if not is_ball:
        mujoco.mjv_connector(geom, kind, line.radius, start, end)
    geom.category = mujoco.mjtCatBit.mjCAT_DECOR
    geom.emission = line.glow
    scene.ngeom += 1
