"""Pictures of one world: MuJoCo's scene, coloured by who locked what, with lines for grabs and sight.

Shapes: E entities (A agents, B boxes, R ramps), O = B + R objects, H hiders, S seekers.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.errors import UserError
from envs.scenarios import Scenario
from envs.scene import RAY_GROUPS, Scene

from .opengl import make_context, no_opengl

CAMERAS = ("overview", "top")
"""Cameras that every scenario has."""
HIDER_COLOUR = (0.26, 0.62, 0.95)
SEEKER_COLOUR = (0.93, 0.25, 0.22)
_LOCKED_BY_HIDERS = (0.45, 0.72, 1.0, 1.0)
_LOCKED_BY_SEEKERS = (1.0, 0.50, 0.46, 1.0)
_GRAB_COLOUR = (0.30, 0.72, 0.42, 1.0)
_PADLOCK_COLOUR = (0.22, 0.24, 0.28, 1.0)
_PADLOCK_BODY = np.array([0.10, 0.075, 0.03])
"""Half size, metres: right, up and towards the camera."""
_PADLOCK_SHACKLE = ((-0.06, 0.14), (-0.06, 0.22), (-0.03, 0.26), (0.03, 0.26), (0.06, 0.22), (0.06, 0.14))
"""Corners, metres: right and up from the padlock's foot."""
_OUTER_WALL_SHOWN = 0.5
"""Metres of the 4 m outer walls that are drawn; whole ones would tint everything behind them."""
_CONE_RAYS = 48
_CONE_RANGE = 12.0
"""Metres to which a vision cone is drawn."""
_MAX_GEOMS = 4000


@dataclass
class Moment:
    """What is shown of a world at one time."""

    pose: NDArray[np.float64]
    """(E, 4) x, y, z, yaw."""
    holding: NDArray[np.int64]
    """(A,) object index or -1."""
    locked_by: NDArray[np.int64]
    """(O,) agent that locked the object, -1 if it is not locked."""
    sees: NDArray[np.bool_]
    """(S, H) which seeker sees which hider; all False in the preparation phase."""


class WorldRenderer:
    """Draws the worlds of one scenario.

    Args:
      scene: the compiled scenario.
      width: of the picture, pixels.
      height: of the picture, pixels.
      camera: one of ``CAMERAS``.
      cones: colour the floor that every agent has in view.

    Raises:
      UserError: there is no OpenGL, or no such camera.
    """

    def __init__(self, scene: Scene, width: int, height: int, camera: str = CAMERAS[0], cones: bool = False) -> None:
        if camera not in CAMERAS:
            raise UserError(f"unknown camera '{camera}'; choose {' or '.join(CAMERAS)}")
        self._scene = scene
        self._scenario: Scenario = scene.scenario
        self._cones = cones
        self._picture = np.zeros((height, width, 3), dtype=np.uint8)
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._geoms = mujoco.MjvScene(scene.model, maxgeom=_MAX_GEOMS)
        self._geoms.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = scene.model.camera(camera).id
        self._geom_of = _geoms_by_object(scene)
        self._gl = make_context(width, height)
        self.show(scene.model)
        try:
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except mujoco.FatalError as error:  # Some backends only pretend to have made a context.
            raise no_opengl(str(error)) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def show(self, model: mujoco.MjModel) -> None:
        """Draw this world from now on: ``model`` has its walls and sizes. It is copied."""
        self._model = copy.copy(model)
        visual = self._model.vis.global_
        visual.offwidth, visual.offheight = self._viewport.width, self._viewport.height
        self._data = mujoco.MjData(self._model)
        outer = self._model.material("outer_wall").id
        walls = self._scene.wall_geom
        high = walls[
            (self._model.geom_matid[walls] == outer) & (self._model.geom_size[walls, 2] > _OUTER_WALL_SHOWN / 2)
        ]
        self._model.geom_size[high, 2] = _OUTER_WALL_SHOWN / 2
        self._model.body_pos[self._model.geom_bodyid[high], 2] = _OUTER_WALL_SHOWN / 2
        self._outer_walls = set(high.tolist())
        self._plain_rgba = self._model.geom_rgba.copy()

    def draw(self, moment: Moment) -> NDArray[np.uint8]:
        """Return the picture of a moment, (height, width, 3)."""
        self._colour_locks(moment)
        self._data.qpos[:] = moment.pose.ravel()
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        category = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, self._data, self._option, None, self._camera, category, self._geoms)
        self._soften_outer_walls()
        if self._cones:
            self._add_cones(moment)
        self._add_grabs(moment)
        self._add_padlocks(moment)
        self._add_sight(moment)
        self._gl.make_current()
        mujoco.mjr_render(self._viewport, self._geoms, self._context)
        mujoco.mjr_readPixels(self._picture, None, self._viewport, self._context)
        return self._picture[::-1].copy()

    def close(self) -> None:
        """Free what OpenGL holds."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    # --- colours ---------------------------------------------------------------------------------------------------

    def _colour_locks(self, moment: Moment) -> None:
        self._model.geom_rgba[:] = self._plain_rgba
        for obj in np.nonzero(moment.locked_by >= 0)[0]:
            hiders = moment.locked_by[obj] < self._scenario.hiders
            self._model.geom_rgba[self._geom_of[obj]] = _LOCKED_BY_HIDERS if hiders else _LOCKED_BY_SEEKERS

    def _soften_outer_walls(self) -> None:
        """Draw the outer walls as decoration, which throws no shadow."""
        for geom in self._geoms.geoms[: self._geoms.ngeom]:
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.objid in self._outer_walls:
                geom.category = mujoco.mjtCatBit.mjCAT_DECOR

    # --- additions -------------------------------------------------------------------------------------------------

    def _add(self, kind: int, size: NDArray, position: NDArray, rotation: NDArray, rgba: tuple) -> mujoco.MjvGeom:
        """Append a decoration to the scene."""
        index = min(self._geoms.ngeom, _MAX_GEOMS - 1)
        geom = self._geoms.geoms[index]
        mujoco.mjv_initGeom(geom, kind, size, position, rotation.ravel(), np.array(rgba, dtype=np.float32))
        geom.category = mujoco.mjtCatBit.mjCAT_DECOR
        self._geoms.ngeom = index + 1
        return geom

    def _add_capsule(self, start: NDArray, end: NDArray, radius: float, rgba: tuple, glow: float = 0.5) -> None:
        geom = self._add(mujoco.mjtGeom.mjGEOM_CAPSULE, np.zeros(3), start, np.eye(3), rgba)
        mujoco.mjv_connector(geom, mujoco.mjtGeom.mjGEOM_CAPSULE, radius, start, end)
        geom.emission = glow

    def _add_sight(self, moment: Moment) -> None:
        """Connect every seeker with the hiders it sees."""
        for seeker, hider in np.argwhere(moment.sees):
            start = moment.pose[self._scenario.hiders + seeker, :3]
            self._add_capsule(start, moment.pose[hider, :3], 0.014, (*SEEKER_COLOUR, 0.9), glow=0.8)

    def _add_grabs(self, moment: Moment) -> None:
        """Connect every agent with what it holds."""
        agents = self._scenario.num_agents
        for agent in np.nonzero(moment.holding >= 0)[0]:
            start, end = moment.pose[agent, :3], moment.pose[agents + moment.holding[agent], :3]
            self._add_capsule(start, end, 0.03, _GRAB_COLOUR, glow=0.2)

    def _add_padlocks(self, moment: Moment) -> None:
        """Let a small padlock float over every locked object, turned to the camera."""
        right, up, back = self._data.cam_xmat[self._camera.fixedcamid].reshape(3, 3).T
        for obj in np.nonzero(moment.locked_by >= 0)[0]:
            pose = moment.pose[self._scenario.num_agents + obj]
            foot = pose[:3] + np.array([0.0, 0.0, self._half_height(int(obj)) + 0.05])
            facing = np.stack([right, up, back], axis=1)
            self._add(mujoco.mjtGeom.mjGEOM_BOX, _PADLOCK_BODY, foot + _PADLOCK_BODY[1] * up, facing, _PADLOCK_COLOUR)
            shackle = [foot + x * right + y * up for x, y in _PADLOCK_SHACKLE]
            for start, end in itertools.pairwise(shackle):
                self._add_capsule(start, end, 0.018, _PADLOCK_COLOUR, glow=0.0)

    def _half_height(self, obj: int) -> float:
        return float(self._model.geom_size[self._geom_of[obj], 2]) if obj < self._scenario.max_boxes else 0.0

    def _add_cones(self, moment: Moment) -> None:
        """Cover the floor that every agent has in view, as far as walls and objects let it see."""
        for agent in range(self._scenario.num_agents):
            colour = HIDER_COLOUR if agent < self._scenario.hiders else SEEKER_COLOUR
            outline = self._view_outline(moment.pose[agent], self._scene.entity_body[agent])
            centre = np.array([*moment.pose[agent, :2], 0.012 + 0.002 * agent])
            for a, b in itertools.pairwise(outline):
                self._add_triangle(centre, a, b, (*colour, 0.22))

    def _view_outline(self, pose: NDArray, body: int) -> NDArray:
        """Return the ends (N, 2) of the rays across an agent's vision cone, relative to it."""
        angle = pose[3] - math.pi / 2 + self._scenario.vision_angle * np.linspace(-0.5, 0.5, _CONE_RAYS)
        direction = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        distance, geom = np.zeros(_CONE_RAYS), np.zeros(_CONE_RAYS, dtype=np.int32)
        groups = np.array(RAY_GROUPS, dtype=np.uint8)
        mujoco.mj_multiRay(
            self._model,
            self._data,
            pose[:3],
            direction.ravel(),
            groups,
            True,
            int(body),
            geom,
            distance,
            None,
            _CONE_RAYS,
            _CONE_RANGE,
        )
        distance[distance < 0] = _CONE_RANGE
        return direction[:, :2] * distance[:, None]

    def _add_triangle(self, centre: NDArray, a: NDArray, b: NDArray, rgba: tuple) -> None:
        """Add a flat triangle between ``centre`` and the points ``a`` and ``b`` relative to it."""
        edges = np.eye(3)
        edges[:2, 0], edges[:2, 1] = a, b
        geom = self._add(mujoco.mjtGeom.mjGEOM_TRIANGLE, np.ones(3), centre, edges, rgba)
        geom.emission = 0.6


def _geoms_by_object(scene: Scene) -> list[int]:
    """Return the geom id of every object: boxes, then ramps."""
    agents = scene.scenario.num_agents
    return [int(scene.model.body_geomadr[body]) for body in scene.entity_body[agents:]]


def between(start: Moment, end: Moment, share: float) -> Moment:
    """Return the moment a share of the way from ``start`` to ``end``.

    Bodies are on their way; grabs and locks are those of ``end``, because they are decided before bodies move; sight is that
    of ``start`` until ``end`` is reached.
    """
    if share >= 1.0:
        return end
    return Moment(
        pose=(1.0 - share) * start.pose + share * end.pose,
        holding=end.holding,
        locked_by=end.locked_by,
        sees=start.sees,
    )
