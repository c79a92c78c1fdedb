"""Where mujoco_warp 4.0 loses too much to float32: what is computed differently here, and why.

These replace private parts of mujoco_warp, whose version is therefore pinned in pyproject.toml. Import this before
kernels are compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import warp as wp
from mujoco_warp._src import ray, solver


@wp.func
def ray_sphere(pos: wp.vec3, dist_sqr: float, pnt: wp.vec3, vec: wp.vec3) -> tuple[float, wp.vec3]:
    """Return the distance at which a ray meets a sphere, -1 if it does not, and the normal there.

    From the ray's nearest point to the centre. mujoco_warp's difference of squared distances misses by micrometres from
    a few metres away, so that rays that graze an agent hit or pass it differently from MuJoCo's.
    """
    offset = pnt - pos
    square = wp.dot(vec, vec)
    nearest = -wp.dot(vec, offset) / square
    aside = offset + nearest * vec
    depth = dist_sqr - wp.dot(aside, aside)
    if depth <= 0.0:
        return -1.0, wp.vec3()
    half = wp.sqrt(depth / square)
    distance = nearest - half
    if distance < 0.0:
        distance = nearest + half
    if distance < 0.0:
        return -1.0, wp.vec3()
    return distance, wp.normalize(offset + distance * vec)


ray.ray_sphere = ray_sphere  # Kernels look it up by name when they are compiled.


@contextmanager
def whole_hessians() -> Iterator[None]:
    """Make Newton's method add up its Hessian anew in every iteration, in the graphs that are captured meanwhile.

    mujoco_warp adds and subtracts the rows that changed. In float32 what remains of stiff rows (friction of 0.01 makes
    them 10,000 times stiffer) drowns the rest, and one world in some thousand steps ends in NaN (its issues 1415,
    1672).
    """
    incremental = solver._use_incremental
    solver._use_incremental = lambda model: False
    try:
        yield
    finally:
        solver._use_incremental = incremental
