"""States that no rollout of the run has passed: those of scripted play, and neighbours of kept ones."""

from __future__ import annotations

import dataclasses
import math

import torch

from envs.batch_env import BatchEnv
from envs.layouts import STARTS
from envs.options.ranges import derived_seed
from envs.scenarios import Scenario
from envs.starts import Starts

from ..play.agents import make_agent
from ..play.random_play import random_actions

_WORLDS = 32
"""Worlds in which scripts play."""
_TIMES = 4
"""States taken from an episode of a script, at random times: more episodes are worth more than more of each."""
_HELD = 4
"""Steps for which a walk keeps a random action: forces drawn anew every step would cancel out."""


def scripted_states(agents: tuple[str, ...], scenario: Scenario, count: int, span: float, seed: int) -> Starts:
    """Return states of episodes of scripted players, as many of each, on layouts that are used for nothing else.

    Args:
      agents: as commands name them.
      scenario: where they play.
      count: states in all.
      span: part of each episode, from its beginning, from which they are taken.
      seed: of layouts and random actions.
    """
    each = math.ceil(count / len(agents))
    parts = [_states_of(agent, scenario, each, span, derived_seed(seed, n)) for n, agent in enumerate(agents)]
    states = Starts.join(parts)
    return states.select(torch.arange(min(count, len(states))))


def _states_of(agent: str, scenario: Scenario, count: int, span: float, seed: int) -> Starts:
    """Return states of one player, which plays with fine actions whatever those of the run are: states have none."""
    scenario = dataclasses.replace(scenario, movement_bins=11, heading_forces=False)
    player = make_agent(agent, scenario, seed)
    env = BatchEnv(scenario, _WORLDS, seed, domain=STARTS)
    generator = torch.Generator().manual_seed(seed)
    last = max(int(span * (scenario.horizon - 1)), 2)
    parts: list[Starts] = []
    try:
        env.keep_starts()
        while sum(len(part) for part in parts) < count:
            obs, started = env.reset(), torch.ones(_WORLDS, dtype=torch.bool)
            player.begin(env)
            times = torch.randint(1, last, (_WORLDS, _TIMES), generator=generator)
            for step in range(1, int(times.max()) + 1):
                obs = env.step(player.act(obs, started)).obs
                started = torch.zeros_like(started)
                parts.append(env.capture((times == step).any(1).nonzero()[:, 0]))
    finally:
        env.close()
    states = Starts.join(parts)
    order = torch.randperm(len(states), generator=generator)
    return states.select(order[:count])


class Walker:
    """Worlds of its own, in which random play leads from states to neighbours.

    Args:
      scenario: the worlds.
      count: the most states at a time.
      steps: of random play.
    """

    def __init__(self, scenario: Scenario, count: int, steps: int) -> None:
        self._env = BatchEnv(scenario, count, 0, domain=STARTS)
        self._env.keep_starts()
        self._steps = steps
        self._bins = torch.tensor(scenario.action_bins)

    def neighbours(self, states: Starts, generator: torch.Generator) -> Starts:
        """Return a neighbour of each of n states, in worlds on the CPU; those whose physics broke are left out."""
        env, count = self._env, len(states)
        rows = torch.arange(env.num_worlds) % count
        padded = states.to("cpu").select(rows)
        env.reset(padded.layout)
        everywhere = torch.arange(env.num_worlds)
        env.set_state(everywhere, padded.state)
        start = padded.tensors["state.steps"]
        back = (torch.rand(len(rows), generator=generator) * (self._steps + 1)).long()
        sane = torch.ones(env.num_worlds, dtype=torch.bool)
        for step in range(self._steps):
            if step % _HELD == 0:
                part = (0, env.num_worlds)
                actions = random_actions(self._bins, env.num_worlds, env.num_agents, part, generator)
            sane &= ~env.advance(actions).broken
        found = env.capture(everywhere)
        found.tensors["state.steps"] = (start - back).clamp(min=0)
        return found.select(sane[:count].nonzero()[:, 0])

    def close(self) -> None:
        """Free the worlds."""
        self._env.close()
