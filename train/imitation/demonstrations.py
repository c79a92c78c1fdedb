"""Recorded episodes as what a policy would have seen and what was done, for learning.

Shapes: T steps of the longest episode, M episodes, A agents, N = M * A sequences, all agents of episode 0 first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from envs.batch_env import BatchEnv, WorldState
from envs.errors import UserError
from envs.layouts import Layout
from envs.manipulation import Grabs, Locks
from envs.scenarios import Scenario

from ..play.episodes import Episode
from ..play.players import flatten_agents

_TOGETHER = 100
"""Episodes whose observations are made side by side."""


@dataclass(frozen=True)
class Demonstrations:
    """What was seen and done in M episodes."""

    observation: dict[str, Tensor]
    """(T, N, ...)."""
    actions: Tensor
    """(T, N, components) int64."""
    rewards: Tensor
    """(T, N)."""
    steps: Tensor
    """(T, N) bool: the agent was there, and its action had an effect."""
    running: Tensor
    """(T, N) bool: the agent was there, and its episode was not over."""

    def select(self, sequences: Tensor) -> Demonstrations:
        """Return some of the sequences, int64 (n,)."""
        observation = {name: values[:, sequences] for name, values in self.observation.items()}
        others = (self.actions, self.rewards, self.steps, self.running)
        return Demonstrations(observation, *(table[:, sequences] for table in others))

    def returns(self, gamma: float) -> Tensor:
        """Return (T, N): the discounted rewards from each step to the end of its episode."""
        total, returns = torch.zeros_like(self.rewards[0]), torch.zeros_like(self.rewards)
        for step in range(len(self.rewards) - 1, -1, -1):
            total = self.rewards[step] + gamma * total
            returns[step] = total
        return returns


def common_scenario(episodes: Sequence[Episode], files: Sequence[str]) -> Scenario:
    """Return the scenario of all episodes.

    Raises:
      UserError: there are several; names two files.
    """
    first = episodes[0].scenario
    for episode, file in zip(episodes, files, strict=True):
        if episode.scenario != first:
            same_name = " with other options" * (episode.scenario.name == first.name)
            raise UserError(
                f"{files[0]} has episodes of {first.name} and {file} of {episode.scenario.name}{same_name}; imitate "
                "one scenario at a time"
            )
    return first


def demonstrations_of(
    episodes: Sequence[Episode], threads: int = 0, progress: Callable[[int], None] = lambda _done: None
) -> Demonstrations:
    """Look again at what agents saw in recorded episodes of one scenario.

    Args:
      episodes: M of them.
      threads: of the physics; 0 uses all cores.
      progress: called with the number of episodes that are done.
    """
    longest = max(episode.steps for episode in episodes)
    parts = []
    for first in range(0, len(episodes), _TOGETHER):
        some = episodes[first : first + _TOGETHER]
        parts.append(_look_again(some, longest, threads))
        progress(first + len(some))
    names = [field.name for field in fields(Demonstrations) if field.name != "observation"]
    observation = {key: torch.cat([part.observation[key] for part in parts], dim=1) for key in parts[0].observation}
    return Demonstrations(observation, *(torch.cat([getattr(part, name) for part in parts], dim=1) for name in names))


def _look_again(episodes: Sequence[Episode], longest: int, threads: int) -> Demonstrations:
    """Put worlds into every state of some episodes, one after the other, and observe."""
    env = BatchEnv(episodes[0].scenario, len(episodes), 0, threads=threads, engine="mujoco")
    worlds = torch.arange(len(episodes))
    seen, there, acting, rows = [], [], [], []
    try:
        env.reset(Layout.stack([episode.layout for episode in episodes]))
        for step in range(longest):
            states = [episode.world_state(min(step, episode.steps)) for episode in episodes]
            seen.append(flatten_agents(env.set_state(worlds, _stack(states))))
            there.append(env.present_agents.flatten())
            acting.append((env.present_agents & ~env.frozen_agents).flatten())
            rows.append([min(step, episode.steps - 1) for episode in episodes])
    finally:
        env.close()
    agents = episodes[0].scenario.num_agents
    running = torch.tensor([[step < episode.steps for episode in episodes] for step in range(longest)])
    running = running.repeat_interleave(agents, dim=1) & torch.stack(there)

    def table(name: str) -> Tensor:
        steps = [[getattr(episode, name)[row] for episode, row in zip(episodes, some, strict=True)] for some in rows]
        return torch.from_numpy(np.array(steps)).flatten(1, 2)

    return Demonstrations(
        {key: torch.stack([step[key] for step in seen]) for key in seen[0]},
        table("actions").long(),
        table("rewards").float() * running,
        torch.stack(acting) & running,
        running,
    )


def _stack(states: Sequence[WorldState]) -> WorldState:
    """Put states of one world each side by side."""

    def together(kind: type, parts: Sequence[object]) -> dict[str, Tensor]:
        return {field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(kind)}  # type: ignore[arg-type]

    return WorldState(
        torch.cat([state.pose for state in states]),
        torch.cat([state.velocity for state in states]),
        Grabs(**together(Grabs, [state.grabs for state in states])),
        Locks(**together(Locks, [state.locks for state in states])),
        torch.cat([state.visible for state in states]),
        torch.cat([state.steps for state in states]),
        {name: torch.cat([state.game[name] for state in states]) for name in states[0].game},
    )
