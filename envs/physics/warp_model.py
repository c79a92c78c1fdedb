"""The state of W worlds on a warp device: a mujoco_warp model and data, and torch views of what differs between worlds.

Nothing here is imported before a warp engine is asked for: mujoco_warp is an optional dependency.

mujoco_warp compiles its kernels when they are first used, which takes minutes once per machine; later runs find them in
warp's cache (``WARP_CACHE_PATH``).
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from typing import Any

import mujoco
import torch
import warp as wp
from torch import Tensor

wp.config.log_level = wp.LOG_WARNING  # No banner and no line per kernel among a command's output.
wp.config.enable_backward = False  # No gradients are taken; kernels compile in half the time. Before they are imported.

import mujoco_warp as mjw  # noqa: E402

from ..errors import UserError  # noqa: E402
from ..scene.scene import RAY_GROUPS, Scene  # noqa: E402
from .warp_patches import whole_hessians  # noqa: E402

CUDA_VERSION = (12, 4)  # The oldest whose graphs can hold the solver's loop.
CONVEX_BYTES = 150  # Per iteration of the search for the penetration of two convex bodies, and contact.
MODEL_FIELDS = (
    "geom_size",
    "geom_rbound",
    "geom_aabb",
    "geom_matid",
    "body_inertia",
    "body_invweight0",
    "body_gravcomp",
    "dof_invweight0",
    "jnt_range",
    "eq_data",
)
"""Model fields that differ between worlds."""
DATA_FIELDS = ("qpos", "qvel", "ctrl", "qacc_warmstart", "eq_active", "geom_xpos", "geom_xmat")
"""Data fields that decide the future. The poses of walls, which are static, are kept in ``geom_xpos`` alone."""


class WarpWorlds:
    """W worlds on one device, stepped by replaying captured graphs.

    Attributes:
      fields: name -> view (W, ...) of a field of the model or data; writes take effect in the next step.
      overflow: (W,) int32 bits of ``mujoco_warp.OverflowType`` since it was last zeroed.
      device: where torch finds the views.

    Raises:
      UserError: no such GPU, its driver is too old, or its memory too small.
    """

    def __init__(self, scene: Scene, num_worlds: int, device: torch.device) -> None:
        device = self._checked(device)
        self.num_worlds = num_worlds
        self._warp_device = wp.device_from_torch(device) if device.type == "cuda" else wp.get_device("cpu")
        self.device = torch.device(wp.device_to_torch(self._warp_device))
        s = scene.scenario
        host_model = _options_for_warp(scene.model)
        if device.type == "cuda":
            self._check_memory(host_model, s.max_contacts, s.max_constraints)
        try:
            self._allocate(host_model, s.max_contacts, s.max_constraints)
            self._capture()
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            raise UserError(f"{num_worlds} worlds do not fit into the memory of '{self.device}'; use fewer") from error

    @staticmethod
    def _checked(device: torch.device) -> torch.device:
        """Return the device, a GPU with its number; refuse one that mujoco_warp cannot use."""
        if device.type not in ("cpu", "cuda"):
            raise UserError(f"device '{device}' is not supported by mujoco_warp; use 'cuda' or 'cpu'")
        if device.type == "cpu":
            return device
        if not torch.cuda.is_available() or not wp.is_cuda_available():
            raise UserError(f"device '{device}' asked for, but no CUDA GPU was found; use --device cpu")
        if (device.index or 0) >= torch.cuda.device_count():
            raise UserError(f"device '{device}' asked for, but there are only {torch.cuda.device_count()} CUDA GPUs")
        if not wp.is_conditional_graph_supported():
            version = ".".join(map(str, CUDA_VERSION))
            raise UserError(
                f"the NVIDIA driver is too old for mujoco_warp, which needs CUDA {version}; update the driver"
            )
        numbered = _numbered(device)
        if not wp.is_mempool_supported(wp.device_from_torch(numbered)):
            raise UserError(
                f"device '{device}' has no CUDA memory pools, which mujoco_warp's graphs need; use --device cpu"
            )
        return numbered

    def _check_memory(self, host_model: mujoco.MjModel, contacts: int, constraints: int) -> None:
        with wp.ScopedDevice("cpu"):
            model = mjw.put_model(host_model, batch_sizes=_batch_sizes(host_model, 2))
            needed = (
                _bytes_per_world(model, mjw.make_data(host_model, 2, contacts, njmax=constraints), 2) * self.num_worlds
            )
        free, _ = torch.cuda.mem_get_info(self.device)
        if needed > free:
            raise UserError(
                f"{self.num_worlds} worlds need {needed / 2**30:.1f} GiB for physics but '{self.device}' has "
                f"{free / 2**30:.1f} GiB free; use at most {int(self.num_worlds * 0.8 * free / needed)} worlds"
            )

    def _allocate(self, host_model: mujoco.MjModel, contacts: int, constraints: int) -> None:
        with wp.ScopedDevice(self._warp_device):
            sizes = _batch_sizes(host_model, self.num_worlds)
            self._model = mjw.put_model(host_model, batch_sizes=sizes)
            self._model.opt.warn_overflow = 0  # Printing from kernels is slow; the bits are recorded all the same.
            self._data = mjw.make_data(host_model, self.num_worlds, contacts, _convex_contacts(contacts), constraints)
        views = {name: getattr(self._model, name) for name in sizes}
        views |= {name: getattr(self._data, name) for name in DATA_FIELDS if getattr(self._data, name).size}
        self.fields: dict[str, Tensor] = {name: wp.to_torch(array) for name, array in views.items()}
        self.overflow: Tensor = wp.to_torch(self._data.overflow)
        self._ray_groups = wp.types.vector(length=6, dtype=wp.float32)(*(-1.0 if on else 0.0 for on in RAY_GROUPS))
        self._max_contacts, self._max_constraints = contacts, constraints

    def _capture(self) -> None:
        """Record one substep and the kinematics as graphs. Buffers may not be replaced from here on."""
        self._step_graph = self._record(self._substep)
        self._kinematics_graph = self._record(self._kinematics)

    def _substep(self) -> None:
        self._kinematics()  # step() would give welds the velocities of the substep before.
        mjw.step(self._model, self._data)

    def _kinematics(self) -> None:
        """Derive everything that rays and the next step's welds take from the state, so that none of it is state."""
        mjw.kinematics(self._model, self._data)
        mjw.com_pos(self._model, self._data)
        mjw.com_vel(self._model, self._data)

    def _record(self, work: Callable[[], None]) -> Any:
        saved = {name: self.fields[name].clone() for name in DATA_FIELDS if name in self.fields}
        with wp.ScopedDevice(self._warp_device), whole_hessians():
            work()  # Compiles and loads the kernels, which a capture cannot.
            wp.synchronize_device(self._warp_device)
            gc.collect()
            gc.disable()  # Freeing another graph meanwhile would spoil this one.
            try:
                with wp.ScopedCapture(self._warp_device) as capture:
                    work()
            finally:
                gc.enable()
            wp.synchronize_device(self._warp_device)
        for name, value in saved.items():
            self.fields[name].copy_(value)
        self.overflow.zero_()
        return capture.graph

    def _on_torch_stream(self) -> wp.ScopedStream:
        """Run warp's work in the order of torch's."""
        stream = wp.stream_from_torch(torch.cuda.current_stream(self.device)) if self._warp_device.is_cuda else None
        return wp.ScopedStream(stream)

    def step(self, substeps: int) -> None:
        """Advance every world by some substeps and update its kinematics."""
        with self._on_torch_stream():
            for _ in range(substeps):
                wp.capture_launch(self._step_graph)
            wp.capture_launch(self._kinematics_graph)

    def update_kinematics(self) -> None:
        """Recompute the poses and velocities of all bodies and geoms from qpos and qvel."""
        with self._on_torch_stream():
            wp.capture_launch(self._kinematics_graph)

    def rays(self, worlds: Tensor, origin: Tensor, direction: Tensor, exclude_body: Tensor) -> tuple[Tensor, Tensor]:
        """Cast rays in K worlds.

        Args:
          worlds: (K,) indices.
          origin: (K, N, 3).
          direction: (K, N, 3) of unit length.
          exclude_body: (N,) int32 body ids, -1 for none.

        Returns:
          distance (K, N) float32 and geom id (K, N) int32; both -1 on a miss.
        """
        count, rays = origin.shape[:2]
        distance = torch.empty(count, rays, device=self.device)
        geom = torch.empty(count, rays, dtype=torch.int32, device=self.device)
        if count == 0 or rays == 0:
            return distance, geom
        normal = torch.empty(count, rays, 3, device=self.device)
        model, data = self._model, self._data
        if count != self.num_worlds:  # rays() reads no more of a world than these arrays.
            model, data = copy.copy(model), copy.copy(data)
            data.nworld = count
            model.geom_size = wp.from_torch(self.fields["geom_size"][worlds], dtype=wp.vec3)
            model.geom_matid = wp.from_torch(self.fields["geom_matid"][worlds])
            data.geom_xpos = wp.from_torch(self.fields["geom_xpos"][worlds], dtype=wp.vec3)
            data.geom_xmat = wp.from_torch(self.fields["geom_xmat"][worlds], dtype=wp.mat33)
        with self._on_torch_stream(), wp.ScopedDevice(self._warp_device):
            mjw.rays(
                model,
                data,
                wp.from_torch(origin.contiguous(), dtype=wp.vec3),
                wp.from_torch(direction.contiguous(), dtype=wp.vec3),
                self._ray_groups,
                True,
                wp.from_torch(exclude_body),
                wp.from_torch(distance),
                wp.from_torch(geom),
                wp.from_torch(normal, dtype=wp.vec3),
            )
        return distance, geom

    def check_overflow(self) -> None:
        """Look, on the host, for worlds in which contacts or constraints were dropped since the last check.

        Raises:
          UserError: names the scenario's field to raise.
        """
        bits = 0
        for value in self.overflow.unique().tolist():
            bits |= value
        self.overflow.zero_()
        kinds = mjw.OverflowType
        if bits & (kinds.NEFC | kinds.NJMAX_NNZ):
            name, size = "max_constraints", self._max_constraints
        elif bits & (kinds.BROADPHASE | kinds.NARROWPHASE | kinds.CCD):
            name, size = "max_contacts", self._max_contacts
        else:
            return  # The others say that an iteration stopped at its limit; nothing is dropped.
        raise UserError(
            f"physics needed more than {name} = {size} in a world and dropped some; train with "
            f"--scenario.{name.replace('_', '-')} {size + (size + 1) // 2}, or use --device cpu --engine mujoco"
        )

    @property
    def bytes_per_world(self) -> int:
        """Memory that one more world costs, in bytes, with an estimate of what a step borrows."""
        return _bytes_per_world(self._model, self._data, self.num_worlds)


def _numbered(device: torch.device) -> torch.device:
    """Return 'cuda' as the GPU in use, as 'cuda:0': warp does not know it without its number."""
    if device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", torch.cuda.current_device())


def _options_for_warp(template: mujoco.MjModel) -> mujoco.MjModel:
    """Return the template with the settings under which mujoco_warp is closest to MuJoCo."""
    model = copy.copy(template)
    # Sparse above 32 degrees of freedom: above 60 it has nothing else, and below sparse takes less memory and time.
    model.opt.jacobian = mujoco.mjtJacobian.mjJAC_AUTO
    # Two boxes then meet in up to 8 contacts, found as in MuJoCo, instead of up to 4. It changes no other pair.
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_NATIVECCD
    return model


def _batch_sizes(model: mujoco.MjModel, num_worlds: int) -> dict[str, int]:
    return {name: num_worlds for name in MODEL_FIELDS if getattr(model, name).size}


def _convex_contacts(contacts: int) -> int:
    """Of a world's contacts, how many may be of a ramp with something other than the floor.

    Their scratch memory is large.
    """
    return max(contacts // 6, 1)


def _bytes_per_world(model: mjw.Model, data: mjw.Data, num_worlds: int) -> int:
    fields = [getattr(model, name) for name in MODEL_FIELDS]
    fields += [*vars(data).values(), *vars(data.contact).values(), *vars(data.efc).values()]
    arrays = [field for field in fields if isinstance(field, wp.array)]
    kept = sum(array.size * wp.types.type_size_in_bytes(array.dtype) for array in arrays) // num_worlds
    convex = data.naccdmax // num_worlds * model.opt.ccd_iterations * CONVEX_BYTES
    return kept + convex + 2 * 4 * model.nv_pad**2  # The Hessian and its factor.
