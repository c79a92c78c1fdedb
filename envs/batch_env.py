"""The environment: reset and step over W worlds, auto-reset and episode statistics.

Shapes: W worlds, A agents (hiders first), O objects (boxes, then ramps), E = A + O entities, Q numbers in a pose.

A step runs in this order (rule 5.6): seekers are frozen during the preparation phase; grabs and locks are decided on
current poses and on what was visible in the previous observation; all physics substeps run with constant motor
commands; every agent looks around; rewards; worlds whose episode is over start the next one, so that the observation
returned for them is the first of the new episode (same-step auto-reset).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import observations
from .actions import Actions
from .errors import UserError
from .games import View
from .layouts import TRAINING, Domain, Layout, LayoutBank, LayoutStream, validate_layout
from .manipulation import Grabs, Locks, distance_to_objects, update_grabs, update_locks
from .observations import Observation, Observer
from .options.ranges import AtLeastOne, Threads, require
from .perception import Perception
from .physics import EngineName, make_engine
from .scenario import Scenario
from .scenarios import GAMES
from .scenarios.scenario_checks import validate
from .scene import scene
from .starts import StartQueue, Starts
from .state_checks import check_worlds, fit_state, fit_tensors
from .tensors.where_worlds import where_worlds
from .transition import StepResult, Transition, WorldState


class BatchEnv:
    """W worlds of one scenario.

    Args:
      scenario: what the worlds are.
      num_worlds: W.
      seed: decides every layout (world w, episode e) and every random draw; from 0 to 2**32 - 1.
      device: where the worlds live.
      threads: physics threads of the CPU engine; 0 uses all cores. Results do not depend on it.
      stagger: end the first episode of world w after a share (w + 1) / W of the horizon, so that worlds do not all
        reset at the same step. Those first episodes do not count in the statistics.
      engine: ``mujoco``, ``warp`` or ``auto`` for the one that is made for the device.
      first_world: number of the first world, where several processes share the worlds of one seed.
      all_worlds: worlds of all processes together; None if these are all. World w of the whole then starts, staggers
        and draws alike in whichever process it is.
      domain: what its layouts are for: ``TRAINING`` or ``JUDGING``, which never give the same one.

    Raises:
      UserError: an impossible scenario or number, or an engine that cannot run here.
    """

    SHARED_STATE = ("generator", "num_diverged")
    """Names in ``state_dict`` that are not (W, ...): the same in every process, and a count to be added up."""

    def __init__(
        self,
        scenario: Scenario,
        num_worlds: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
        threads: int = 0,
        stagger: bool = False,
        engine: EngineName = "auto",
        first_world: int = 0,
        all_worlds: int | None = None,
        domain: Domain = TRAINING,
    ) -> None:
        self._arguments = {
            "scenario": scenario,
            "num_worlds": num_worlds,
            "device": device,
            "threads": threads,
            "engine": engine,
            "first_world": first_world,
            "all_worlds": all_worlds,
            "domain": domain,
        }
        self.scenario = validate(scenario)
        self.num_worlds, self.num_agents = require("num_worlds", num_worlds, AtLeastOne), scenario.num_agents
        self.first_world, self.all_worlds = first_world, num_worlds if all_worlds is None else all_worlds
        self.engine = make_engine(
            scene.build(scenario), num_worlds, device, require("threads", threads, Threads), engine
        )
        self.device = self.engine.device
        self._num_diverged = torch.zeros((), dtype=torch.int64, device=self.device)
        self._domain = domain
        self._layouts = self._new_layouts(seed)
        self._generator = torch.Generator(self.device).manual_seed(seed)
        self._perception = Perception(scenario, self.engine)
        self._observer = Observer(scenario, self.device)
        self._team = observations.team_index(scenario, self.device)
        self.game = GAMES[scenario.game](scenario, num_worlds, self.engine)
        self._actions = Actions(scenario, num_worlds, self.device)
        self._allocate()
        if stagger:
            share = (torch.arange(num_worlds, device=self.device) + first_world + 1) / self.all_worlds
            self._episode_end = (share * scenario.horizon).ceil().long()
            self._counted = self._episode_end == scenario.horizon

    def _allocate(self) -> None:
        s, w, device = self.scenario, self.num_worlds, self.device
        entities = self.engine.scene.num_entities
        self._all_worlds = torch.arange(w, device=device)
        self._pose = torch.zeros(w, entities, s.pose_size, device=device)
        self._velocity = torch.zeros_like(self._pose)
        self._start_pose = torch.zeros_like(self._pose)
        self._present = torch.ones(w, entities, dtype=torch.bool, device=device)
        half_size = torch.zeros(w, s.num_objects, 3, device=device)
        half_size[:, s.max_boxes : s.max_boxes + s.ramps] = torch.tensor(scene.RAMP_REACH_HALF_SIZE)
        self._set_half_size(half_size)
        self._grabs, self._empty_hands = (Grabs.none(w, s.num_agents, device) for _ in range(2))
        self._locks, self._unlocked = (Locks.none(w, s.num_objects, device, s.pose_size) for _ in range(2))
        self._visible = torch.zeros(w, s.num_agents, entities, dtype=torch.bool, device=device)
        self._lidar = torch.zeros(w, s.num_agents, s.lidar_rays, device=device)
        self._steps = torch.zeros(w, dtype=torch.int64, device=device)
        self._episode_end = torch.full((w,), s.horizon, device=device)
        self._counted = torch.ones(w, dtype=torch.bool, device=device)
        self._begun = False
        self._cuts_left = 0
        """Steps in which a shortened first episode may still end; the host knows it without asking the device."""
        self.starts: StartQueue | None = None
        """Where the next episodes begin, if not always fresh; see ``keep_starts``."""
        self._layout: Layout | None = None
        """Of the present episodes of W worlds, where starts are kept."""

    def _set_half_size(self, half_size: Tensor) -> None:
        """Let objects have these half sizes, (W, O, 3) metres; the parts by kind are views of them."""
        kinds = (self.scenario.max_boxes, self.scenario.ramps, self.scenario.cylinders.movable)
        self._half_size = half_size
        self._box_half_size, _, self._cylinder_half_size = half_size.split(kinds, dim=1)

    # --- description -----------------------------------------------------------------------------------------------

    @property
    def observation_spec(self) -> dict:
        """``self_features``, ``lidar_rays`` and ``entities``: kind -> (number, features)."""
        return observations.spec(self.scenario)

    @property
    def action_bins(self) -> tuple[int, ...]:
        """Choices per action component; see ``Scenario.action_bins``."""
        return self.scenario.action_bins

    @property
    def frozen_agents(self) -> Tensor:
        """(W, A) bool: agents whose next action will be ignored: absent ones, and seekers in the preparation phase."""
        return self.game.frozen(self._steps) | ~self.present_agents

    @property
    def present_agents(self) -> Tensor:
        """(W, A) bool: agents that take part in the present episode; see ``Scenario.random_team_sizes``."""
        return self._present[:, : self.num_agents].clone()

    @property
    def object_half_size(self) -> Tensor:
        """(W, O, 3) half sizes of objects as grabs and locks measure them, metres; zeros for absent boxes."""
        return self._half_size.clone()

    @property
    def num_diverged(self) -> int:
        """How often a world was reset because its physics broke."""
        return int(self._num_diverged)

    @property
    def num_repeated_layouts(self) -> int:
        """How often a world of a GPU played an old layout again because no new one was ready; see ``LayoutBank``."""
        return self._layouts.repeats if isinstance(self._layouts, LayoutBank) else 0

    @property
    def bytes_per_world(self) -> int:
        """Memory that one more world costs, in bytes."""
        tensors = [self._pose, self._velocity, self._visible, self._lidar, *self._observe().values()]
        return self.engine.bytes_per_world + sum(t.nbytes for t in tensors) // self.num_worlds

    # --- episodes --------------------------------------------------------------------------------------------------

    def reseed(self, seed: int) -> None:
        """Let every layout and random draw from the next ``reset`` on be what a new environment with this seed has.

        Raises:
          UserError: a seed that is not in 0..2**32 - 1.
        """
        layouts = self._new_layouts(seed)
        self._generator.manual_seed(seed)
        self._layouts = layouts

    def _new_layouts(self, seed: int) -> LayoutStream | LayoutBank:
        shares = (self.scenario, seed, self.num_worlds, self.first_world, self._domain)
        return LayoutBank(*shares, self.device) if self.engine.queues else LayoutStream(*shares)

    def refill(self) -> None:
        """Get ready for a rollout: call it between two, so that a run which is saved and resumed there stays the same.

        Brings fresh layouts to a GPU, if the worlds are there: it copies from the host. Wakes sleeping bodies.
        """
        self.engine.reload()
        if isinstance(self._layouts, LayoutBank):
            self._layouts.refill()

    def keep_starts(self) -> StartQueue:
        """Be able to ``capture`` states, and to begin episodes in them: return the queue that takes them.

        Raises:
          RuntimeError: episodes have begun already.
        """
        if self._begun:
            raise RuntimeError("keep_starts() comes before the first reset()")
        self.starts = StartQueue(self.num_worlds, self.device)
        nowhere = torch.zeros(self.num_worlds, dtype=torch.bool)
        self._layout = LayoutStream(self.scenario, 0, self.num_worlds).next(nowhere).to(self.device)
        return self.starts

    def capture(self, worlds: Tensor) -> Starts:
        """Return the states of some worlds (K,) as starts of other episodes. ``keep_starts`` comes before.

        ``state.visible`` is what is visible now, so that the next step is the one that would follow here.
        """
        assert self._layout is not None, "keep_starts() comes before capture()"
        return Starts.of(self._layout.select(worlds), self.get_state(worlds))

    def reset(self, layout: Layout | None = None) -> Observation:
        """Start an episode in every world, from the given layout of W worlds or from the world's next one.

        Raises:
          UserError: the layout does not fit the scenario.
        """
        everywhere = torch.ones_like(self._counted)
        layout = self._layouts.next(everywhere) if layout is None else self.fit(layout)
        if self.starts:
            self.starts.clear()
            self.starts.take(everywhere)
        self._start(everywhere, layout)
        self._begin()
        return self._observe()

    def fit(self, layout: Layout) -> Layout:
        """Return a layout in the form and on the device that these worlds need.

        Raises:
          UserError: it does not fit the scenario or the number of worlds.
        """
        if not isinstance(layout, Layout):
            raise UserError(f"layout is {type(layout).__name__}; it must be an envs.layouts.Layout")
        layout = validate_layout(self.scenario, layout).to(self.device)
        if layout.num_worlds != self.num_worlds:
            raise UserError(f"the layout has {layout.num_worlds} worlds, the environment {self.num_worlds}")
        return layout

    def _begin(self) -> None:
        """Note that steps can be made, and for how many of them first episodes may be shortened."""
        self._begun = True
        self._cuts_left = self.scenario.horizon if (self._episode_end < self.scenario.horizon).any() else 0

    def _start(self, chosen: Tensor, layout: Layout, given: tuple[Tensor, Starts] | None = None) -> None:
        """Begin episodes in the worlds that are chosen, (W,) bool, with the rows of W layouts.

        Args:
          chosen: (W,) bool.
          layout: of W worlds.
          given: which worlds, (W,) bool, of those that are chosen go on from which of W states.
        """
        if self._layout is not None:
            self._layout = layout.where(chosen, self._layout)
        agents, boxes = self.num_agents, self.scenario.max_boxes
        self.engine.begin(chosen, layout)
        present = self._present.clone()
        present[:, :agents], present[:, agents : agents + boxes] = layout.agent_present, layout.box_present
        self._present = where_worlds(chosen, present, self._present)
        self._set_half_size(self._half_size.clone())
        self._box_half_size.copy_(where_worlds(chosen, layout.box_half_size, self._box_half_size))
        self._cylinder_half_size.copy_(where_worlds(chosen, layout.cylinder_half_size, self._cylinder_half_size))
        grabs, locks = vars(self._grabs), vars(self._locks)
        self._grabs = Grabs(**{k: where_worlds(chosen, v, grabs[k]) for k, v in vars(self._empty_hands).items()})
        self._locks = Locks(**{k: where_worlds(chosen, v, locks[k]) for k, v in vars(self._unlocked).items()})
        self._steps = where_worlds(chosen, 0, self._steps)
        self.game.start(chosen, layout)
        self._read_engine()
        self._start_pose = where_worlds(chosen, self._pose, self._start_pose)
        if given:
            self._go_on_from(*given)
        if self.engine.queues:  # The others look once more, and see the same.
            self._perceive()
        else:
            self._perceive_again(chosen.nonzero()[:, 0])
        if given:  # Once more over what it then sensed.
            self._set_game(*given)

    def _go_on_from(self, chosen: Tensor, starts: Starts) -> None:
        """Let episodes that have just begun be in the states, rows of W, in the worlds that are chosen, (W,) bool."""
        state = starts.state
        self.engine.place(chosen, state.pose, state.velocity)
        grabs, locks = vars(self._grabs), vars(self._locks)
        self._grabs = Grabs(**{k: where_worlds(chosen, v, grabs[k]) for k, v in vars(state.grabs).items()})
        self._locks = Locks(**{k: where_worlds(chosen, v, locks[k]) for k, v in vars(state.locks).items()})
        self.engine.set_grabs(**vars(self._grabs))
        self.engine.set_locks(self._locks.locked, self._locks.pose)
        self._steps = where_worlds(chosen, state.steps, self._steps)
        self._set_game(chosen, starts)
        self._read_engine()

    def _set_game(self, chosen: Tensor, starts: Starts) -> None:
        """Write what states keep of the game, rows of W, in the worlds that are chosen, (W,) bool."""
        for name, values in starts.state.game.items():
            self.game.begin_with(chosen, name, values)

    def _read_engine(self) -> None:
        self._pose, self._velocity = self.engine.pose, self.engine.velocity

    def _perceive(self) -> None:
        """Look around in every world."""
        visible, self._lidar = self._perception.sense(self._all_worlds, self._pose, self._present)
        self._visible = self.game.sight(self._all_worlds, self._pose, visible)
        self.game.sense(self._all_worlds, self._pose)

    def _perceive_again(self, worlds: Tensor) -> None:
        """Look around in some worlds (K,), which have changed since all of them looked."""
        pose = self._pose[worlds]
        visible, lidar = self._perception.sense(worlds, pose, self._present[worlds])
        self._visible = self._visible.index_copy(0, worlds, self.game.sight(worlds, pose, visible))
        self._lidar = self._lidar.index_copy(0, worlds, lidar)
        self.game.sense(worlds, pose)

    def _observe(self) -> Observation:
        observation = self._observer.observe(
            self._pose,
            self._velocity,
            self._box_half_size,
            self._present,
            self._locks,
            self._visible,
            self._lidar,
            self._steps,
            self._cylinder_half_size,
            self.game.traits(),
            self.game.senses(),
        )
        return observation | self.game.entities()

    def step(self, actions: Tensor) -> StepResult:
        """Advance every world by one step; worlds whose episode is over start their next one.

        Args and errors are those of ``advance``.
        """
        return self.conclude(self.advance(actions))

    def conclude(self, transition: Transition) -> StepResult:
        """Start the next episode of worlds whose episode is over, and observe: the second half of ``step``.

        Between ``advance`` and this, ``observe`` still shows the last state of those episodes.
        """
        t, counted = transition, transition.done & self._counted
        finals = self.restart(t)
        return StepResult(self._observe(), t.reward, t.done, t.truncated, t.live, t.hiders_seen, finals, counted)

    def observe(self) -> Observation:
        """Return the current observation, as the last ``reset``, ``advance`` or ``step`` left the worlds."""
        return self._observe()

    def cuts_short(self, transition: Transition) -> bool:
        """Tell whether a shortened first episode ended with a step; on a GPU, which is not asked, whether one may have.

        Then the value of the last state, which ``observe`` shows until ``conclude``, stands for the rest of that
        episode.
        """
        if self.engine.queues:
            return self._cuts_left >= 0
        return bool((transition.truncated & ~transition.broken).any())

    def advance(self, actions: Tensor, parts: int = 1) -> Transition:
        """Advance every world by one step and leave worlds whose episode is over as they are.

        Args:
          actions: (W, A, 5) int64: bins of two forces and a torque (the middle one is none), grab, lock.
          parts: equal parts of the step, a divisor of its substeps, between which poses are read; it changes nothing.

        Raises:
          ValueError: wrong shape, dtype or range.
          RuntimeError: nothing was started yet.
        """
        if not self._begun:
            raise RuntimeError("no episode has begun; call reset() before step()")
        self._actions.check(actions)
        absent = ~self._present[:, : self.num_agents]
        frozen = self.game.frozen(self._steps) | absent
        actions = torch.where(frozen[..., None], self._actions.none, actions)
        seen_before, locked_before = self._visible, self._locks.locked
        self._manipulate(*actions[..., 3:5].bool().unbind(-1))
        self.game.act(actions[..., 5:], self._pose)
        between = self._move(self._actions.commands(actions, self._pose[:, : self.num_agents, 3]), parts)
        diverged = self.engine.diverged.clone()  # The engine clears its own when the world starts again.
        self._abandon(diverged)
        self.game.arrange()
        self._read_engine()
        self._steps = self._steps + 1
        self._cuts_left -= 1
        self._perceive()
        view = self._view(seen_before, locked_before)
        verdict = self.game.judge(view)
        verdict.reward = torch.where(diverged[:, None] | absent, 0.0, verdict.reward)
        self.game.tally(view, verdict)
        done = (self._steps >= self._episode_end) | verdict.over | diverged
        truncated = done & (self._steps < self.scenario.horizon) & (diverged | ~verdict.over)
        seen = verdict.hiders_seen
        return Transition(verdict.reward, done, truncated, diverged, verdict.live, seen, view, between)

    def _move(self, command: Tensor, parts: int) -> Tensor:
        """Let physics run for a step, and return the poses (W, parts - 1, E, Q) between its parts."""
        substeps, between = self.scenario.substeps // parts, [self._pose[:, None][:, :0]]
        for _ in range(parts - 1):
            self.engine.step(command, substeps)
            between.append(self.engine.pose[:, None])
        self.engine.step(command, substeps)
        return torch.cat(between, dim=1)

    def _view(self, seen_before: Tensor, locked_before: Tensor) -> View:
        return View(
            self._pose,
            self._velocity,
            self._start_pose,
            self._present,
            self._box_half_size,
            self._visible,
            seen_before,
            self._locks,
            locked_before,
            self._steps,
        )

    def _manipulate(self, grab: Tensor, lock: Tensor) -> None:
        """Decide grabs and locks from presses (W, A) bool, and tell the engine."""
        s, agents = self.scenario, self.num_agents
        object_pose = self._pose[:, agents:]
        distance = distance_to_objects(self._pose[:, :agents, :3], object_pose, self._half_size)
        near = (distance <= s.reach) & self._present[:, None, agents:]
        seen = near & self._visible[..., agents:]
        self._grabs = update_grabs(self._grabs, grab, near if s.grab_unseen else seen, distance, self._pose)
        self._grabs = self.game.hold(self._grabs, distance)
        within = (near if s.lock_unseen else seen) & self.game.lockable(self._locks.locked)[:, None]
        if not s.lock_in_preparation:
            within = within & (self._steps >= s.preparation_steps)[:, None, None]
        # Draw for the worlds of all processes, so that each world's numbers do not depend on who has it.
        shape = (self.all_worlds, *within.shape[1:])
        draw = torch.rand(shape, generator=self._generator, device=self.device).narrow(0, self.first_world, len(within))
        self._locks = update_locks(self._locks, lock, within, object_pose, self._team, s.lock_type, draw)
        self._locks = self.game.guide(self._locks, self._steps)
        self.engine.set_grabs(**vars(self._grabs))
        self.engine.set_locks(self._locks.locked, self._locks.pose)

    def _abandon(self, diverged: Tensor) -> None:
        """Put worlds with broken physics back to a sane state; they are reset at the end of this step."""
        if self._nowhere(diverged):
            return
        self._num_diverged += diverged.sum()
        self.engine.place(diverged, self._start_pose, torch.zeros_like(self._start_pose))
        self._counted = self._counted & ~diverged

    def _nowhere(self, chosen: Tensor) -> bool:
        """Tell whether no world is chosen, (W,) bool, where that is known without waiting for a GPU."""
        return not self.engine.queues and not chosen.any()

    def restart(self, transition: Transition) -> dict[str, Tensor]:
        """Start the next episodes of worlds whose episode is over.

        Returns:
          Name -> (W,) float32: the final numbers of ended episodes; those of other worlds mean nothing. No names if no
          episode ended, where that is known without waiting for a GPU.
        """
        done = transition.done
        if self._nowhere(done):
            return {}
        numbers = self.game.statistics(transition.view) | {"length": self._steps}
        table = torch.stack([values.float() for values in numbers.values()])  # Copies: the next step changes its sums.
        layout, given = self._layouts.next(done), self.starts.take(done) if self.starts else None
        if given:
            layout = given[1].layout.where(given[0], layout)
        self._episode_end = where_worlds(done, self.scenario.horizon, self._episode_end)
        self._counted = self._counted | done
        self._start(done, layout, given)
        return dict(zip(numbers, table.unbind(), strict=True))

    # --- state in, state out ---------------------------------------------------------------------------------------

    def get_state(self, worlds: Tensor) -> WorldState:
        """Read the state of some worlds (K,)."""
        grabs, locks = self._grabs, self._locks
        return WorldState(
            self._pose[worlds].clone(),
            self._velocity[worlds].clone(),
            Grabs(grabs.holding[worlds], grabs.offset[worlds], grabs.yaw[worlds], grabs.tilt[worlds]),
            Locks(locks.locked[worlds], locks.locker[worlds], locks.pose[worlds]),
            self._visible[worlds].clone(),
            self._steps[worlds].clone(),
            {name: values[worlds] for name, values in self.game.state.items()},
        )

    def set_state(self, worlds: Tensor, state: WorldState) -> Observation:
        """Continue some worlds (K,) from a state of the same layout, and observe.

        ``state.visible`` and ``state.game`` steer the next step; the observation shows what is visible from here.

        Raises:
          UserError: no such world, or the state does not fit; nothing has changed then.
        """
        check_worlds(worlds, self.num_worlds)
        state = fit_state(state, self.get_state(worlds), self.num_agents)
        self.engine.set_bodies(worlds, state.pose, state.velocity)
        self._grabs = Grabs(**_replace_rows(vars(self._grabs), worlds, vars(state.grabs)))
        self._locks = Locks(**_replace_rows(vars(self._locks), worlds, vars(state.locks)))
        self._steps = self._steps.index_copy(0, worlds, state.steps)
        self.engine.set_grabs(**vars(self._grabs))
        self.engine.set_locks(self._locks.locked, self._locks.pose)
        self._read_engine()
        self._set_game_state(worlds, state)
        self._perceive_again(worlds)
        observation = self._observe()
        self._visible = self._visible.index_copy(0, worlds, state.visible)
        self._set_game_state(worlds, state)
        return observation

    def _set_game_state(self, worlds: Tensor, state: WorldState) -> None:
        """Write what was given of the game's state: once for what it senses, once more over what it then sensed."""
        for name, values in state.game.items():
            self.game.state[name][worlds] = values

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that decides the future of all worlds, for a restart that is exact to the bit."""
        tensors = {
            "start_pose": self._start_pose,
            "present": self._present,
            "box_half_size": self._box_half_size,
            "cylinder_half_size": self._cylinder_half_size,
            "visible": self._visible,
            "lidar": self._lidar,
            "steps": self._steps,
            "episode_end": self._episode_end,
            "counted": self._counted,
            "generator": self._generator.get_state(),
            "num_diverged": self._num_diverged.cpu(),
        }
        groups = {
            "engine": self.engine.state_dict(),
            "layouts": self._layouts.state_dict(),
            "grabs": vars(self._grabs),
            "locks": vars(self._locks),
            "game": self.game.state,
        }
        if self.starts and self._layout:
            groups["starts"] = {"origin": self.starts.origin, **vars(self._layout)}
        tensors |= {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
        return {name: value.clone() for name, value in tensors.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> Observation:
        """Restore what ``state_dict`` returned in an environment of the same scenario and size, and observe.

        Raises:
          UserError: the state is of another scenario or number of worlds; nothing has changed then.
        """
        expected = self.state_dict()
        if "grabs.tilt" not in state:  # From before boxes could tilt.
            del expected["grabs.tilt"]
        state = fit_tensors(state, expected, "the saved state")

        def group(name: str) -> dict[str, Tensor]:
            return {key.removeprefix(f"{name}."): v.clone() for key, v in state.items() if key.startswith(f"{name}.")}

        for name in ("start_pose", "present", "visible", "lidar", "steps", "episode_end", "counted"):
            setattr(self, f"_{name}", state[name].clone().to(self.device))
        self._set_half_size(self._half_size.clone())
        self._box_half_size.copy_(state["box_half_size"])
        self._cylinder_half_size.copy_(state["cylinder_half_size"])
        self._generator.set_state(state["generator"])
        self._num_diverged = state["num_diverged"].to(self.device).clone()
        self.engine.load_state_dict(group("engine"))
        self._layouts.load_state_dict(group("layouts"))
        self._grabs, self._locks = Grabs(**group("grabs")), Locks(**group("locks"))
        self.game.state.update(group("game"))  # In place: parts of a game share it.
        if self.starts:
            self.starts.clear()
            self.starts.origin = state["starts.origin"].clone()
            self._layout = Layout(**{name: values for name, values in group("starts").items() if name != "origin"})
        self._begin()
        self._read_engine()
        return self._observe()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by arguments and state. The copy continues exactly as this would, on such a device."""
        arguments = self._arguments | {"seed": self._layouts.seed}
        return self._restore, (arguments, self.state_dict(), self._begun, self.starts is not None)

    @classmethod
    def _restore(
        cls, arguments: dict[str, Any], state: dict[str, Tensor], begun: bool, starts: bool = False
    ) -> BatchEnv:
        env = cls(**arguments)
        if starts:
            env.keep_starts()
        env.load_state_dict(state)
        env._begun = begun
        return env

    def close(self) -> None:
        """Free the physics engine's threads. Nothing happens the second time."""
        self.__dict__.pop("engine", None)


def _replace_rows(old: dict[str, Tensor], worlds: Tensor, new: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (W, ...) with the rows of some worlds (K,) replaced by tensors (K, ...)."""
    return {name: values.index_copy(0, worlds, new[name]) for name, values in old.items()}
