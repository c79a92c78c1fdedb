"""The GPU engine: W worlds by mujoco_warp, in float32, sharing memory with torch.

Between resets nothing is copied to or from the host and nothing waits for the device: decisions become writes of fixed
shape. It runs on the CPU, too, which is how it is tested; CpuEngine is far faster there.
"""

from __future__ import annotations

import copy

import mujoco
import numpy as np
import torch
from torch import Tensor

from ..layouts import Layout
from ..scene.scene import FREE_RANGE, Scene
from ..tensors.where_worlds import where_worlds
from .engine import MAX_SPEED, PhysicsEngine, parking_place, start_pose
from .warp_model import MODEL_FIELDS, WarpWorlds

BOX_MASS = 1.0  # Kilograms, whatever the size.


class WarpEngine(PhysicsEngine):
    """mujoco_warp on ``device``. Reproducible to the bit on the CPU only."""

    queues = True

    def __init__(self, scene: Scene, num_worlds: int, device: str | torch.device) -> None:
        self.scene = scene
        self.num_worlds = num_worlds
        self._worlds = WarpWorlds(scene, num_worlds, torch.device(device))
        self.device = self._worlds.device
        scenario = scene.scenario
        self._agents, self._objects, self._entities = scenario.num_agents, scenario.num_objects, scene.num_entities
        self._fields = fields = self._worlds.fields
        self._qpos, self._qvel = fields["qpos"], fields["qvel"]
        self._ctrl = fields["ctrl"].view(num_worlds, self._agents, 3)
        self._object_range = fields["jnt_range"][:, 4 * self._agents :]
        self._index_tables()
        self._parked = torch.zeros(num_worlds, self._entities, dtype=torch.bool, device=self.device)
        self._diverged = torch.zeros(num_worlds, dtype=torch.bool, device=self.device)
        if self._objects:
            fields["eq_data"].zero_()
            fields["eq_data"][..., 6] = 1.0  # Identity quaternion until something is grabbed.
            fields["eq_data"][..., 10] = 1.0  # Torque scale.

    def _index_tables(self) -> None:
        """Put on the device what steps and resets look up."""
        scene = self.scene

        def on_device(values: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

        self._every_world = torch.arange(self.num_worlds, device=self.device)
        self._every_agent = torch.arange(self._agents, device=self.device)
        self._every_object = torch.arange(self._objects, device=self.device)
        self._entity_body = on_device(np.append(scene.entity_body, -1))
        self._geom_entity = on_device(np.append(scene.geom_entity, -1))  # A miss is geom -1: the appended row.
        self._grab_weld = on_device(scene.grab_weld)
        self._box_geom, self._wall_geom = on_device(scene.box_geom), on_device(scene.wall_geom)
        boxes = slice(self._agents, self._agents + len(scene.box_geom))
        self._box_body = on_device(scene.entity_body[boxes])
        self._box_hinges = on_device(scene.entity_joints[boxes, 3:])
        self._joint_columns = on_device(scene.joint_columns)
        self._slides = on_device(scene.entity_joints[:, :3].ravel())
        self._armature = on_device(scene.model.dof_armature.astype(np.float32))
        pose_size = scene.scenario.pose_size
        self._object_columns = self._joint_columns[4 * self._agents :] - pose_size * self._agents
        self._joint_object = self._object_columns // pose_size
        self._hidden_wall = on_device(scene.model.body_pos[scene.wall_body].astype(np.float32))
        self._free_range = torch.tensor((-FREE_RANGE, FREE_RANGE), device=self.device)
        self._materials = tuple(scene.model.material(name).id for name in ("wall", "outer_wall"))
        self._parking_place = parking_place(scene).to(self.device)
        self._pillar_geom, self._cylinder_geom = on_device(scene.pillar_geom), on_device(scene.cylinder_geom)
        cylinders = slice(self._entities - len(scene.cylinder_geom), self._entities)
        self._cylinder_body = on_device(scene.entity_body[cylinders])
        self._cylinder_hinges = on_device(scene.entity_joints[cylinders, 3:4])

    @property
    def pose(self) -> Tensor:
        """(W, E, Q) float32 copy."""
        return self._by_entity(self._qpos)

    @property
    def velocity(self) -> Tensor:
        """(W, E, Q) float32 copy."""
        return self._by_entity(self._qvel)

    def _by_entity(self, joints: Tensor) -> Tensor:
        values = joints.new_zeros(self.num_worlds, self.scene.entity_joints.size)
        return values.index_copy_(1, self._joint_columns, joints).unflatten(1, (self._entities, -1))

    @property
    def diverged(self) -> Tensor:
        """(W,) bool."""
        return self._diverged

    @property
    def walls(self) -> Tensor:
        """See PhysicsEngine.walls."""
        return torch.cat([self._fields[name][:, self._wall_geom] for name in ("geom_xpos", "geom_size")], dim=-1)

    def begin(self, chosen: Tensor, layout: Layout) -> None:
        """See PhysicsEngine.begin."""
        self._write_walls(chosen, layout)
        parked = self._parked.clone()
        parked[:, : self._agents] = ~layout.agent_present
        parked[:, self._agents : self._agents + layout.box_present.shape[1]] = ~layout.box_present
        self._parked.copy_(where_worlds(chosen, parked, self._parked))
        self._write_boxes(chosen, layout)
        if len(self._pillar_geom):
            self._write_pillars(chosen, layout)
        if len(self._cylinder_geom):
            self._write_cylinders(chosen, layout)
        self._object_range.copy_(where_worlds(chosen, self._free_range, self._object_range))
        if self._objects:
            self._fields["eq_active"].copy_(where_worlds(chosen, 0, self._fields["eq_active"]))
        self._ctrl.copy_(where_worlds(chosen, 0, self._ctrl))
        self._diverged = self._diverged & ~chosen
        poses = start_pose(self.scene, layout)
        self.place(chosen, poses, torch.zeros_like(poses))

    def _write(self, chosen: Tensor, name: str, columns: Tensor, values: Tensor) -> None:
        """Write values (W, n, ...) of n geoms, bodies or degrees of freedom in the worlds that are chosen."""
        field = self._fields[name]
        field[:, columns] = where_worlds(chosen, values, field[:, columns])

    def _write_walls(self, chosen: Tensor, layout: Layout) -> None:
        """Walls do not move, so nothing but these writes ever changes their poses."""
        walls, present = layout.walls, layout.wall_present[..., None]
        half_height = walls[..., 4] / 2
        position = torch.stack([walls[..., 0], walls[..., 1], half_height], dim=-1)
        size = torch.stack([walls[..., 2], walls[..., 3], half_height], dim=-1)
        self._write(chosen, "geom_xpos", self._wall_geom, torch.where(present, position, self._hidden_wall))
        self._write_geoms(chosen, self._wall_geom, torch.where(present, size, 0.05))
        material = torch.where(layout.wall_is_outer, self._materials[1], self._materials[0])
        self._write(chosen, "geom_matid", self._wall_geom, material)

    def _write_geoms(
        self, chosen: Tensor, geoms: Tensor, size: Tensor, reach: Tensor | None = None, half: Tensor | None = None
    ) -> None:
        """Write sizes (W, n, 3), bounding radii (W, n) and half extents (W, n, 3); boxes need only the first."""
        half = size if half is None else half
        self._write(chosen, "geom_size", geoms, size)
        self._write(chosen, "geom_rbound", geoms, size.norm(dim=-1) if reach is None else reach)
        centre_and_half = torch.stack([torch.zeros_like(half), half], dim=2)
        self._write(chosen, "geom_aabb", geoms, centre_and_half)

    def _write_boxes(self, chosen: Tensor, layout: Layout) -> None:
        absent = ~layout.box_present
        half = torch.where(absent[..., None], 0.25, layout.box_half_size)
        squares = half**2
        inertia = BOX_MASS / 3 * (squares.sum(-1, keepdim=True) - squares)  # Solid box.
        self._write_geoms(chosen, self._box_geom, half)
        self._write(chosen, "body_gravcomp", self._box_body, absent)
        self._write_inertia(chosen, self._box_body, self._box_hinges, inertia)

    def _write_inertia(self, chosen: Tensor, bodies: Tensor, hinges: Tensor, inertia: Tensor) -> None:
        """Write principal inertias (W, n, 3) of bodies of 1 kg, and what MuJoCo's set_const derives from them.

        Args:
          chosen: (W,) bool.
          bodies: (n,).
          hinges: (n, 1) the bodies' hinges about z, or (n, 3) those about z, x and y.
          inertia: about x, y and z.
        """
        self._write(chosen, "body_inertia", bodies, inertia)
        # For a body that slides along three axes and turns about the vertical, or about all three.
        about_hinges = inertia.roll(1, -1)[..., : hinges.shape[1]] + self._armature[hinges]
        hinge_weight = 1 / about_hinges
        turn_weight = hinge_weight.sum(-1) / 3
        weight = torch.stack([torch.full_like(turn_weight, 1 / BOX_MASS), turn_weight], dim=-1)
        self._write(chosen, "body_invweight0", bodies, weight)
        self._write(chosen, "dof_invweight0", hinges.flatten(), hinge_weight.flatten(1))

    def _write_pillars(self, chosen: Tensor, layout: Layout) -> None:
        """Write fixed cylinders, which do not move, as walls do not."""
        x, y, radius, height = layout.pillars.unbind(-1)
        self._write(chosen, "geom_xpos", self._pillar_geom, torch.stack([x, y, height / 2], dim=-1))
        self._write_cylinder_geoms(chosen, self._pillar_geom, radius, height / 2)

    def _write_cylinders(self, chosen: Tensor, layout: Layout) -> None:
        radius, _, half_height = layout.cylinder_half_size.unbind(-1)
        self._write_cylinder_geoms(chosen, self._cylinder_geom, radius, half_height)
        across = BOX_MASS * (radius**2 / 4 + half_height**2 / 3)  # Solid cylinder.
        inertia = torch.stack([across, across, BOX_MASS * radius**2 / 2], dim=-1)
        self._write_inertia(chosen, self._cylinder_body, self._cylinder_hinges, inertia)

    def _write_cylinder_geoms(self, chosen: Tensor, geoms: Tensor, radius: Tensor, half_height: Tensor) -> None:
        size = torch.stack([radius, half_height, torch.zeros_like(radius)], dim=-1)
        half = torch.stack([radius, radius, half_height], dim=-1)
        self._write_geoms(chosen, geoms, size, (radius**2 + half_height**2).sqrt(), half)

    def place(self, chosen: Tensor, pose: Tensor, velocity: Tensor) -> None:
        """See PhysicsEngine.place."""
        parked, columns, start = self._parked[..., None], self._joint_columns, self._fields["qacc_warmstart"]
        qpos = torch.where(parked, self._parking_place, pose).flatten(1)[:, columns]
        qvel = torch.where(parked, 0.0, velocity).flatten(1)[:, columns]
        self._qpos.copy_(where_worlds(chosen, qpos, self._qpos))
        self._qvel.copy_(where_worlds(chosen, qvel, self._qvel))
        start.copy_(where_worlds(chosen, 0, start))
        self._worlds.update_kinematics()

    def set_grabs(self, holding: Tensor, offset: Tensor, yaw: Tensor, tilt: Tensor) -> None:
        """See PhysicsEngine.set_grabs."""
        if not self._objects:
            return
        held = holding[..., None] == self._every_object
        self._fields["eq_active"][:, self._grab_weld.flatten()] = held.flatten(1)
        # Empty hands write to the weld of object 0, which is not active.
        weld = self._grab_weld[self._every_agent, holding.clamp(min=0)]
        cos, sin = (yaw / 2).cos(), (yaw / 2).sin()
        w, x, y, z = tilt.unbind(-1)
        turn = [w * cos - z * sin, x * cos + y * sin, y * cos - x * sin, z * cos + w * sin]
        target = torch.stack([*offset.unbind(-1), *turn], dim=-1)
        self._fields["eq_data"][self._every_world[:, None], weld, 3:10] = target

    def set_locks(self, locked: Tensor, pose: Tensor) -> None:
        """See PhysicsEngine.set_locks."""
        held_at = pose.flatten(1)[:, self._object_columns, None]
        self._object_range.copy_(torch.where(locked[:, self._joint_object, None], held_at, self._free_range))

    def step(self, command: Tensor, substeps: int | None = None) -> None:
        """See PhysicsEngine.step."""
        self._ctrl.copy_(command)
        self._worlds.step(substeps or self.scene.scenario.substeps)
        speed = self._qvel[:, self._slides].abs().amax(dim=1)
        self._diverged = ~(speed < MAX_SPEED) | ~self._qpos.isfinite().all(1)

    def rays(self, worlds: Tensor, origin: Tensor, direction: Tensor, exclude: Tensor) -> tuple[Tensor, Tensor]:
        """See PhysicsEngine.rays."""
        bodies = self._entity_body[exclude].int()
        length = direction.norm(dim=-1)  # mujoco_warp misses meshes with directions that are not of unit length.
        distance, geom = self._worlds.rays(worlds, origin, direction / length[..., None], bodies)
        return torch.where(distance < 0, torch.inf, distance / length), self._geom_entity[geom.long()]

    def check_overflow(self) -> None:
        """See PhysicsEngine.check_overflow."""
        self._worlds.check_overflow()

    def state_dict(self) -> dict[str, Tensor]:
        """See PhysicsEngine.state_dict."""
        return {name: value.clone() for name, value in (self._fields | {"parked": self._parked}).items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """See PhysicsEngine.load_state_dict."""
        for name, value in (self._fields | {"parked": self._parked}).items():
            value.copy_(state[name])
        self._diverged = torch.zeros_like(self._diverged)
        self._worlds.update_kinematics()

    def world_model(self, world: int) -> mujoco.MjModel:
        """See PhysicsEngine.world_model."""
        model = copy.copy(self.scene.model)
        for name in MODEL_FIELDS:
            if name in self._fields:
                target = getattr(model, name)
                target[:] = self._fields[name][world].cpu().numpy().reshape(target.shape)
        geoms = np.append(self.scene.wall_geom, self.scene.pillar_geom)
        bodies = np.append(self.scene.wall_body, self.scene.pillar_body)
        model.body_pos[bodies] = self._fields["geom_xpos"][world, torch.from_numpy(geoms)].cpu().numpy()
        mujoco.mj_setConst(model, mujoco.MjData(model))
        return model

    def world_data(self, world: int) -> mujoco.MjData:
        """See PhysicsEngine.world_data."""
        model = self.world_model(world)
        data = mujoco.MjData(model)
        for name in ("qpos", "qvel", "ctrl", "qacc_warmstart", "eq_active"):
            if name in self._fields:
                getattr(data, name)[:] = self._fields[name][world].cpu().numpy()
        mujoco.mj_forward(model, data)
        return data

    @property
    def bytes_per_world(self) -> int:
        """See PhysicsEngine.bytes_per_world."""
        return self._worlds.bytes_per_world
