"""The environment: reset and step over W worlds, auto-reset and episode statistics.

Shapes: W worlds, A agents (hiders first), O objects (boxes, then ramps), E = A + O entities, Q numbers in a pose,
K parts of an action.

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
from .games.game import check_verdict
from .layouts import TRAINING, Domain, Layout, LayoutBank, validate_layout
from .observations import Observation
from .options.ranges import AtLeastOne, Threads, require
from .physics import EngineName, make_engine
from .scenario import Scenario
from .scenarios.scenario_checks import validate
from .scene import scene
from .starts import StartQueue, Starts
from .state import Schedule, Worlds, load, read, save, write
from .state.state_checks import fit_tensors
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
        built = scene.build(scenario)
        self.engine = make_engine(built, num_worlds, device, require("threads", threads, Threads), engine)
        self.device = self.engine.device
        self._num_diverged = torch.zeros((), dtype=torch.int64, device=self.device)
        self._schedule = Schedule(scenario, num_worlds, seed, first_world, domain, self.device, self.engine.queues)
        if stagger:
            self._schedule.stagger(first_world, self.all_worlds)
        self._generator = torch.Generator(self.device).manual_seed(seed)
        self._worlds = Worlds(scenario, num_worlds, self.engine)
        self.game = self._worlds.game
        self._actions = Actions(scenario, num_worlds, self.device)
        self._begun = False
        self._judged = False
        """Whether the game's verdicts have been checked; the first one stands for all."""
        self._cuts_left = 0
        """Steps in which a shortened first episode may still end; the host knows it without asking the device."""

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
        return self.game.frozen(self._worlds.steps) | ~self.present_agents

    @property
    def present_agents(self) -> Tensor:
        """(W, A) bool: agents that take part in the present episode; see ``Scenario.random_team_sizes``."""
        return self._worlds.present[:, : self.num_agents].clone()

    @property
    def object_half_size(self) -> Tensor:
        """(W, O, 3) half sizes of objects as grabs and locks measure them, metres; zeros for absent boxes."""
        return self._worlds.half_size.clone()

    @property
    def num_diverged(self) -> int:
        """How often a world was reset because its physics broke."""
        return int(self._num_diverged)

    @property
    def num_repeated_layouts(self) -> int:
        """How often a world of a GPU played an old layout again because no new one was ready; see ``LayoutBank``."""
        layouts = self._schedule.layouts
        return layouts.repeats if isinstance(layouts, LayoutBank) else 0

    @property
    def bytes_per_world(self) -> int:
        """Memory that one more world costs, in bytes."""
        w = self._worlds
        tensors = [w.pose, w.velocity, w.visible, w.lidar, *self.observe().values()]
        return self.engine.bytes_per_world + sum(t.nbytes for t in tensors) // self.num_worlds

    # --- episodes --------------------------------------------------------------------------------------------------

    def reseed(self, seed: int) -> None:
        """Let every layout and random draw from the next ``reset`` on be what a new environment with this seed has.

        Raises:
          UserError: a seed that is not in 0..2**32 - 1.
        """
        self._schedule.reseed(seed)
        self._generator.manual_seed(seed)

    def refill(self) -> None:
        """Get ready for a rollout: call it between two, so that a run which is saved and resumed there stays the same.

        Brings fresh layouts to a GPU, if the worlds are there: it copies from the host. Wakes sleeping bodies.
        """
        self.engine.reload()
        if isinstance(self._schedule.layouts, LayoutBank):
            self._schedule.layouts.refill()

    @property
    def starts(self) -> StartQueue | None:
        """Where the next episodes begin, if not always fresh; see ``keep_starts``."""
        return self._schedule.starts

    def keep_starts(self) -> StartQueue:
        """Be able to ``capture`` states, and to begin episodes in them: return the queue that takes them.

        Raises:
          RuntimeError: episodes have begun already.
        """
        if self._begun:
            raise RuntimeError("keep_starts() comes before the first reset()")
        return self._schedule.keep_starts()

    def capture(self, worlds: Tensor) -> Starts:
        """Return the states of some worlds (K,) as starts of other episodes. ``keep_starts`` comes before.

        ``state.visible`` is what is visible now, so that the next step is the one that would follow here.
        """
        layout = self._schedule.layout
        assert layout is not None, "keep_starts() comes before capture()"
        return Starts.of(layout.select(worlds), self.get_state(worlds))

    def reset(self, layout: Layout | None = None) -> Observation:
        """Start an episode in every world, from the given layout of W worlds or from the world's next one.

        Raises:
          UserError: the layout does not fit the scenario.
        """
        layout = self._schedule.begin(self.fit(layout) if layout is not None else None)
        self._worlds.begin(torch.ones(self.num_worlds, dtype=torch.bool, device=self.device), layout)
        self._begin()
        return self.observe()

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
        self._cuts_left = self.scenario.horizon if (self._schedule.end < self.scenario.horizon).any() else 0

    def step(self, actions: Tensor) -> StepResult:
        """Advance every world by one step; worlds whose episode is over start their next one.

        Args and errors are those of ``advance``.
        """
        return self.conclude(self.advance(actions))

    def conclude(self, transition: Transition) -> StepResult:
        """Start the next episode of worlds whose episode is over, and observe: the second half of ``step``.

        Between ``advance`` and this, ``observe`` still shows the last state of those episodes.
        """
        t, counted = transition, transition.done & self._schedule.counted
        finals = self.restart(t)
        return StepResult(self.observe(), t.reward, t.done, t.truncated, t.live, t.hiders_seen, finals, counted)

    def observe(self) -> Observation:
        """Return the current observation, as the last ``reset``, ``advance`` or ``step`` left the worlds."""
        return self._worlds.observe()

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
          actions: (W, A, K) int64: bins of two forces and a torque (the middle one is none), grab, lock.
          parts: equal parts of the step, a divisor of its substeps, between which poses are read; it changes nothing.

        Raises:
          ValueError: wrong shape, dtype or range.
          RuntimeError: nothing was started yet.
          UserError: the game's first verdict has a wrong shape or type.
        """
        if not self._begun:
            raise RuntimeError("no episode has begun; call reset() before step()")
        self._actions.check(actions)
        worlds = self._worlds
        absent = ~worlds.present[:, : self.num_agents]
        frozen = self.game.frozen(worlds.steps) | absent
        actions = torch.where(frozen[..., None], self._actions.none, actions)
        seen_before, locked_before = worlds.visible, worlds.locks.locked
        grab, lock = actions[..., 3:5].bool().unbind(-1)
        worlds.manipulate(grab, lock, self._draw())
        self.game.act(actions[..., 5:], worlds.pose)
        between = self._move(self._actions.commands(actions, worlds.pose[:, : self.num_agents, 3]), parts)
        diverged = self.engine.diverged.clone()  # The engine clears its own when the world starts again.
        self._abandon(diverged)
        self.game.arrange()
        worlds.read_engine()
        worlds.steps = worlds.steps + 1
        self._cuts_left -= 1
        worlds.look()
        view = worlds.view(seen_before, locked_before)
        verdict = self.game.judge(view)
        if not self._judged:
            check_verdict(verdict, self.scenario, self.num_worlds, self.device)
            self._judged = True
        verdict.reward = torch.where(diverged[:, None] | absent, 0.0, verdict.reward)
        self.game.tally(view, verdict)
        done = (worlds.steps >= self._schedule.end) | verdict.over | diverged
        truncated = done & (worlds.steps < self.scenario.horizon) & (diverged | ~verdict.over)
        seen = verdict.hiders_seen
        return Transition(verdict.reward, done, truncated, diverged, verdict.live, seen, view, between)

    def _draw(self) -> Tensor:
        """Draw a random number for each agent and object, (W, A, O).

        It is done for the worlds of all processes, so that each world's numbers do not depend on who has it.
        """
        shape = (self.all_worlds, self.num_agents, self.scenario.num_objects)
        draw = torch.rand(shape, generator=self._generator, device=self.device)
        return draw.narrow(0, self.first_world, self.num_worlds)

    def _move(self, command: Tensor, parts: int) -> Tensor:
        """Let physics run for a step, and return the poses (W, parts - 1, E, Q) between its parts."""
        substeps, between = self.scenario.substeps // parts, [self._worlds.pose[:, None][:, :0]]
        for _ in range(parts - 1):
            self.engine.step(command, substeps)
            between.append(self.engine.pose[:, None])
        self.engine.step(command, substeps)
        return torch.cat(between, dim=1)

    def _abandon(self, diverged: Tensor) -> None:
        """Put worlds with broken physics back to a sane state; they are reset at the end of this step."""
        if self._nowhere(diverged):
            return
        self._num_diverged += diverged.sum()
        start_pose = self._worlds.start_pose
        self.engine.place(diverged, start_pose, torch.zeros_like(start_pose))
        self._schedule.counted = self._schedule.counted & ~diverged

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
        numbers = self.game.statistics(transition.view) | {"length": self._worlds.steps}
        table = torch.stack([values.float() for values in numbers.values()])  # Copies: the next step changes its sums.
        self._worlds.begin(done, *self._schedule.next(done))
        return dict(zip(numbers, table.unbind(), strict=True))

    # --- state in, state out ---------------------------------------------------------------------------------------

    def get_state(self, worlds: Tensor) -> WorldState:
        """Read the state of some worlds (K,)."""
        return read(self._worlds, worlds)

    def set_state(self, worlds: Tensor, state: WorldState) -> Observation:
        """Continue some worlds (K,) from a state of the same layout, and observe.

        ``state.visible`` and ``state.game`` steer the next step; the observation shows what is visible from here.

        Raises:
          UserError: no such world, or the state does not fit; nothing has changed then.
        """
        return write(self._worlds, worlds, state)

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that decides the future of all worlds, for a restart that is exact to the bit."""
        own = {"generator": self._generator.get_state(), "num_diverged": self._num_diverged.cpu()}
        tensors = save(self._worlds) | self._schedule.state_dict() | own
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
        load(self._worlds, state)
        self._schedule.load_state_dict(state)
        self._generator.set_state(state["generator"])
        self._num_diverged = state["num_diverged"].to(self.device).clone()
        self._begin()
        return self.observe()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by arguments and state. The copy continues exactly as this would, on such a device."""
        arguments = self._arguments | {"seed": self._schedule.layouts.seed}
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
        for name in ("engine", "game", "_worlds"):  # Each of them holds the engine.
            self.__dict__.pop(name, None)
