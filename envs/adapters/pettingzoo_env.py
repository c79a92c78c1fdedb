"""PettingZoo: one world as a parallel environment.

Importing this module registers every scenario: ``hide-and-seek/full`` becomes ``hideseek/hide-and-seek-full-v0``, for
``pettingzoo.make("parallel", ...)`` and, one agent after the other, ``pettingzoo.make("aec", ...)``.
"""

from __future__ import annotations

import secrets
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo.utils.conversions import parallel_to_aec

from ..scenarios import SCENARIOS, Scenario
from .single_world import RENDER_MODES, AgentObservation, SingleWorld
from .spaces import (
    InvalidActionError,
    ResetNeededError,
    action_space,
    check_action,
    check_render_mode,
    environment_id,
)
from .spaces import observation_space as make_observation_space

Infos = dict[str, dict[str, Any]]


class HideSeekParallelEnv(pettingzoo.ParallelEnv[str, AgentObservation, NDArray[np.int64]]):
    """One world of a scenario. Agents are called ``hider_0``, ..., ``seeker_0``, ...

    An agent's observation holds what it may know: features of what it does not see are zeros, and ``*_visible`` masks
    tell what it sees. ``state()`` holds everything. The last step's infos hold the episode's ``statistics``.

    Args:
      scenario: name or scenario.
      render_mode: ``rgb_array``, ``human`` (draws at every reset and step) or None.
      max_cycles: truncate episodes after this many steps; None leaves the length to the scenario.
      size: width and height of pictures, pixels.
      options: fields of the scenario to replace.

    Raises:
      UserError: unknown name or option, or an impossible scenario.
      UnsupportedMode: unknown render mode.
    """

    def __init__(
        self,
        scenario: str | Scenario = "hide-and-seek/full",
        render_mode: str | None = None,
        max_cycles: int | None = None,
        size: tuple[int, int] = (640, 480),
        **options: Any,
    ) -> None:
        check_render_mode(render_mode)
        self._world = SingleWorld(scenario, render_mode, size, options)
        self.scenario = self._world.scenario
        self.render_mode = render_mode
        self.max_cycles = max_cycles
        self.metadata = {
            "name": self.scenario.name,
            "render_modes": list(RENDER_MODES),
            "render_fps": round(1 / self.scenario.step_seconds, 3),
            "is_parallelizable": True,
        }
        self.possible_agents = list(self._world.names)
        self.agents: list[str] = []
        self._seeded = False
        self._index = {name: index for index, name in enumerate(self.possible_agents)}
        self._bins = np.array(self.scenario.action_bins)
        example = self._world.example
        self.observation_spaces = {name: make_observation_space(example) for name in self.possible_agents}
        self.action_spaces = {name: action_space(self.scenario) for name in self.possible_agents}
        self.state_space = spaces.Box(-np.inf, np.inf, self._world.state().shape, np.float32)

    def observation_space(self, agent: str) -> spaces.Space:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, AgentObservation], Infos]:
        """Start an episode.

        Args:
          seed: restart the sequence of episodes; None continues it, and draws one the first time.
          options: ``layout`` (a ``Layout`` of one world) decides the start; other keys are ignored.

        Raises:
          UserError: the layout does not fit the scenario, or mode ``human`` has no display. Nothing has changed then.
        """
        if seed is None and not self._seeded:
            seed = secrets.randbits(32)
        observations = self._world.reset(seed, (options or {}).get("layout"))
        self._seeded = True
        present = self._world.present
        self.agents = [name for name, here in zip(self.possible_agents, present, strict=True) if here]
        return {name: observations[self._index[name]] for name in self.agents}, {name: {} for name in self.agents}

    def step(
        self, actions: dict[str, NDArray[np.int64]]
    ) -> tuple[dict[str, AgentObservation], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Make one step with an action of every agent in ``agents``.

        Raises:
          ResetNeededError: before the first ``reset`` or after the end.
          InvalidActionError: an agent is missing or unknown, or an action is not in its space.
        """
        if not self._world.running:
            raise ResetNeededError(f"the episode of {self} is over or has not begun; call reset() before step()")
        outcome = self._world.step(self._read(actions), self.max_cycles)
        names = self.agents
        observations = {name: outcome.observations[self._index[name]] for name in names}
        rewards = {name: outcome.rewards[self._index[name]] for name in names}
        terminated, truncated = dict.fromkeys(names, outcome.terminated), dict.fromkeys(names, outcome.truncated)
        infos: Infos = {name: {} for name in names}
        if not self._world.running:
            infos = {name: {"statistics": dict(outcome.statistics)} for name in names}
            self.agents = []
        return observations, rewards, terminated, truncated, infos

    def _read(self, actions: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return the actions of all possible agents, (A, 5), after checking those that are given."""
        if actions.keys() != set(self.agents):
            raise InvalidActionError(self._wrong_agents(actions))
        table = np.zeros((len(self.possible_agents), len(self._bins)), dtype=np.int64)
        for name, action in actions.items():
            if isinstance(action, np.ndarray) and action.dtype == np.int64 and action.shape == self._bins.shape:
                table[self._index[name]] = action
            else:
                table[self._index[name]] = check_action(action, name, self.action_spaces[name])
        if ((table < 0) | (table >= self._bins)).any():
            for name, action in actions.items():
                check_action(action, name, self.action_spaces[name])
        return table

    def _wrong_agents(self, actions: dict[str, Any]) -> str:
        extra, missing = [a for a in actions if a not in self.agents], [a for a in self.agents if a not in actions]
        space = self.action_spaces[self.possible_agents[0]]
        if extra:
            return f"action for unknown agent '{extra[0]}'; expected one {space} action for each of {self.agents}"
        return f"no action for agent '{missing[0]}'; expected one {space} action for each of {self.agents}"

    def state(self) -> NDArray[np.float32]:
        """Return the whole world as one vector; ``SingleWorld.state`` says what is in it."""
        return self._world.state()

    def render(self) -> NDArray[np.uint8] | None:
        """Return a picture (height, width, 3) in mode ``rgb_array``, show the world in mode ``human``.

        Raises:
          UserError: there is no OpenGL, or no display in mode ``human``.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                "render() does nothing without a render_mode; pass render_mode='rgb_array' or 'human'"
            )
        return self._world.render()

    def close(self) -> None:
        """Close the window and free what OpenGL holds."""
        self._world.close()


def parallel_env(**kwargs: Any) -> HideSeekParallelEnv:
    """Return a parallel environment; arguments as of ``HideSeekParallelEnv``."""
    return HideSeekParallelEnv(**kwargs)


def env(**kwargs: Any) -> pettingzoo.AECEnv:
    """Return the same environment for agents that choose one after the other."""
    return parallel_to_aec(parallel_env(**kwargs))


def register_envs() -> None:
    """Register every scenario that is not registered yet. Call it again after ``scenarios.register``."""
    for name in SCENARIOS:
        identifier = environment_id(name)
        if identifier not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", identifier, parallel_env, kwargs={"scenario": name})
            pettingzoo.register("aec", identifier, env, kwargs={"scenario": name})


register_envs()
