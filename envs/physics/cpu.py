"""The CPU engine: W worlds on a thread pool by ``mujoco.batch``."""

from __future__ import annotations

import copy
import os

import mujoco
import numpy as np
import torch
from mujoco.batch import Batch
from torch import Tensor

from ..layouts import Layout
from ..scene.scene import FREE_RANGE, RAY_GROUPS, Scene
from .engine import MAX_SPEED, PhysicsEngine, parking_place, start_pose
from .forks import leave_to_parent

PER_WORLD_FIELDS = (
    "geom_size",
    "geom_matid",
    "body_pos",
    "body_inertia",
    "body_gravcomp",
    "jnt_range",
    "eq_data",
)
"""Model fields that differ between worlds."""
_TIMES_Z = np.array((-1.0, 1.0, -1.0, 1.0))
"""A quaternion w, x, y, z times the unit z is z, y, x, w times this."""
_SLEEP = int(mujoco.mjtEnableBit.mjENBL_SLEEP)
_FREE = np.array((-FREE_RANGE, FREE_RANGE))
DIVERGENCE_WARNINGS = slice(int(mujoco.mjtWarning.mjWARN_BADQPOS), int(mujoco.mjtWarning.mjWARN_BADQACC) + 1)
"""Bad positions, velocities and accelerations, which MuJoCo counts side by side."""


class CpuEngine(PhysicsEngine):
    """MuJoCo in C on ``threads`` threads (0: one per core). Bit-identical at any thread count, and after a fork."""

    queues = False

    def __init__(self, scene: Scene, num_worlds: int, threads: int = 0) -> None:
        self.scene = scene
        self.num_worlds = num_worlds
        self.device = torch.device("cpu")
        scenario = scene.scenario
        self._agents, self._entities = scenario.num_agents, scene.num_entities
        self._threads = threads
        self._bind()
        self._every_world, self._every_agent = np.arange(num_worlds)[:, None], np.arange(self._agents)
        self._every_object = np.arange(scenario.num_objects)
        self._parking_place = parking_place(scene).double().numpy()
        self._parked = np.zeros((num_worlds, self._entities), dtype=bool)
        self._entity_body = np.append(scene.entity_body, -1).astype(np.int32)
        self._geom_entity = np.append(scene.geom_entity, -1)  # A miss is geom -1: the appended row.
        self._materials = (scene.model.material("wall").id, scene.model.material("outer_wall").id)
        self._warnings_seen = self._divergence_warnings()
        self._diverged = torch.zeros(num_worlds, dtype=torch.bool)

    def _bind(self) -> None:
        """Start the threads, and look up where everything is in their memory."""
        scene, scenario, num_worlds = self.scene, self.scene.scenario, self.num_worlds
        self._process = os.getpid()
        model = copy.copy(scene.model)
        model.opt.enableflags |= _SLEEP
        self._batch = Batch(model, num_worlds, nthread=self._threads, persistent=True)
        leave_to_parent(self._batch)
        self._model = {name: self._batch.expand(name) for name in PER_WORLD_FIELDS}
        self._model["eq_data"][..., 3:] = 0.0
        self._model["eq_data"][..., :3] = 0.0
        self._model["eq_data"][..., 6] = 1.0  # Identity quaternion until something is grabbed.
        self._model["eq_data"][..., 10] = 1.0  # Torque scale.
        self._qpos = self._batch.bind("qpos")
        self._qvel = self._batch.bind("qvel")
        self._slides = scene.entity_joints[:, :3].ravel()
        self._ctrl = self._batch.bind("ctrl").reshape(num_worlds, self._agents, 3)
        self._eq_active = self._batch.bind("eq_active")
        self._object_range = self._model["jnt_range"][:, 4 * self._agents :]
        self._object_columns = scene.joint_columns[4 * self._agents :] - scenario.pose_size * self._agents
        self._joint_object = self._object_columns // scenario.pose_size

    def _survive_fork(self) -> None:
        """In a forked process, go on with threads of its own: those that it would wait for stayed with the parent."""
        if os.getpid() != self._process:
            state, diverged = self._arrays(), self._diverged
            self._bind()
            self._load(state)
            self._diverged = diverged

    @property
    def pose(self) -> Tensor:
        """(W, E, Q) float32 copy."""
        return self._by_entity(self._qpos)

    @property
    def velocity(self) -> Tensor:
        """(W, E, Q) float32 copy."""
        return self._by_entity(self._qvel)

    def _by_entity(self, joints: np.ndarray) -> Tensor:
        values = np.zeros((self.num_worlds, *self.scene.entity_joints.shape), dtype=np.float32)
        values.reshape(self.num_worlds, -1)[:, self.scene.joint_columns] = joints
        return torch.from_numpy(values)

    @property
    def diverged(self) -> Tensor:
        """(W,) bool."""
        return self._diverged

    @property
    def walls(self) -> Tensor:
        """See PhysicsEngine.walls."""
        centre = self._model["body_pos"][:, self.scene.wall_body]
        size = self._model["geom_size"][:, self.scene.wall_geom]
        return torch.from_numpy(np.concatenate([centre, size], axis=-1, dtype=np.float32))

    def begin(self, chosen: Tensor, layout: Layout) -> None:
        """See PhysicsEngine.begin."""
        self._survive_fork()
        worlds = chosen.nonzero()[:, 0]
        ids, layout = worlds.numpy().astype(np.int32), layout.select(worlds)
        self._write_walls(ids, layout)
        self._write_boxes(ids, layout)
        if len(self.scene.pillar_geom):
            self._write_pillars(ids, layout)
        if len(self.scene.cylinder_geom):
            self._write_cylinders(ids, layout)
        self._write_parking(ids, layout)
        self._object_range[ids] = _FREE
        self._diverged = self._diverged & ~chosen  # A new tensor: the old one was handed out.
        self._batch.set_const(ids)
        self._batch.reset(ids, stage=mujoco.mjtStage.mjSTAGE_NONE)
        poses = start_pose(self.scene, layout)
        self._write_bodies(ids, poses, torch.zeros_like(poses))
        self._warnings_seen[ids] = self._divergence_warnings()[ids]

    def _write_walls(self, ids: np.ndarray, layout: Layout) -> None:
        walls, present = layout.walls.numpy(), layout.wall_present.numpy()
        height = np.where(present, walls[..., 4], 0.1)
        position = np.stack([walls[..., 0], walls[..., 1], height / 2], axis=-1)
        hidden = self.scene.model.body_pos[self.scene.wall_body]
        size = np.stack([walls[..., 2], walls[..., 3], height / 2], axis=-1)
        self._model["body_pos"][ids[:, None], self.scene.wall_body] = np.where(present[..., None], position, hidden)
        self._model["geom_size"][ids[:, None], self.scene.wall_geom] = np.where(present[..., None], size, 0.05)
        material = np.where(layout.wall_is_outer.numpy(), self._materials[1], self._materials[0])
        self._model["geom_matid"][ids[:, None], self.scene.wall_geom] = material

    def _write_boxes(self, ids: np.ndarray, layout: Layout) -> None:
        if not len(self.scene.box_geom):
            return
        half = np.where(layout.box_present.numpy()[..., None], layout.box_half_size.numpy(), 0.25)
        squares = half**2
        inertia = (squares.sum(-1, keepdims=True) - squares) / 3  # Solid box of 1 kg.
        bodies = self.scene.entity_body[self._agents : self._agents + len(self.scene.box_geom)]
        self._model["geom_size"][ids[:, None], self.scene.box_geom] = half
        self._model["body_inertia"][ids[:, None], bodies] = inertia

    def _write_pillars(self, ids: np.ndarray, layout: Layout) -> None:
        x, y, radius, height = np.moveaxis(layout.pillars.numpy(), -1, 0)
        rows = ids[:, None]
        self._model["body_pos"][rows, self.scene.pillar_body] = np.stack([x, y, height / 2], axis=-1)
        self._model["geom_size"][rows, self.scene.pillar_geom, :2] = np.stack([radius, height / 2], axis=-1)

    def _write_cylinders(self, ids: np.ndarray, layout: Layout) -> None:
        radius, _, half_height = np.moveaxis(layout.cylinder_half_size.numpy(), -1, 0)
        across = radius**2 / 4 + half_height**2 / 3  # Solid cylinder of 1 kg.
        rows, bodies = ids[:, None], self.scene.entity_body[self._entities - len(self.scene.cylinder_geom) :]
        self._model["geom_size"][rows, self.scene.cylinder_geom, :2] = np.stack([radius, half_height], axis=-1)
        self._model["body_inertia"][rows, bodies] = np.stack([across, across, radius**2 / 2], axis=-1)

    def _write_parking(self, ids: np.ndarray, layout: Layout) -> None:
        boxes = slice(self._agents, self._agents + layout.box_present.shape[1])
        self._parked[ids] = False
        self._parked[ids, : self._agents] = ~layout.agent_present.numpy()
        self._parked[ids, boxes] = ~layout.box_present.numpy()
        self._model["body_gravcomp"][ids[:, None], self.scene.entity_body] = self._parked[ids].astype(float)

    def place(self, chosen: Tensor, pose: Tensor, velocity: Tensor) -> None:
        """See PhysicsEngine.place."""
        worlds = chosen.nonzero()[:, 0]
        if len(worlds):
            self._write_bodies(worlds.numpy(), pose[worlds], velocity[worlds])

    def _write_bodies(self, ids: np.ndarray, pose: Tensor, velocity: Tensor) -> None:
        """Write poses and velocities (K, E, Q) of worlds (K,)."""
        parked = self._parked[ids][..., None]
        self._qpos[ids] = self.scene.qpos(np.where(parked, self._parking_place, pose.double().numpy()))
        self._qvel[ids] = self.scene.qpos(np.where(parked, 0.0, velocity.double().numpy()))

    def set_grabs(self, holding: Tensor, offset: Tensor, yaw: Tensor, tilt: Tensor) -> None:
        """See PhysicsEngine.set_grabs."""
        if not len(self._every_object):
            return
        held = holding.numpy()
        self._eq_active[:, self.scene.grab_weld] = held[..., None] == self._every_object
        # Empty hands write to the weld of object 0, which is not active.
        weld = self.scene.grab_weld[self._every_agent, np.maximum(held, 0)]
        half_yaw, upright = yaw.double().numpy()[..., None] / 2, tilt.numpy()
        turn = upright * np.cos(half_yaw) + upright[..., ::-1] * _TIMES_Z * np.sin(half_yaw)
        self._model["eq_data"][self._every_world, weld, 3:10] = np.concatenate([offset.numpy(), turn], axis=-1)

    def set_locks(self, locked: Tensor, pose: Tensor) -> None:
        """See PhysicsEngine.set_locks."""
        held_at = pose.flatten(1).numpy()[:, self._object_columns, None]
        limits = np.where(locked.numpy()[:, self._joint_object, None], held_at, _FREE)
        changed = (limits != self._object_range).any(-1)
        if changed.any():
            self._object_range[:] = limits
            speeds = self._qvel[:, 4 * self._agents :]
            speeds[changed & (speeds == 0.0)] = -0.0  # Wakes it, and does nothing else (MuJoCo's documentation).

    def step(self, command: Tensor, substeps: int | None = None) -> None:
        """See PhysicsEngine.step."""
        self._survive_fork()
        self._ctrl[:] = command.numpy()
        self._batch.step(nstep=substeps or self.scene.scenario.substeps)
        self._find_diverged()

    def reload(self) -> None:
        """See PhysicsEngine.reload."""
        self._survive_fork()
        state = self._batch.state.copy()
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._batch.state[:] = state
        self._warnings_seen = self._divergence_warnings()

    def _divergence_warnings(self) -> np.ndarray:
        """Count the times that MuJoCo found a world diverged, (W,); it then resets that world to the template."""
        return self._batch.warning[:, DIVERGENCE_WARNINGS, 1].sum(axis=1)

    def _find_diverged(self) -> None:
        warnings = self._divergence_warnings()
        speed = np.abs(self._qvel[:, self._slides]).max(axis=1)
        sane = (warnings == self._warnings_seen) & (speed < MAX_SPEED) & np.isfinite(self._qpos).all(axis=1)
        self._diverged = torch.from_numpy(~sane)

    def rays(self, worlds: Tensor, origin: Tensor, direction: Tensor, exclude: Tensor) -> tuple[Tensor, Tensor]:
        """See PhysicsEngine.rays."""
        self._survive_fork()
        distance, geom = self._batch.ray(
            origin.numpy(),
            direction.numpy(),
            geomgroup=RAY_GROUPS,
            bodyexclude=self._entity_body[exclude.numpy()],
            ids=worlds.numpy(),
        )
        distance = np.where(distance < 0, np.inf, distance).astype(np.float32)
        return torch.from_numpy(distance), torch.from_numpy(self._geom_entity[geom])

    def state_dict(self) -> dict[str, Tensor]:
        """See PhysicsEngine.state_dict."""
        self.reload()
        return self._arrays()

    def _arrays(self) -> dict[str, Tensor]:
        arrays = {f"model.{name}": values for name, values in self._model.items()}
        arrays |= {"state": self._batch.state, "parked": self._parked}
        return {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """See PhysicsEngine.load_state_dict."""
        self._survive_fork()
        self._load(state)

    def _load(self, state: dict[str, Tensor]) -> None:
        for name, values in self._model.items():
            values[:] = state[f"model.{name}"].numpy()
        self._batch.set_const()
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE)
        self._batch.state[:] = state["state"].numpy()
        self._parked = state["parked"].numpy().copy()
        self._warnings_seen = self._divergence_warnings()
        self._diverged = torch.zeros(self.num_worlds, dtype=torch.bool)

    def world_model(self, world: int) -> mujoco.MjModel:
        """See PhysicsEngine.world_model. Its bodies do not sleep: data that saw other walls would keep these."""
        model = self._batch.get_model(world)
        model.opt.enableflags &= ~_SLEEP
        return model

    def world_data(self, world: int) -> mujoco.MjData:
        """See PhysicsEngine.world_data."""
        data = self._batch.get_data(world)
        mujoco.mj_forward(self.world_model(world), data)
        return data

    @property
    def bytes_per_world(self) -> int:
        """See PhysicsEngine.bytes_per_world."""
        expanded = [self._batch.expanded(name) for name in sorted(mujoco.batch.MODEL_FIELDS)]
        fields = sum(values.nbytes for values in expanded if values is not None)
        return (fields + self._batch.state.nbytes) // self.num_worlds
