"""PettingZoo: one world of a social game as a parallel environment.

Importing this module registers every social game: ``donation-game`` becomes ``hideseek/donation-game-v0``, for
``pettingzoo.make("parallel", ...)`` and, one agent after the other, ``pettingzoo.make("aec", ...)``.
"""

from __future__ import annotations

import secrets
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo.utils.conversions import parallel_to_aec
from torch import Tensor

from ..options.ranges import AtLeastOne, require
from ..social.catalogue import GAMES, make_game
from .spaces import InvalidActionError, ResetNeededError, environment_id

Observations = dict[str, NDArray[np.float32]]
Infos = dict[str, dict[str, Any]]
RENDER_MODES = ("ansi", "human")


class SocialParallelEnv(pettingzoo.ParallelEnv[str, NDArray[np.float32], int]):
    """One world of a social game. Agents are called ``agent_0``, ``agent_1``, ...

    Args:
      game: its name.
      render_mode: ``ansi`` (``render`` returns text), ``human`` (every reset and step prints it) or None.
      max_cycles: truncate episodes after this many steps; None takes the game's own length.
      options: of the game.

    Raises:
      UserError: unknown name or option, or a number out of its range.
      UnsupportedMode: unknown render mode.
    """

    def __init__(
        self,
        game: str = "donation-game",
        render_mode: str | None = None,
        max_cycles: int | None = None,
        **options: Any,
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise gymnasium.error.UnsupportedMode(f"render_mode is {render_mode!r}; use one of {RENDER_MODES} or None")
        self._generator = torch.Generator()
        self.game = make_game(game, 1, self._generator, **options)
        self.render_mode = render_mode
        self.max_cycles = self.game.horizon if max_cycles is None else require("max_cycles", max_cycles, AtLeastOne)
        self.metadata = {"name": game, "render_modes": list(RENDER_MODES), "is_parallelizable": True}
        self.possible_agents = [f"agent_{number}" for number in range(self.game.agents)]
        self.agents: list[str] = []
        size = self.game.observation_size
        self.observation_spaces = {name: spaces.Box(0.0, 1.0, (size,), np.float32) for name in self.possible_agents}
        self.action_spaces = {name: spaces.Discrete(self.game.actions) for name in self.possible_agents}
        self.state_space = spaces.Box(0.0, 1.0, (size * self.game.agents,), np.float32)
        self._seen = torch.zeros(1, self.game.agents, size)
        self._cycles = 0
        self._seeded = False

    def observation_space(self, agent: str) -> spaces.Space:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        """Start an episode.

        Args:
          seed: restart everything random; None continues it, and draws one the first time.
          options: ignored.
        """
        if seed is not None or not self._seeded:
            self._generator.manual_seed(secrets.randbits(63) if seed is None else seed)
            self._seeded = True
        self._seen, self._cycles = self.game.reset(), 0
        self.agents = list(self.possible_agents)
        self._show()
        return self._by_agent(self._seen), {name: {} for name in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Make one step with an action of every agent in ``agents``.

        Raises:
          ResetNeededError: before the first ``reset`` or after the end.
          InvalidActionError: an agent is missing or unknown, or an action is not in its space.
        """
        if not self.agents:
            raise ResetNeededError(f"the episode of {self} is over or has not begun; call reset() before step()")
        self._seen, rewards = self.game.step(self._read(actions))
        self._cycles += 1
        names, over = self.agents, self._cycles >= self.max_cycles
        self.agents = [] if over else names
        by_name = dict(zip(names, rewards[0].tolist(), strict=True))
        observations = self._by_agent(self._seen)
        infos: Infos = {name: {} for name in names}
        self._show()
        return observations, by_name, dict.fromkeys(names, False), dict.fromkeys(names, over), infos

    def _read(self, actions: dict[str, int]) -> Tensor:
        """Return actions (1, A) after checking them."""
        if actions.keys() != set(self.agents):
            odd = sorted(actions.keys() ^ set(self.agents))[0]
            problem = "no action for agent" if odd in self.agents else "action for unknown agent"
            raise InvalidActionError(f"{problem} '{odd}'; expected one for each of {self.agents}")
        for name, action in actions.items():
            if not self.action_spaces[name].contains(action):
                raise InvalidActionError(f"action of {name} is {action!r}; expected one of {self.action_spaces[name]}")
        return torch.tensor([[int(actions[name]) for name in self.agents]])

    def _by_agent(self, seen: Tensor) -> Observations:
        return dict(zip(self.possible_agents, seen[0].numpy().copy(), strict=True))

    def state(self) -> NDArray[np.float32]:
        """Return what all agents observe as one vector."""
        return self._seen.flatten().numpy().copy()

    def render(self) -> str | None:
        """Return the world as text in mode ``ansi``, print it in mode ``human``."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() does nothing without a render_mode; pass render_mode='ansi' or 'human'")
        if self.render_mode == "ansi":
            return self.game.text()
        self._show()
        return None

    def _show(self) -> None:
        if self.render_mode == "human":
            print(self.game.text())

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def social_parallel_env(**kwargs: Any) -> SocialParallelEnv:
    """Return a parallel environment; arguments as of ``SocialParallelEnv``."""
    return SocialParallelEnv(**kwargs)


def social_env(**kwargs: Any) -> pettingzoo.AECEnv:
    """Return the same environment for agents that choose one after the other."""
    return parallel_to_aec(social_parallel_env(**kwargs))


def register_social_envs() -> None:
    """Register every social game."""
    for name in GAMES:
        identifier = environment_id(name)
        if identifier not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", identifier, social_parallel_env, kwargs={"game": name})
            pettingzoo.register("aec", identifier, social_env, kwargs={"game": name})


register_social_envs()
