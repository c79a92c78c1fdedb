"""Pictures of one world: MuJoCo's scene, coloured by who locked what, with lines for grabs and sight.

Shapes: E entities (A agents, B boxes, R ramps), O = B + R objects, H hiders, S seekers.
"""

from __future__ import annotations

import copy
import itertools
import math

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.errors import UserError
from envs.rendering.lighting import Lighting
from envs.rendering.lines import Line, add_line
from envs.rendering.opengl import make_context, no_opengl
from envs.scenarios import Scenario
from envs.scene import RAY_GROUPS, Scene

from ..play.moment import Moment
from .annotations import HIDER_COLOUR, SEEKER_COLOUR, DrawOptions, lidar_directions, lidar_lines, lines

CAMERAS = ("overview", "top", "follow", "first-person")
"""Where a world can be seen from; the last two look at, or through the eyes of, one agent."""
_LOCKED_BY_HIDERS = (0.45, 0.72, 1.0, 1.0)
_LOCKED_BY_SEEKERS = (1.0, 0.50, 0.46, 1.0)
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
_FOLLOW_DISTANCE, _FOLLOW_ELEVATION = 3.4, -32.0
"""Metres and degrees."""
_EYE_HEIGHT, _EYE_FORWARD, _EYE_FIELD = 0.06, 0.10, 84.0
"""Metres above and in front of an agent's centre; vertical field of view in degrees."""
_FIELD = 45.0


class WorldRenderer:
    """Draws the worlds of one scenario.

    Args:
      scene: the compiled scenario.
      width: of the picture, pixels.
      height: of the picture, pixels.

    Raises:
      UserError: there is no OpenGL.
    """

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        self._scene = scene
        self._scenario: Scenario = scene.scenario
        self._picture = np.zeros((height, width, 3), dtype=np.uint8)
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._geoms = mujoco.MjvScene(scene.model, maxgeom=_MAX_GEOMS)
        self._geoms.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._geom_of = _geoms_by_object(scene)
        self._gl = make_context(width, height)
        self.show(scene.model)
        try:
            with self._gl.current():
                self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
                mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        except mujoco.FatalError as error:  # Some backends only pretend to have made a context.
            raise no_opengl(str(error)) from error

    def show(self, model: mujoco.MjModel) -> None:
        """Draw this world from now on: ``model`` has its walls and sizes. It is copied."""
        self._model = copy.copy(model)
        visual = self._model.vis.global_
        visual.offwidth, visual.offheight = self._viewport.width, self._viewport.height
        self._data = mujoco.MjData(self._model)
        self._lighting = Lighting(self._model)
        outer = self._model.material("outer_wall").id
        walls = self._scene.wall_geom
        high = walls[
            (self._model.geom_matid[walls] == outer) & (self._model.geom_size[walls, 2] > _OUTER_WALL_SHOWN / 2)
        ]
        self._model.geom_size[high, 2] = _OUTER_WALL_SHOWN / 2
        self._model.body_pos[self._model.geom_bodyid[high], 2] = _OUTER_WALL_SHOWN / 2
        self._outer_walls = set(high.tolist())
        self._plain_rgba = self._model.geom_rgba.copy()

    def draw(self, moment: Moment, drawing: DrawOptions | None = None) -> NDArray[np.uint8]:
        """Return the picture of a moment, (height, width, 3).

        Raises:
          UserError: no such camera.
        """
        drawing = drawing or DrawOptions()
        self._colour(moment, drawing)
        self._data.qpos[:] = self._scene.qpos(moment.pose)
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        self._aim(moment, drawing)
        self._lighting.shine(moment.daylight)
        mujoco.mj_camlight(self._model, self._data)
        category = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, self._data, self._option, None, self._camera, category, self._geoms)
        self._soften_outer_walls()
        self._geoms.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = drawing.shadows
        self._add_marks(moment, drawing)
        with self._gl.current():
            mujoco.mjr_render(self._viewport, self._geoms, self._context)
            mujoco.mjr_readPixels(self._picture, None, self._viewport, self._context)
        return self._picture[::-1].copy()

    def _add_marks(self, moment: Moment, drawing: DrawOptions) -> None:
        chosen = range(self._scenario.num_agents) if drawing.agent is None else [drawing.agent]
        if drawing.cones:
            self._add_cones(moment, [agent for agent in chosen if moment.has(agent)])
        if drawing.lidar:
            for agent in [agent for agent in chosen if moment.has(agent)]:
                for line in lidar_lines(moment.pose[agent], self._lidar(moment.pose[agent], agent)):
                    add_line(self._geoms, line)
        for line in lines(moment, self._scenario, drawing):
            add_line(self._geoms, line)
        self._add_padlocks(moment)

    def pick(self, x: float, y: float) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Find what is at a place of the last picture.

        Args:
          x: 0 at the left edge, 1 at the right one.
          y: 0 at the upper edge, 1 at the lower one.

        Returns:
          Where the line of sight starts, its direction, and the entity that it meets first, -1 for none.
        """
        eyes = self._geoms.camera
        position = (np.array(eyes[0].pos) + np.array(eyes[1].pos)) / 2
        forward, up = np.array(eyes[0].forward, dtype=float), np.array(eyes[0].up, dtype=float)
        right = np.cross(forward, up)
        half_height = eyes[0].frustum_top / eyes[0].frustum_near
        half_width = half_height * self._viewport.width / self._viewport.height
        direction = forward + (2 * x - 1) * half_width * right + (1 - 2 * y) * half_height * up
        geom = np.full(1, -1, dtype=np.int32)
        groups = np.array([1, 1, 1, 0, 0, 0], dtype=np.uint8)
        mujoco.mj_ray(self._model, self._data, position.astype(float), direction, groups, 1, -1, geom, None)
        entity = int(self._scene.geom_entity[geom[0]]) if geom[0] >= 0 else -1
        return position.astype(float), direction, entity if entity < self._scene.num_entities else -1

    def close(self) -> None:
        """Free what OpenGL holds."""
        if not self._gl.forked:
            with self._gl.current():
                self._context.free()
        self._gl.free()

    # --- colours ---------------------------------------------------------------------------------------------------

    def _aim(self, moment: Moment, drawing: DrawOptions) -> None:
        """Point the camera."""
        if drawing.camera not in CAMERAS:
            raise UserError(f"unknown camera '{drawing.camera}'; choose {', '.join(CAMERAS[:-1])} or {CAMERAS[-1]}")
        camera, pose = self._camera, moment.pose[drawing.agent or 0]
        if drawing.camera in CAMERAS[:2]:
            camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
            camera.fixedcamid = self._model.camera(drawing.camera).id
            return
        camera.type = mujoco.mjtCamera.mjCAMERA_FREE
        heading = pose[3] - math.pi / 2
        camera.azimuth = math.degrees(heading)
        if drawing.camera == "follow":
            camera.lookat[:] = pose[:3]
            camera.distance, camera.elevation = _FOLLOW_DISTANCE, _FOLLOW_ELEVATION
            self._model.vis.global_.fovy = _FIELD
        else:
            ahead = np.array([math.cos(heading), math.sin(heading), 0.0])
            camera.lookat[:] = pose[:3] + (1.0 + _EYE_FORWARD) * ahead + [0.0, 0.0, _EYE_HEIGHT]
            camera.distance, camera.elevation = 1.0, 0.0
            self._model.vis.global_.fovy = _EYE_FIELD

    def _colour(self, moment: Moment, drawing: DrawOptions) -> None:
        """Colour what is locked, and hide whose eyes the camera looks through."""
        self._model.geom_rgba[:] = self._plain_rgba
        for obj in np.nonzero(moment.locked_by >= 0)[0]:
            hiders = moment.locked_by[obj] < self._scenario.hiders
            self._model.geom_rgba[self._geom_of[obj]] = _LOCKED_BY_HIDERS if hiders else _LOCKED_BY_SEEKERS
        if drawing.camera == CAMERAS[3]:
            own = self._model.geom_bodyid == self._scene.entity_body[drawing.agent or 0]
            self._model.geom_rgba[own, 3] = 0.0

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

    def _add_padlocks(self, moment: Moment) -> None:
        """Let a small padlock float over every locked object, turned to the camera."""
        eye = self._geoms.camera[0]
        up, back = np.array(eye.up, dtype=float), -np.array(eye.forward, dtype=float)
        right = np.cross(up, back)
        for obj in np.nonzero(moment.locked_by >= 0)[0]:
            pose = moment.pose[self._scenario.num_agents + obj]
            foot = pose[:3] + np.array([0.0, 0.0, self._half_height(int(obj)) + 0.05])
            facing = np.stack([right, up, back], axis=1)
            self._add(mujoco.mjtGeom.mjGEOM_BOX, _PADLOCK_BODY, foot + _PADLOCK_BODY[1] * up, facing, _PADLOCK_COLOUR)
            shackle = [foot + x * right + y * up for x, y in _PADLOCK_SHACKLE]
            for start, end in itertools.pairwise(shackle):
                add_line(self._geoms, Line(start, end, 0.018, _PADLOCK_COLOUR, glow=0.0))

    def _half_height(self, obj: int) -> float:
        """Return how far up a box reaches from its centre, metres; 0 for ramps and cylinders."""
        geom = self._geom_of[obj]
        up = np.abs(self._data.geom_xmat[geom].reshape(3, 3)[2])
        return float(up @ self._model.geom_size[geom]) if obj < self._scenario.max_boxes else 0.0

    def _add_cones(self, moment: Moment, agents: list[int]) -> None:
        """Cover the floor that agents have in view, as far as walls and objects let them see."""
        for agent in agents:
            colour = HIDER_COLOUR if agent < self._scenario.hiders else SEEKER_COLOUR
            outline = self._view_outline(moment.pose[agent], self._scene.entity_body[agent])
            centre = np.array([*moment.pose[agent, :2], 0.012 + 0.002 * agent])
            for a, b in itertools.pairwise(outline):
                self._add_triangle(centre, a, b, (*colour, 0.22))

    def _view_outline(self, pose: NDArray, body: int) -> NDArray:
        """Return the ends (N, 2) of the rays across an agent's vision cone, relative to it."""
        angle = pose[3] - math.pi / 2 + self._scenario.vision_angle * np.linspace(-0.5, 0.5, _CONE_RAYS)
        direction = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        return direction[:, :2] * self._cast(pose, body, direction, _CONE_RANGE)[:, None]

    def _lidar(self, pose: NDArray, agent: int) -> NDArray:
        """Return the distances (rays,) that an agent's lidar measures."""
        body, rays = self._scene.entity_body[agent], self._scenario.lidar_rays
        return self._cast(pose, body, lidar_directions(rays), self._scenario.lidar_range)

    def _cast(self, pose: NDArray, body: int, direction: NDArray, reach: float) -> NDArray:
        """Return how far (N,) rays from an agent's centre get in some directions (N, 3)."""
        count = len(direction)
        distance, geom = np.zeros(count), np.zeros(count, dtype=np.int32)
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
            count,
            max(reach, _CONE_RANGE),
        )
        distance[distance < 0] = reach
        return distance

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
