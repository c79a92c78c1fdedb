"""What is in W worlds, and what their agents see of it.

Shapes: W worlds, A agents (hiders first), O objects (boxes, then ramps), E = A + O entities, Q numbers in a pose.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from .. import observations
from ..games import View
from ..layouts import Layout
from ..manipulation import Grabs, Locks, distance_to_objects, update_grabs, update_locks
from ..observations import Observation, Observer
from ..perception import Perception
from ..physics.engine import PhysicsEngine
from ..scenario import Scenario
from ..scenarios import GAMES
from ..scene import scene
from ..starts import Starts
from ..tensors.where_worlds import where_worlds

Hands = TypeVar("Hands", Grabs, Locks)


class Worlds:
    """The present state of W worlds: bodies and who holds and locks them, sight, and the game's own.

    Its tensors are replaced and not written to, so that what was handed out stays as it was.
    """

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        self.scenario, self.engine = scenario, engine
        self.game = GAMES[scenario.game](scenario, num_worlds, engine)
        self._perception = Perception(scenario, engine)
        self._observer = Observer(scenario, engine.device)
        self._team = observations.team_index(scenario, engine.device)
        self._allocate(num_worlds, engine.device)

    def _allocate(self, w: int, device: torch.device) -> None:
        s, entities = self.scenario, self.engine.scene.num_entities
        self._all = torch.arange(w, device=device)
        self.pose = torch.zeros(w, entities, s.pose_size, device=device)
        self.velocity = torch.zeros_like(self.pose)
        self.start_pose = torch.zeros_like(self.pose)
        self.present = torch.ones(w, entities, dtype=torch.bool, device=device)
        half_size = torch.zeros(w, s.num_objects, 3, device=device)
        half_size[:, s.max_boxes : s.max_boxes + s.ramps] = torch.tensor(scene.RAMP_REACH_HALF_SIZE)
        self._set_half_size(half_size)
        self.grabs, self._empty_hands = (Grabs.none(w, s.num_agents, device) for _ in range(2))
        self.locks, self._unlocked = (Locks.none(w, s.num_objects, device, s.pose_size) for _ in range(2))
        self.visible = torch.zeros(w, s.num_agents, entities, dtype=torch.bool, device=device)
        self.lidar = torch.zeros(w, s.num_agents, s.lidar_rays, device=device)
        self.steps = torch.zeros(w, dtype=torch.int64, device=device)

    def _set_half_size(self, half_size: Tensor) -> None:
        """Let objects have these half sizes, (W, O, 3) metres; the parts by kind are views of them."""
        kinds = (self.scenario.max_boxes, self.scenario.ramps, self.scenario.cylinders.movable)
        self.half_size = half_size
        self.box_half_size, _, self.cylinder_half_size = half_size.split(kinds, dim=1)

    def resize(self, boxes: Tensor, cylinders: Tensor) -> None:
        """Let boxes (W, B, 3) and movable cylinders (W, C, 3) have these half sizes, metres; zeros if absent."""
        self._set_half_size(self.half_size.clone())
        self.box_half_size.copy_(boxes)
        self.cylinder_half_size.copy_(cylinders)

    # --- beginnings ------------------------------------------------------------------------------------------------

    def begin(self, chosen: Tensor, layout: Layout, given: tuple[Tensor, Starts] | None = None) -> None:
        """Begin episodes in the worlds that are chosen, (W,) bool, with the rows of W layouts.

        Args:
          chosen: (W,) bool.
          layout: of W worlds.
          given: which worlds, (W,) bool, of those that are chosen go on from which of W states.
        """
        agents, boxes = self.scenario.num_agents, self.scenario.max_boxes
        self.engine.begin(chosen, layout)
        present = self.present.clone()
        present[:, :agents], present[:, agents : agents + boxes] = layout.agent_present, layout.box_present
        self.present = where_worlds(chosen, present, self.present)
        self.resize(
            where_worlds(chosen, layout.box_half_size, self.box_half_size),
            where_worlds(chosen, layout.cylinder_half_size, self.cylinder_half_size),
        )
        self.grabs = _where_worlds(chosen, self._empty_hands, self.grabs)
        self.locks = _where_worlds(chosen, self._unlocked, self.locks)
        self.steps = where_worlds(chosen, 0, self.steps)
        self.game.start(chosen, layout)
        self.read_engine()
        self.start_pose = where_worlds(chosen, self.pose, self.start_pose)
        if given:
            self._go_on_from(*given)
        if self.engine.queues:  # The others look once more, and see the same.
            self.look()
        else:
            self.look_again(chosen.nonzero()[:, 0])
        if given:  # Once more over what it then sensed.
            self._set_game(*given)

    def _go_on_from(self, chosen: Tensor, starts: Starts) -> None:
        """Let episodes that have just begun be in the states, rows of W, in the worlds that are chosen, (W,) bool."""
        state = starts.state
        self.engine.place(chosen, state.pose, state.velocity)
        self.hold(_where_worlds(chosen, state.grabs, self.grabs), _where_worlds(chosen, state.locks, self.locks))
        self.steps = where_worlds(chosen, state.steps, self.steps)
        self._set_game(chosen, starts)
        self.read_engine()

    def _set_game(self, chosen: Tensor, starts: Starts) -> None:
        """Write what states keep of the game, rows of W, in the worlds that are chosen, (W,) bool."""
        for name, values in starts.state.game.items():
            self.game.begin_with(chosen, name, values)

    # --- changes ---------------------------------------------------------------------------------------------------

    def read_engine(self) -> None:
        """Take over where physics has brought the bodies."""
        self.pose, self.velocity = self.engine.pose, self.engine.velocity

    def hold(self, grabs: Grabs, locks: Locks) -> None:
        """Let this be held and that be locked, here and in the engine."""
        self.grabs, self.locks = grabs, locks
        self.engine.set_grabs(**vars(grabs))
        self.engine.set_locks(locks.locked, locks.pose)

    def manipulate(self, grab: Tensor, lock: Tensor, draw: Tensor) -> None:
        """Decide grabs and locks from presses, on current poses and on what was visible in the previous observation.

        Args:
          grab: (W, A) bool: who presses grab.
          lock: (W, A) bool: who presses lock.
          draw: (W, A, O) uniform random numbers; see ``update_locks``.
        """
        s, agents = self.scenario, self.scenario.num_agents
        object_pose = self.pose[:, agents:]
        distance = distance_to_objects(self.pose[:, :agents, :3], object_pose, self.half_size)
        near = (distance <= s.reach) & self.present[:, None, agents:]
        seen = near & self.visible[..., agents:]
        grabs = update_grabs(self.grabs, grab, near if s.grab_unseen else seen, distance, self.pose)
        grabs = self.game.hold(grabs, distance)
        within = (near if s.lock_unseen else seen) & self.game.lockable(self.locks.locked)[:, None]
        if not s.lock_in_preparation:
            within = within & (self.steps >= s.preparation_steps)[:, None, None]
        locks = update_locks(self.locks, lock, within, object_pose, self._team, s.lock_type, draw)
        self.hold(grabs, self.game.guide(locks, self.steps))

    # --- looking ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look around in every world."""
        visible, self.lidar = self._perception.sense(self._all, self.pose, self.present)
        self.visible = self.game.sight(self._all, self.pose, visible)
        self.game.sense(self._all, self.pose)

    def look_again(self, worlds: Tensor) -> None:
        """Look around in some worlds (K,), which have changed since all of them looked."""
        pose = self.pose[worlds]
        visible, lidar = self._perception.sense(worlds, pose, self.present[worlds])
        self.visible = self.visible.index_copy(0, worlds, self.game.sight(worlds, pose, visible))
        self.lidar = self.lidar.index_copy(0, worlds, lidar)
        self.game.sense(worlds, pose)

    def observe(self) -> Observation:
        """Return what agents and critics are given of what was seen when they last looked."""
        observation = self._observer.observe(
            self.pose,
            self.velocity,
            self.box_half_size,
            self.present,
            self.locks,
            self.visible,
            self.lidar,
            self.steps,
            self.cylinder_half_size,
            self.game.traits(),
            self.game.senses(),
        )
        return observation | self.game.entities()

    def view(self, seen_before: Tensor, locked_before: Tensor) -> View:
        """Return what the rules see: the worlds now, and what was visible and locked before the step."""
        return View(
            self.pose,
            self.velocity,
            self.start_pose,
            self.present,
            self.box_half_size,
            self.visible,
            seen_before,
            self.locks,
            locked_before,
            self.steps,
        )


def _where_worlds(chosen: Tensor, new: Hands, old: Hands) -> Hands:
    """Return what is held or locked anew in the worlds that are chosen, (W,) bool, and as before in the others."""
    before = vars(old)
    return type(old)(**{name: where_worlds(chosen, values, before[name]) for name, values in vars(new).items()})
