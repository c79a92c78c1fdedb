"""Marks in pictures: rods and balls that show what has no body, such as food, sites and who sees whom."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""


@dataclass(frozen=True)
class Line:
    """A thin rod between two points; a ball, or a cube, if they are the same."""

    start: NDArray[np.floating]
    """(3,) metres."""
    end: NDArray[np.floating]
    """(3,) metres."""
    radius: float
    """Metres."""
    colour: Colour
    glow: float = 0.5
    """0 to 1: how much it shines by itself."""
    cube: bool = False
    """A cube of twice ``radius`` in place of a ball."""
    carrier: int = -1
    """Entity that carries it: the points are relative to its centre. -1 for none."""

    def placed(self, pose: NDArray[np.floating]) -> Line:
        """Return it where it is in the world, given the poses (E, Q) of all entities."""
        if self.carrier < 0:
            return self
        centre = pose[self.carrier, :3]
        return replace(self, start=self.start + centre, end=self.end + centre, carrier=-1)


def ball(centre: NDArray[np.floating], radius: float, colour: Colour, glow: float = 0.2) -> Line:
    """Return a ball."""
    return Line(centre, centre, radius, colour, glow)


def cube(centre: NDArray[np.floating], side: float, colour: Colour, carrier: int = -1) -> Line:
    """Return a cube, whose centre is relative to an entity if one carries it."""
    return Line(centre, centre, side / 2, colour, 0.15, cube=True, carrier=carrier)


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
    point = mujoco.mjtGeom.mjGEOM_BOX if line.cube else mujoco.mjtGeom.mjGEOM_SPHERE
    kind = point if is_ball else mujoco.mjtGeom.mjGEOM_CAPSULE
    start, end = np.asarray(line.start, dtype=float), np.asarray(line.end, dtype=float)
    mujoco.mjv_initGeom(geom, kind, np.full(3, line.radius), start, np.eye(3).ravel(), rgba)
    if not is_ball:
        mujoco.mjv_connector(geom, kind, line.radius, start, end)
    geom.category = mujoco.mjtCatBit.mjCAT_DECOR
    geom.emission = line.glow
    scene.ngeom += 1
