"""Builds the MJCF of a scenario once, at its largest counts, and resolves every name in it to an index once.

All moving bodies have the same four joints in the same order: x, y, z, yaw. Bodies come in entity order (agents, boxes,
ramps) and are placed at the world origin, so that ``qpos`` reshaped to (E, 4) is the true centre and yaw of every
entity. Boxes that tilt have two more hinges, about x and about y, before the yaw; ``joint_columns`` then says what is
where.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import mujoco
import numpy as np

from assets import ASSETS_PATH

from ..layouts import Layout, grown_kinds, max_walls
from ..scenario import Scenario
from .mjcf import to_text

AGENT_RADIUS = 0.15  # Metres.
RAMP_CENTRE_OF_MASS = (0.0, -0.25 / 3, -0.25 / 3)  # Metres, from the bounding box's centre, body frame.
RAMP_REACH_HALF_SIZE = (0.2357023, 0.25, 0.3535534)  # Metres; the cuboid that stands for a ramp in reach (rule 5.2).
FOOD_COLOURS = ((0.87, 0.20, 0.22, 1.0), (0.33, 0.72, 0.27, 1.0))
"""Fruit and greens."""
RAY_GROUPS = (1, 1, 0, 0, 0, 0)
"""Geom groups that rays can hit: 0 bodies, 1 walls. Group 2 is decoration."""
FREE_RANGE = 1e6
"""Joint range, metres or radians, of an object that is not locked."""
_JOINT = mujoco.mjtObj.mjOBJ_JOINT
_WELD = (*(0.0,) * 10, 1.0, 0.0)
"""A weld's data as MJCF's defaults say: anchor, relative pose (zeros: that of the start) and torque scale."""


@dataclass(frozen=True)
class Scene:
    """A compiled scene and its index tables. A agents, B boxes, R ramps, O = B + R, E = A + O, L wall slots."""

    scenario: Scenario
    model: mujoco.MjModel
    xml: str
    """The complete MJCF; opens in any MuJoCo viewer."""
    entity_body: np.ndarray
    """(E,) body id of each entity."""
    entity_joints: np.ndarray
    """(E, Q) joint ids: x, y, z, yaw, and where boxes tilt also the angles about x and y, -1 for who does not tilt.
    Each joint's qpos, dof and own id are equal."""
    joint_columns: np.ndarray
    """(nq,) where each joint is in the poses (E, Q) of all entities, flattened."""
    box_geom: np.ndarray
    """(B,) geom ids."""
    cylinder_geom: np.ndarray
    """(C,) geom ids of movable cylinders."""
    pillar_body: np.ndarray
    """(P,) body ids of fixed cylinders."""
    pillar_geom: np.ndarray
    """(P,) geom ids of fixed cylinders."""
    wall_body: np.ndarray
    """(L,) body ids."""
    wall_geom: np.ndarray
    """(L,) geom ids."""
    grab_weld: np.ndarray
    """(A, O) equality ids: agent holds object."""
    geom_entity: np.ndarray
    """(ngeom,) entity that a geom belongs to, E + i for fixed cylinder i, -1 for floor and walls."""

    @property
    def num_entities(self) -> int:
        """E."""
        return len(self.entity_body)

    def qpos(self, pose: np.ndarray) -> np.ndarray:
        """Return joint positions or velocities (..., nq) of poses or their velocities (..., E, Q)."""
        return pose.reshape(*pose.shape[:-2], -1)[..., self.joint_columns]


def build(scenario: Scenario, layout: Layout | None = None) -> Scene:
    """Assemble and compile the scene of a scenario.

    With a ``layout`` of one world, bodies, sizes and walls are written into the MJCF as that episode starts: such a
    scene is for looking at, not for the physics engines, which expect every body at the origin.
    """
    _log_warnings()
    root = _assemble(scenario)
    if layout is not None:
        _place(root, scenario, layout)
    return _resolve(scenario, root.compile(), to_text(root))


def _log_warnings() -> None:
    """Give MuJoCo's warnings to the logger ``mujoco``: by itself it writes MUJOCO_LOG.TXT into the current folder.

    A handler that is there stays.
    """
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(logging.getLogger("mujoco").warning)


def _fragment(name: str) -> mujoco.MjSpec:
    """Read a file of assets/."""
    return mujoco.MjSpec.from_file(str(ASSETS_PATH / f"{name}.xml"))


def _attach(root: mujoco.MjSpec, kind: str, index: int) -> mujoco.MjsBody:
    """Attach a fragment's body and all that belongs to it, such as ``box0/body`` inside a body ``box0/``; return it."""
    name = f"{kind}{index}/"
    frame = root.worldbody.add_body(name=name).add_frame()
    return frame.attach_body(_fragment(kind).body("body"), name, "")


def _assemble(s: Scenario) -> mujoco.MjSpec:
    root = _fragment("arena")
    root.modelname = s.name
    root.option.timestep = s.timestep
    root.option.gravity = (0, 0, -s.gravity)
    centre = s.floor_size / 2
    floor = root.geom("floor")
    floor.pos, floor.size = (centre, centre, 0), (centre, centre, 0.1)
    floor.friction = (s.floor_friction, 0.005, 0.0001)
    _add_cameras(root, s.floor_size)
    for i in range(max_walls(s)):
        _add_wall(root, i, s.wall_friction)
    for i in range(s.num_agents):
        _add_agent(root, s, i)
    for i in range(s.max_boxes):
        _add_box(root, s, i)
    for i in range(s.ramps):
        _attach(root, "ramp", i)
    for i in range(s.cylinders.movable):
        _attach(root, "cylinder", i)
        root.geom(f"cylinder{i}/cylinder").size = (s.cylinders.diameter[1] / 2, s.cylinders.height[1] / 2, 0)
    for i in range(s.cylinders.fixed):
        _add_pillar(root, s, i)
    _add_welds(root, s)
    if s.layout == "market":
        _attach(root, "campfire", 0)
        root.body("campfire0/").pos = (centre, centre, 0)
    return root


def _add_cameras(root: mujoco.MjSpec, floor_size: float) -> None:
    centre, unit = floor_size / 2, floor_size / 6.0
    elevation = math.radians(57)
    distance = 9.4 * unit
    root.worldbody.add_camera(
        name="overview",
        pos=(centre, centre - distance * math.cos(elevation), distance * math.sin(elevation)),
        xyaxes=(1, 0, 0, 0, math.sin(elevation), math.cos(elevation)),
        fovy=39.5,
    )
    root.worldbody.add_camera(
        name="top", pos=(centre, centre + 0.2 * unit, 9.4 * unit), xyaxes=(1, 0, 0, 0, 1, 0), fovy=42
    )


def _add_wall(root: mujoco.MjSpec, index: int, friction: float) -> None:
    body = root.worldbody.add_body(name=f"wall{index}", pos=(0, 0, -20 - index))
    body.add_geom(
        name=f"wall{index}",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(0.05, 0.05, 0.05),
        group=1,
        friction=(friction, 0.005, 0.0001),
        material="wall",
    )


def _add_pillar(root: mujoco.MjSpec, s: Scenario, index: int) -> None:
    """Add a fixed cylinder, at its largest until an episode gives its size. Its friction is MuJoCo's default, 1."""
    size = (s.cylinders.diameter[1] / 2, s.cylinders.height[1] / 2, 0)
    body = root.worldbody.add_body(name=f"pillar{index}", pos=(0, 0, -30 - index))
    body.add_geom(name=f"pillar{index}", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=size, group=1, material="wall")


def _add_agent(root: mujoco.MjSpec, s: Scenario, index: int) -> None:
    team = "hider" if index < s.hiders else "seeker"
    body = _attach(root, "agent", index)
    _paint(body, {"sphere": team, "arm": team, "eye": "eye_white", "pupil": "eye_pupil"})
    for ray in range(s.lidar_rays):
        angle = 2 * math.pi * ray / s.lidar_rays
        direction = (math.cos(angle), math.sin(angle), 0.0)
        site = body.add_site(name=f"agent{index}/lidar{ray}", zaxis=direction, rgba=(0, 0, 0, 0.2), group=4)
        site.size[0] = 0.002


_COLOURS = {
    "hider": (0.26, 0.72, 0.95, 1),
    "seeker": (0.93, 0.22, 0.20, 1),
    "eye_white": (1, 1, 1, 1),
    "eye_pupil": (0.08, 0.08, 0.1, 1),
}


def _paint(body: mujoco.MjsBody, colour_by_prefix: dict[str, str]) -> None:
    for geom in body.geoms:
        part = geom.name.split("/")[1]
        geom.rgba = next(_COLOURS[c] for prefix, c in colour_by_prefix.items() if part.startswith(prefix))


def _add_box(root: mujoco.MjSpec, s: Scenario, index: int) -> None:
    _attach(root, "box", index)
    geom = root.geom(f"box{index}/box")
    geom.friction = (s.box_friction, 0.005, 0.0001)
    if s.layout == "market":
        geom.rgba = FOOD_COLOURS[grown_kinds(s)[index]]
    if not s.tilting_boxes:
        root.delete(root.joint(f"box{index}/tilt_x"))
        root.delete(root.joint(f"box{index}/tilt_y"))


def _object_names(s: Scenario) -> list[str]:
    kinds = (("box", s.max_boxes), ("ramp", s.ramps), ("cylinder", s.cylinders.movable))
    return [f"{kind}{i}" for kind, number in kinds for i in range(number)]


def _add_welds(root: mujoco.MjSpec, s: Scenario) -> None:
    """One inactive weld per (agent, object) pair: an equality's bodies cannot differ between worlds on the GPU."""
    for agent in range(s.num_agents):
        for name in _object_names(s):
            root.add_equality(
                name=f"grab_agent{agent}_{name}",
                type=mujoco.mjtEq.mjEQ_WELD,
                objtype=mujoco.mjtObj.mjOBJ_BODY,
                name1=f"agent{agent}/body",
                name2=f"{name}/body",
                data=_WELD,
                active=False,
            )


def _place(root: mujoco.MjSpec, s: Scenario, layout: Layout) -> None:
    """Write an episode's start into the MJCF tree."""
    names = [f"agent{i}" for i in range(s.num_agents)] + _object_names(s)
    poses = layout.entity_pose[0]
    for name, pose in zip(names, poses.tolist(), strict=True):
        body = root.body(f"{name}/body")
        body.pos = pose[:3]
        body.alt.type, body.alt.euler = mujoco.mjtOrientation.mjORIENTATION_EULER, (0, 0, pose[3])
    for i in range(s.max_boxes):
        if layout.box_present[0, i]:
            root.geom(f"box{i}/box").size = layout.box_half_size[0, i].tolist()
            root.body(f"box{i}/body").gravcomp = 0
        else:
            _banish(root, i)
    for i, (x, y, half_x, half_y, height) in enumerate(layout.walls[0].tolist()):
        if layout.wall_present[0, i]:
            root.body(f"wall{i}").pos = (x, y, height / 2)
            geom = root.geom(f"wall{i}")
            geom.size = (half_x, half_y, height / 2)
            geom.material = "outer_wall" if layout.wall_is_outer[0, i] else "wall"
    _place_cylinders(root, layout)


def _place_cylinders(root: mujoco.MjSpec, layout: Layout) -> None:
    for i, (x, y, radius, height) in enumerate(layout.pillars[0].tolist()):
        root.body(f"pillar{i}").pos = (x, y, height / 2)
        root.geom(f"pillar{i}").size = (radius, height / 2, 0)
    for i, (radius, _, half_height) in enumerate(layout.cylinder_half_size[0].tolist()):
        root.geom(f"cylinder{i}/cylinder").size = (radius, half_height, 0)


def _banish(root: mujoco.MjSpec, index: int) -> None:
    """Keep an absent box out of sight and out of the way: below the floor, weightless, and without contacts."""
    root.body(f"box{index}/body").pos = (0, 0, -10 - index)
    geom = root.geom(f"box{index}/box")
    geom.contype, geom.conaffinity, geom.group = 0, 0, 5


def _resolve(s: Scenario, model: mujoco.MjModel, xml: str) -> Scene:
    names = [f"agent{i}" for i in range(s.num_agents)] + _object_names(s)
    entity_body = np.array([model.body(f"{name}/body").id for name in names])
    entity_joints, joint_columns = _joint_tables(s, model, names)
    walls, pillars = range(max_walls(s)), range(s.cylinders.fixed)
    pillar_body = np.array([model.body(f"pillar{i}").id for i in pillars], dtype=int)
    body_entity = np.full(model.nbody, -1)
    body_entity[entity_body] = np.arange(len(names))
    body_entity[pillar_body] = len(names) + np.arange(len(pillar_body))
    return Scene(
        scenario=s,
        model=model,
        xml=xml,
        entity_body=entity_body,
        entity_joints=entity_joints,
        joint_columns=joint_columns,
        box_geom=np.array([model.geom(f"box{i}/box").id for i in range(s.max_boxes)], dtype=int),
        cylinder_geom=np.array([model.geom(f"cylinder{i}/cylinder").id for i in range(s.cylinders.movable)], dtype=int),
        pillar_body=pillar_body,
        pillar_geom=np.array([model.geom(f"pillar{i}").id for i in pillars], dtype=int),
        wall_body=np.array([model.body(f"wall{i}").id for i in walls], dtype=int),
        wall_geom=np.array([model.geom(f"wall{i}").id for i in walls], dtype=int),
        grab_weld=np.array(
            [[model.equality(f"grab_agent{a}_{o}").id for o in _object_names(s)] for a in range(s.num_agents)],
            dtype=int,
        ).reshape(s.num_agents, s.num_objects),
        geom_entity=body_entity[model.geom_bodyid],
    )


def _joint_tables(s: Scenario, model: mujoco.MjModel, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return ``Scene.entity_joints`` and ``Scene.joint_columns``."""
    columns = ("x", "y", "z", "yaw", "tilt_x", "tilt_y")[: s.pose_size]
    entity_joints = np.array([[mujoco.mj_name2id(model, _JOINT, f"{n}/{c}") for c in columns] for n in names])
    joint_columns = np.nonzero(entity_joints.ravel() >= 0)[0]
    joint_columns = joint_columns[np.argsort(entity_joints.ravel()[joint_columns])]
    if not np.array_equal(entity_joints.ravel()[joint_columns], np.arange(model.nq)):
        raise AssertionError("every joint must be a column of some entity's pose")
    return entity_joints, joint_columns
