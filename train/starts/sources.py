"""States that no rollout of the run has passed: those of scripted play, and neighbours of kept ones."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import STARTS
from envs.options.ranges import derived_seed
from envs.scenarios import Scenario
from envs.starts import Starts

from ..play.agents import make_agent
from ..play.players import Player
from ..play.random_play import random_actions
from ..play.scripted import SCRIPTS, script_done
from ..play.teams_player import TeamsPlayer

_WORLDS = 32
"""Worlds in which scripts play."""
_TRIES = 4
"""Rounds of episodes that a script has to reach its goal, and one more for each 32 states wanted."""
_CHOICE = 3
"""States passed for each one taken, so that there is a choice of all distances from the goal."""
_NEVER = 1_000_000
"""Step at which a goal is reached that is not."""
_HELD = 4
"""Steps for which a walk keeps a random action: forces drawn anew every step would cancel out."""


def scripted_states(
    agents: tuple[str, ...], scenario: Scenario, count: int, seed: int, against: str = "random", fastest: float = 1.0
) -> tuple[Starts, Tensor, Tensor]:
    """Return states of episodes of scripted players, as many of each, on layouts that are used for nothing else.

    They are from before the script reached its goal: what comes afterwards teaches nothing.

    Args:
      agents: as commands name them; scripts with a strength or without.
      scenario: where they play.
      count: states in all.
      seed: of layouts and random actions.
      against: agent that the other team follows.
      fastest: share of the successful episodes of each that count, the quickest ones.

    Returns:
      The states; how many steps before the script's goal each is, (count,), all distances about equally frequent; and
      whose it is, (count,) from 0 on.

    Raises:
      UserError: a script cannot be played in the scenario, or never gets anywhere there.
    """
    each = math.ceil(count / len(agents))
    parts = [
        _states_of(agent, against, scenario, each, derived_seed(seed, n), fastest) for n, agent in enumerate(agents)
    ]
    states, lead = Starts.join([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    whose = torch.arange(len(agents)).repeat_interleave(torch.tensor([len(part[1]) for part in parts]))
    return states.select(torch.arange(min(count, len(states)))), lead[:count], whose[:count]


def _states_of(
    agent: str, against: str, scenario: Scenario, count: int, seed: int, fastest: float
) -> tuple[Starts, Tensor]:
    """Return states of one player, which plays with fine actions whatever those of the run are: states have none."""
    scenario = dataclasses.replace(scenario, movement_bins=11, heading_forces=False)
    script = agent.partition(":")[0]
    teams = [make_agent(agent, scenario, seed), make_agent(against, scenario, seed + 1)]
    hiders, seekers = teams if SCRIPTS[script].team == "hiders" else teams[::-1]
    both = TeamsPlayer(hiders, seekers, scenario.hiders)
    env = BatchEnv(scenario, _WORLDS, seed, domain=STARTS)
    parts: list[Starts] = []
    leads: list[Tensor] = []
    try:
        env.keep_starts()
        for _ in range(_TRIES + count // _WORLDS):
            states, lead = _episodes(env, both, script)
            parts.append(states)
            leads.append(lead)
            if sum(len(lead) for lead in leads) >= _CHOICE * count:
                break
    finally:
        env.close()
    states, lead = Starts.join(parts), torch.cat(leads)
    if not len(lead):
        raise UserError(f"--starts.scripts {agent}: it never reaches its goal in scenario '{scenario.name}'")
    quick = _quick(states, lead, fastest).nonzero()[:, 0]
    frequency = torch.bincount(lead[quick])[lead[quick]].double()
    chosen = torch.multinomial(1 / frequency, min(count, len(quick)), generator=torch.Generator().manual_seed(seed))
    rows = quick[chosen]
    return states.select(rows), lead[rows]


def _quick(states: Starts, lead: Tensor, share: float) -> Tensor:
    """Tell which states (n,) are of the quickest episodes: those of a share of them, and as quick ones."""
    goal = states.tensors["state.steps"] + lead
    slowest = torch.quantile(goal[lead == 1].float(), share, interpolation="lower")
    return goal <= slowest


def _episodes(env: BatchEnv, both: Player, script: str) -> tuple[Starts, Tensor]:
    """Play an episode in every world; return its states up to the goal, and the steps from each to it."""
    everywhere = torch.arange(env.num_worlds)
    obs, started = env.reset(), torch.ones(env.num_worlds, dtype=torch.bool)
    both.begin(env)
    reached = torch.full((env.num_worlds,), _NEVER)
    passed: list[Starts] = []
    for step in range(1, env.scenario.horizon):
        obs = env.step(both.act(obs, started)).obs
        started = torch.zeros_like(started)
        passed.append(env.capture(everywhere))
        reached = torch.where((reached == _NEVER) & script_done(script, env), step, reached)
        if (reached < _NEVER).all():
            break
    states = Starts.join(passed)
    steps = torch.arange(1, len(passed) + 1).repeat_interleave(env.num_worlds)
    lead = reached.repeat(len(passed)) - steps
    before = (lead > 0) & (lead < _NEVER - env.scenario.horizon)
    return states.select(before), lead[before]


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
        env.reseed(int(torch.randint(2**31, (), generator=generator)))  # Locks are drawn alike, resumed or not.
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
