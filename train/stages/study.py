"""Plays a run's checkpoints against themselves and counts strategies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mujoco
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import JUDGING, LayoutStream
from envs.options.ranges import AtLeastOne, Seed
from envs.scenarios import Scenario
from envs.scene import Scene
from policies.teams import Policy

from ..config.machine_options import MachineOptions
from ..evaluation.shares import Share
from ..play.agents import make_agent
from ..play.players import Player, PolicyPlayer
from ..runs.checkpoints import load_checkpoint
from ..runs.saved_policy import load_policy
from .strategies import Detector, strategies_of
from .trace import Trace, play_trace

_PLAYER_SEED = 1  # Added to the seed, so that layouts and actions are not drawn from the same numbers.


@dataclass(frozen=True, kw_only=True)
class StudyOptions(MachineOptions):
    """How checkpoints are examined."""

    episodes: AtLeastOne = 100
    """Episodes of each checkpoint."""
    seed: Seed = 0
    """Seed of layouts and actions; every checkpoint plays the same layouts."""
    num_worlds: AtLeastOne = 50
    """Worlds played at the same time."""


@dataclass(frozen=True)
class Finding:
    """What one checkpoint does."""

    iteration: int
    """Iterations of training behind it."""
    env_steps: int
    """Env steps of training behind it."""
    shares: dict[str, Share]
    """By strategy."""


@dataclass(frozen=True)
class Example:
    """An episode in which a strategy was told."""

    trace: Trace
    """That episode alone."""
    model: mujoco.MjModel
    """Its world."""
    iteration: int
    """Of the checkpoint that played it."""


@dataclass
class Study:
    """What the checkpoints of a run do, oldest first."""

    scenario: Scenario
    scene: Scene
    findings: list[Finding] = field(default_factory=list)
    examples: dict[str, Example] = field(default_factory=dict)
    """By strategy: from the newest checkpoint in which it was told."""

    @property
    def strategies(self) -> list[str]:
        """Names in the order in which they are expected."""
        return list(strategies_of(self.scenario))

    def began(self, strategy: str) -> Finding | None:
        """Return the first checkpoint in which a strategy was found, None if in none."""
        return next((f for f in self.findings if f.shares[strategy].found), None)


def study(
    files: Sequence[Path], options: StudyOptions, progress: Callable[[Path, int], None] = lambda _file, _done: None
) -> Study:
    """Examine checkpoint files of one run.

    Args:
      files: oldest first.
      options: how.
      progress: called with a file and the number of its finished episodes.

    Raises:
      UserError: a damaged file, or a scenario that is not hide-and-seek.
    """
    scenario = load_policy(files[0]).config.scenario
    detectors = strategies_of(scenario)
    worlds = min(options.num_worlds, options.episodes)
    env = BatchEnv(scenario, worlds, options.seed, options.device, options.threads, engine=options.engine)
    result = Study(scenario, env.engine.scene)
    try:
        for file in files:
            saved = load_policy(file, options.device)
            if saved.config.scenario != scenario:
                raise UserError(f"{file} was trained in another scenario than {files[0]}")
            env_steps = load_checkpoint(file).counters(str(file)).env_steps

            def players(number: int, policy: Policy = saved.policy) -> Player:
                return PolicyPlayer(policy, options.seed + _PLAYER_SEED + number)

            shares, examples = examine(env, players, detectors, options, partial(progress, file))
            result.findings.append(Finding(saved.iteration, env_steps, shares))
            for name, (trace, model) in examples.items():
                result.examples[name] = Example(trace, model, saved.iteration)
    finally:
        env.close()
    return result


def examine_agent(
    agent: str, scenario: Scenario, options: StudyOptions, progress: Callable[[int], None] = lambda _done: None
) -> dict[str, Share]:
    """Return the share of episodes by strategy of an agent without a policy, one of ``AGENTS``.

    Raises:
      UserError: no such agent, it cannot play in the scenario, or that is not hide-and-seek.
    """

    def players(number: int) -> Player:
        return make_agent(agent, scenario, options.seed + _PLAYER_SEED + number)

    detectors = strategies_of(scenario)
    players(0)  # Refuses what cannot be played before worlds are made.
    worlds = min(options.num_worlds, options.episodes)
    env = BatchEnv(scenario, worlds, options.seed, options.device, options.threads, engine=options.engine)
    try:
        return examine(env, players, detectors, options, progress)[0]
    finally:
        env.close()


def examine(
    env: BatchEnv,
    players: Callable[[int], Player],
    detectors: dict[str, Detector],
    options: StudyOptions,
    progress: Callable[[int], None],
) -> tuple[dict[str, Share], dict[str, tuple[Trace, mujoco.MjModel]]]:
    """Let players play whole episodes and count strategies.

    Args:
      env: its worlds are started here from the layouts of the seed.
      players: makes the player of all agents in a round of episodes, by the round's number.
      detectors: by strategy.
      options: how many episodes.
      progress: called with the number of finished episodes.

    Returns:
      By strategy, the share of episodes, and the first episode with its world. Episodes whose physics broke do not
      count.

    Raises:
      UserError: physics broke in all of them, or had no room for all contacts.
    """
    stream = LayoutStream(env.scenario, options.seed, env.num_worlds, domain=JUDGING)
    hits = dict.fromkeys(detectors, 0)
    examples: dict[str, tuple[Trace, mujoco.MjModel]] = {}
    episodes = 0
    for number in range(math.ceil(options.episodes / env.num_worlds)):
        player = players(number)
        player.begin(env)
        trace = play_trace(env, stream.draw(torch.arange(env.num_worlds)), player)
        env.engine.check_overflow()
        done = number * env.num_worlds
        counted = ~trace.broken & (torch.arange(env.num_worlds) < options.episodes - done)
        episodes += int(counted.sum())
        for name, detector in detectors.items():
            found = (detector(trace) & counted).nonzero()[:, 0]
            hits[name] += len(found)
            if len(found) and name not in examples:
                examples[name] = trace.select(found[:1]), env.engine.world_model(int(found[0]))
        progress(min(done + env.num_worlds, options.episodes))
    if episodes == 0:
        raise UserError("physics broke in every episode, so nothing can be said about strategies")
    return {name: Share(number, episodes) for name, number in hits.items()}, examples
