"""The contract between the rules and a physics engine.

Shapes: W worlds, A agents, B boxes, R ramps, C movable cylinders, O = B + R + C objects, E = A + O entities (agents,
boxes, ramps, cylinders), L wall slots, N rays.
Everything is a torch tensor on ``device`` in SI units and the world frame. A *pose* is Q numbers: x, y, z of the true
centre and the unwrapped yaw, and where boxes tilt also the unwrapped angles about x and y (rotation Rx Ry Rz;
envs/tensors/orientation.py), zero for whatever does not tilt. A *velocity* is their time derivative. Absent agents and
boxes are parked where nothing meets them.

Order of calls in one step: ``set_grabs`` and ``set_locks`` (decided on current poses), ``step``, then reads and
``rays``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import mujoco
import torch
from torch import Tensor

from ..layouts import Layout
from ..scene.scene import AGENT_RADIUS, Scene


class PhysicsEngine(ABC):
    """W worlds of one scene. tests/envs/physics/ holds the test suite that every engine passes."""

    scene: Scene
    num_worlds: int
    device: torch.device
    queues: bool
    """Whether calls only queue work on the device. Reading a result then waits for it: a step of the environment does
    not."""

    @property
    @abstractmethod
    def pose(self) -> Tensor:
        """(W, E, Q) float32, current after ``begin``, ``place`` and ``step``. A copy: later steps do not change it."""

    @property
    @abstractmethod
    def velocity(self) -> Tensor:
        """(W, E, Q) float32: vx, vy, vz, yaw rate, and where boxes tilt the rates of the other angles. A copy."""

    @property
    @abstractmethod
    def walls(self) -> Tensor:
        """(W, L, 6) float32: centre x, y, z and half sizes of walls, metres; absent ones lie below the floor."""

    @abstractmethod
    def begin(self, chosen: Tensor, layout: Layout) -> None:
        """Start episodes: write walls, fixed cylinders, sizes and poses.

        Everything at rest, nothing held, nothing locked.

        Args:
          chosen: (W,) bool: in which worlds; the others go on as if nothing had been called.
          layout: of W worlds; starts of those that are chosen.
        """

    @abstractmethod
    def place(self, chosen: Tensor, pose: Tensor, velocity: Tensor) -> None:
        """Write pose and velocity (W, E, Q) of every entity of the worlds that are chosen, (W,) bool.

        Rows of absent objects are ignored.
        """

    def reset(self, worlds: Tensor, layout: Layout) -> None:
        """As ``begin``, for K worlds (K,) with K layouts."""
        self.begin(self._chosen(worlds), layout.spread(worlds, self.num_worlds))

    def set_bodies(self, worlds: Tensor, pose: Tensor, velocity: Tensor) -> None:
        """As ``place``, for K worlds (K,) with poses and velocities (K, E, Q)."""
        spread = [v.new_zeros(self.num_worlds, *v.shape[1:]).index_copy_(0, worlds, v) for v in (pose, velocity)]
        self.place(self._chosen(worlds), *spread)

    def _chosen(self, worlds: Tensor) -> Tensor:
        return torch.zeros(self.num_worlds, dtype=torch.bool, device=self.device).index_fill_(0, worlds, True)

    @abstractmethod
    def set_grabs(self, holding: Tensor, offset: Tensor, yaw: Tensor, tilt: Tensor) -> None:
        """Weld agents to the objects they hold (soft, 6 degrees of freedom; rule 5.3).

        Args:
          holding: (W, A) int64, object index or -1.
          offset: (W, A, 3) object centre minus agent centre in the agent's frame.
          yaw: (W, A) object yaw minus agent yaw.
          tilt: (W, A, 4) unit quaternion, the object's tilt in the agent's frame; see ``Grabs``.
        """

    @abstractmethod
    def set_locks(self, locked: Tensor, pose: Tensor) -> None:
        """Hold locked objects at a pose by zero-width joint limits (rule 2.6).

        Args:
          locked: (W, O) bool.
          pose: (W, O, Q); rows of unlocked objects are ignored.
        """

    @abstractmethod
    def step(self, command: Tensor, substeps: int | None = None) -> None:
        """Advance every world by some substeps, ``scenario.substeps`` if not given.

        Two calls with the same commands are one with as many substeps, to the bit.

        Args:
          command: (W, A, 3) constant motor commands: x, y, yaw.
          substeps: how many.
        """

    @abstractmethod
    def rays(self, worlds: Tensor, origin: Tensor, direction: Tensor, exclude: Tensor) -> tuple[Tensor, Tensor]:
        """Cast rays against bodies, walls and the floor; decoration is transparent.

        Args:
          worlds: (K,) sorted world indices.
          origin: (K, N, 3).
          direction: (K, N, 3); distances are in units of its length.
          exclude: (N,) int64 entity whose geoms ray n ignores, -1 for none.

        Returns:
          distance (K, N) float32, ``inf`` on a miss, and what was hit (K, N) int64: an entity, E + i for fixed cylinder
          i, -1 for anything else or a miss.
        """

    @property
    @abstractmethod
    def diverged(self) -> Tensor:
        """(W,) bool: the last step left non-finite or absurdly fast bodies (over ``MAX_SPEED``).

        Such worlds need a reset.

        Later calls do not change what was returned.
        """

    def check_overflow(self) -> None:  # noqa: B027
        """Look for contacts or constraints dropped since the last call. Copies to the host: call it once per iteration.

        Raises:
          UserError: names the scenario's field to raise, and its new value.
        """

    def reload(self) -> None:  # noqa: B027
        """Forget what decides the future and is in no saved state, such as which bodies sleep; ``state_dict`` does too.

        A run that does so before every rollout goes on in the same way as one that was saved there and restored.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Everything that decides the future of all worlds, for a restart that is exact to the bit."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned, in an engine of the same scene and number of worlds."""

    @abstractmethod
    def world_model(self, world: int) -> mujoco.MjModel:
        """Return a host MjModel of one world as it is now (sizes, walls, locks), for rendering and inspection."""

    @abstractmethod
    def world_data(self, world: int) -> mujoco.MjData:
        """Return a host MjData of one world as it is now, with derived quantities computed."""

    @property
    @abstractmethod
    def bytes_per_world(self) -> int:
        """Memory that one more world costs, in bytes."""


PARKING = (-40.0, -40.0, 30.0)
"""Metres; where absent boxes wait, far from everything, with gravity compensated; absent agents stand on the floor."""
PARKED_BELOW = PARKING[1] / 2
"""Metres; what stands further down along y takes no part. Along x the parking row leads back to the arena."""
PARKING_SPACING = 3.0
"""Metres along x between parked objects."""
MAX_SPEED = 200.0
"""Metres per second beyond which a body counts as thrown away by the solver; agents reach 12 m/s."""


def parking_place(scene: Scene) -> Tensor:
    """Return (E, Q) float32 poses at which absent entities wait."""
    entities, agents = scene.num_entities, scene.scenario.num_agents
    place = torch.zeros(entities, scene.scenario.pose_size)
    place[:, :3] = torch.tensor(PARKING)
    place[:, 0] += PARKING_SPACING * torch.arange(entities)
    place[:agents, 2] = AGENT_RADIUS
    return place


def start_pose(scene: Scene, layout: Layout) -> Tensor:
    """Return (K, E, Q) float32 poses at which the episodes of K layouts start: upright."""
    return torch.nn.functional.pad(layout.entity_pose, (0, scene.scenario.pose_size - 4))
