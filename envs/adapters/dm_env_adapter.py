"""dm_env: one world as a ``dm_env.Environment``, which dm_control's viewer can show.

from dm_control import viewer
from envs.adapters.dm_env_adapter import HideSeekEnvironment
viewer.launch(HideSeekEnvironment("hide-and-seek/full"))
"""

from __future__ import annotations

from typing import Any

import dm_env
import numpy as np
from dm_env import specs
from numpy.typing import NDArray

from ..scenarios import Scenario
from .dm_physics import ShownPhysics
from .single_world import SingleWorld


class HideSeekEnvironment(dm_env.Environment):
    """One world of a scenario, with the interface of ``dm_control.rl.control.Environment``.

    With several agents, observations, actions and rewards are lists with one entry per agent, hiders first; with one
    agent they are plain. Agents that random team sizes leave out stay in the lists: their rewards are zero and their
    actions ignored. The game's end has discount 0; an episode that broken physics cut off ends with discount 1.

    Args:
      scenario: name or scenario.
      seed: of the sequence of episodes; None takes a random one.
      options: fields of the scenario to replace.

    Raises:
      UserError: unknown name or option, or an impossible scenario.
    """

    def __init__(
        self, scenario: str | Scenario = "hide-and-seek/full", seed: int | None = None, **options: Any
    ) -> None:
        self._world = SingleWorld(scenario, options=options)
        self.scenario = self._world.scenario
        self.agents = list(self._world.names)
        self._world.batch.reseed(int(np.random.default_rng(seed).integers(2**31)))
        self._needs_reset = True
        self._physics: ShownPhysics | None = None
        self._action_specs = [self._make_action_spec(name) for name in self.agents]
        self._observation_spec = {name: _array_spec(name, values) for name, values in self._world.example.items()}

    def _make_action_spec(self, agent: str) -> specs.BoundedArray:
        most = np.array(self.scenario.action_bins) - 1
        return specs.BoundedArray(most.shape, np.int64, np.zeros_like(most), most, name=f"action of {agent}")

    def _each(self, values: list[Any]) -> Any:
        """Return a list with one entry per agent, or the entry of the only agent."""
        return values if len(self.agents) > 1 else values[0]

    # --- specs -----------------------------------------------------------------------------------------------------

    def action_spec(self) -> Any:
        """Return bins of two forces and a torque (the middle one is none), grab and lock."""
        return self._each(self._action_specs)

    def observation_spec(self) -> Any:
        """Return what an agent may know: features of what it does not see are zeros."""
        return self._each([dict(self._observation_spec) for _ in self.agents])

    def reward_spec(self) -> Any:
        """Return scalars."""
        return self._each([specs.Array((), np.float32, name=f"reward of {name}") for name in self.agents])

    def step_spec(self) -> dm_env.TimeStep:
        """Return what a step consists of."""
        kind = specs.BoundedArray((), np.int64, 0, 2, name="step_type")
        return dm_env.TimeStep(kind, self.reward_spec(), self.discount_spec(), self.observation_spec())

    @property
    def task(self) -> Scenario:
        """The scenario, which says all about the task."""
        return self.scenario

    def control_timestep(self) -> float:
        """Return the simulated seconds of one step."""
        return self.scenario.step_seconds

    # --- episodes --------------------------------------------------------------------------------------------------

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        observations = self._world.reset()
        self._needs_reset = False
        if self._physics is not None:
            self._show()
        return dm_env.restart(self._each(observations))

    def step(self, action: Any) -> dm_env.TimeStep:
        """Make one step; the first one, and one after the end, start an episode instead.

        Raises:
          ValueError: an action is missing or does not fit its spec; names the agent and the spec.
        """
        if self._needs_reset:
            return self.reset()
        outcome = self._world.step(self._check(action))
        if self._physics is not None:
            self._follow()
        rewards = self._each([np.float32(value) for value in outcome.rewards])
        observations = self._each(outcome.observations)
        self._needs_reset = not self._world.running
        if outcome.terminated:
            return dm_env.termination(rewards, observations)
        if outcome.truncated:
            return dm_env.truncation(rewards, observations)
        return dm_env.transition(rewards, observations)

    def _check(self, action: Any) -> NDArray[np.int64]:
        actions = action if len(self.agents) > 1 else [action]
        if not isinstance(actions, (list, tuple, np.ndarray)) or len(actions) != len(self.agents):
            raise ValueError(
                f"expected a list of {len(self.agents)} actions, for {', '.join(self.agents)}, got {action!r}"
            )
        return np.stack([spec.validate(given) for spec, given in zip(self._action_specs, actions, strict=True)])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the copy for a viewer, which is made when it is asked for."""
        return self.__dict__ | {"_physics": None}

    # --- for dm_control's viewer ------------------------------------------------------------------------------------

    @property
    def physics(self) -> ShownPhysics:
        """The world for a viewer: a copy that is new in every episode and follows every step.

        It is for looking only: what is written to it, such as the forces of the viewer's mouse, does not reach the
        world.
        """
        if self._physics is None:
            self._physics = ShownPhysics()
            self._show()
        return self._physics

    def _show(self) -> None:
        """Copy the world of a new episode."""
        assert self._physics is not None
        self._physics.show(self._world.batch.engine.world_model(0))
        self._follow()

    def _follow(self) -> None:
        """Let the copy be where the world is."""
        assert self._physics is not None
        self._physics.follow(self._world.batch.engine.world_data(0))

    def close(self) -> None:
        """Free the copy for the viewer."""
        if self._physics is not None:
            self._physics.free()
            self._physics = None
        self._world.close()


def _array_spec(name: str, values: NDArray[Any]) -> specs.Array:
    if values.dtype == np.int8:
        return specs.BoundedArray(values.shape, np.int8, 0, 1, name=name)
    return specs.Array(values.shape, values.dtype, name=name)
