"""Plays a run's checkpoints against themselves and counts strategies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import mujoco
import torch
from torch import Tensor

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
from ..play.teams_player import OTHER_SEED, OtherTeam
from ..runs.checkpoints import load_checkpoint
from ..runs.saved_policy import load_policy
from .chance import ALPHA, BROKEN, holm, outcomes, sign_test
from .strategies import Detector, strategies_of
from .trace import Trace, play_trace

CHANCE, CHANCE_AGENT = "random play", "random"
"""How progress and tables call the yardstick, and the agent that plays it."""
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
    hiders: str | None = None
    """Who plays the hiders instead of who is examined: see ``OtherTeam``."""
    seekers: str | None = None
    """The same for seekers."""


@dataclass(frozen=True)
class Finding:
    """What one checkpoint does."""

    iteration: int
    """Iterations of training behind it."""
    env_steps: int
    """Env steps of training behind it."""
    shares: dict[str, Share]
    """By strategy."""
    told: dict[str, Tensor]
    """By strategy, (N,) int8: 1 in the episodes in which it was told, 0 in others, -1 where physics broke."""

    @property
    def counted(self) -> Tensor:
        """(N,) bool: episodes whose physics held, the same for every strategy."""
        return next(iter(self.told.values())) != BROKEN


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
    chance: Finding | None = None
    """Random play on the same layouts."""
    findings: list[Finding] = field(default_factory=list)
    examples: dict[str, Example] = field(default_factory=dict)
    """By strategy: from the newest checkpoint in which it was told."""

    @property
    def strategies(self) -> list[str]:
        """Names in the order in which they are expected."""
        return list(strategies_of(self.scenario))

    @property
    def broken(self) -> int:
        """Episodes whose physics broke, those of random play among them."""
        assert self.chance is not None
        return sum(int((~finding.counted).sum()) for finding in (self.chance, *self.findings))

    @property
    def pairs(self) -> list[int]:
        """By checkpoint, the episodes that are compared with random play: physics held in both."""
        assert self.chance is not None
        return [int((finding.counted & self.chance.counted).sum()) for finding in self.findings]

    def began(self, strategy: str) -> Finding | None:
        """Return the first checkpoint in which a strategy was found, None if in none.

        It is found where it is told more often than in random play, beyond chance; see ``chance.py``.
        """
        assert self.chance is not None
        by_chance = self.chance.told[strategy]
        p_values = holm([sign_test(finding.told[strategy], by_chance) for finding in self.findings])
        return next((f for f, p in zip(self.findings, p_values, strict=True) if p <= ALPHA), None)


def study(
    files: Sequence[Path],
    options: StudyOptions,
    progress: Callable[[Path | str, int], None] = lambda _file, _done: None,
) -> Study:
    """Examine checkpoint files of one run.

    Args:
      files: oldest first.
      options: how.
      progress: called with a file, or ``CHANCE``, and the number of its finished episodes.

    Raises:
      UserError: a damaged file, or a scenario that is not hide-and-seek.
    """
    scenario = load_policy(files[0]).config.scenario
    detectors = strategies_of(scenario)
    other = OtherTeam(options.hiders, options.seekers, scenario, options.device)
    worlds = min(options.num_worlds, options.episodes)
    env = BatchEnv(scenario, worlds, options.seed, options.device, options.threads, engine=options.engine)
    result = Study(scenario, env.engine.scene)
    try:
        random = _agents(CHANCE_AGENT, scenario, options, other)
        shares, told, _ = examine(env, random, detectors, options, partial(progress, CHANCE))
        result.chance = Finding(0, 0, shares, told)
        for file in files:
            saved = load_policy(file, options.device)
            if saved.config.scenario != scenario:
                raise UserError(f"{file} was trained in another scenario than {files[0]}")
            env_steps = load_checkpoint(file).counters(str(file)).env_steps

            def players(number: int, policy: Policy = saved.policy) -> Player:
                return other.beside(PolicyPlayer(policy, options.seed + _PLAYER_SEED + number), _other(options, number))

            shares, told, examples = examine(env, players, detectors, options, partial(progress, file))
            result.findings.append(Finding(saved.iteration, env_steps, shares, told))
            for name, (trace, model) in examples.items():
                result.examples[name] = Example(trace, model, saved.iteration)
    finally:
        env.close()
    return result


def examine_agent(
    agent: str, scenario: Scenario, options: StudyOptions, progress: Callable[[int], None] = lambda _done: None
) -> dict[str, Share]:
    """Return the share of episodes by strategy of an agent without a policy, one of ``agent_names``.

    Raises:
      UserError: no such agent, it cannot play in the scenario, or that is not hide-and-seek.
    """
    other = OtherTeam(options.hiders, options.seekers, scenario, options.device)
    players, detectors = _agents(agent, scenario, options, other), strategies_of(scenario)
    players(0)  # Refuses what cannot be played before worlds are made.
    worlds = min(options.num_worlds, options.episodes)
    env = BatchEnv(scenario, worlds, options.seed, options.device, options.threads, engine=options.engine)
    try:
        return examine(env, players, detectors, options, progress)[0]
    finally:
        env.close()


def _agents(agent: str, scenario: Scenario, options: StudyOptions, other: OtherTeam) -> Callable[[int], Player]:
    """Return what makes an agent without a policy, by the round's number."""
    return lambda number: other.beside(
        make_agent(agent, scenario, options.seed + _PLAYER_SEED + number), _other(options, number)
    )


def _other(options: StudyOptions, number: int) -> int:
    return options.seed + OTHER_SEED + number


def examine(
    env: BatchEnv,
    players: Callable[[int], Player],
    detectors: dict[str, Detector],
    options: StudyOptions,
    progress: Callable[[int], None],
) -> tuple[dict[str, Share], dict[str, Tensor], dict[str, tuple[Trace, mujoco.MjModel]]]:
    """Let players play whole episodes and count strategies.

    Args:
      env: its worlds are started here from the layouts of the seed.
      players: makes the player of all agents in a round of episodes, by the round's number.
      detectors: by strategy.
      options: how many episodes.
      progress: called with the number of finished episodes.

    Returns:
      By strategy, the share of episodes, what was told in each (see ``Finding``), and the first episode with its world.
      Episodes whose physics broke do not count.

    Raises:
      UserError: physics broke in all of them, or had no room for all contacts.
    """
    stream = LayoutStream(env.scenario, options.seed, env.num_worlds, domain=JUDGING)
    told: dict[str, list[Tensor]] = {name: [] for name in detectors}
    examples: dict[str, tuple[Trace, mujoco.MjModel]] = {}
    episodes = 0
    for number in range(math.ceil(options.episodes / env.num_worlds)):
        player = players(number)
        player.begin(env)
        trace = play_trace(env, stream.draw(torch.arange(env.num_worlds)), player)
        env.engine.check_overflow()
        done = number * env.num_worlds
        played = torch.arange(env.num_worlds) < options.episodes - done
        counted = ~trace.broken & played
        episodes += int(counted.sum())
        for name, detector in detectors.items():
            answer = detector(trace) & counted
            told[name].append(outcomes(answer, counted)[played])
            found = answer.nonzero()[:, 0]
            if len(found) and name not in examples:
                examples[name] = trace.select(found[:1]), env.engine.world_model(int(found[0]))
        progress(min(done + env.num_worlds, options.episodes))
    if episodes == 0:
        raise UserError("physics broke in every episode, so nothing can be said about strategies")
    joined = {name: torch.cat(parts) for name, parts in told.items()}
    shares = {name: Share(int((values == 1).sum()), episodes) for name, values in joined.items()}
    return shares, joined, examples
