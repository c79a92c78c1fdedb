"""Everything that defines a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from envs import scenarios
from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Seed, Threads, Whole, Width, flag, require, require_in_range
from envs.physics import EngineName
from envs.scenarios import Scenario
from policies.tower import NetworkConfig

from .intrinsic_config import IntrinsicConfig
from .intrinsic_config import checks as intrinsic_checks
from .league_config import LeagueConfig
from .ppo_config import PPOConfig
from .reward_config import RewardConfig
from .starts_config import StartsConfig

LoggerName = Literal["tensorboard", "csv", "wandb"]
"""A place for the numbers of a run."""


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """What is written beside the curves of every iteration."""

    histogram_interval: Whole = 10
    """Iterations between two histograms of actions in TensorBoard; 0 for none."""
    video_interval: Whole = 0
    """Iterations between two videos of an episode, in TensorBoard and in the run's videos/; 0 for none. Needs
    OpenGL."""
    stage_interval: Whole = 0
    """Iterations between two looks for strategies (docs/stages.md) in episodes of self-play from fresh starts: curves
    ``stages/*``, and when one appears a line, a film and a checkpoint that is kept for good. 0: none. For
    hide-and-seek alone, and games that are subclasses of it."""
    stage_episodes: AtLeastOne = 50
    """Episodes of each look. More see rarer play, and take longer."""
    stage_hiders: str | None = None
    """Who plays the hiders in these looks instead of the newest policy: an agent such as blocker, a run, a checkpoint
    or a shipped policy. Some strategies answer another one, which the newest hiders may not play."""
    stage_seekers: str | None = None
    """Who plays the seekers in them, such as chaser."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run. The same configuration and seed on the same machine give the same run, bit by bit."""

    num_worlds: AtLeastOne = 64
    """Worlds stepped at the same time. More give steadier gradients per iteration, and iterations take longer."""
    iterations: AtLeastOne = 1000
    """Iterations (one rollout and one update each), counted from the start of the run, also when it is resumed."""
    seed: Seed = 0
    """Seed of everything: layouts, initial weights, actions, order of minibatches."""
    device: str = "cpu"
    """Where worlds and networks live: cpu, cuda, or auto: cuda where there is a GPU."""
    engine: EngineName = "auto"
    """Physics: mujoco runs on the CPU, warp on a GPU (or, slowly, on the CPU); auto is warp on cuda, else mujoco."""
    threads: Threads = 0
    """Physics threads of the CPU engine; 0 uses all cores. Results do not depend on it."""
    torch_threads: Threads = 0
    """Cores that one tensor operation may use in a rollout; 0 takes half of the cores, at least one. Results depend on
    it in the last bits, because sums are taken in another order."""
    learning_threads: Threads = 0
    """The same for updates, while the worlds rest; 0 takes as many. All cores make updates 1.4 to 1.7 times as fast
    where nothing else runs, and several times slower where anything does (docs/performance.md)."""
    stagger: bool = True
    """Shorten the first episode of each world differently, so that worlds are at all stages of an episode at any
    time."""
    checkpoint_interval: AtLeastOne = 50
    """Iterations between two checkpoints; a crash loses at most this many. The last iteration always has one."""
    keep_checkpoints: AtLeastOne = 3
    """Newest checkpoints that are kept; older ones are deleted, but for the best one: that with the highest rating
    (``league.rating-interval``), named in checkpoints/best.json."""
    keep_every: Whole = 0
    """Checkpoints of iterations that are multiples of this are kept for good; 0 for none. Written besides those of
    ``checkpoint_interval`` if need be."""
    init_from: str | None = None
    """Run folder or checkpoint whose weights and normalisers a new run starts from; everything else starts anew."""
    init_seekers_from: str | None = None
    """The same for the seekers' networks, which must be their own (``separate-policies``). So hiders of one run meet
    seekers of another, and both go on learning."""
    logger: tuple[LoggerName, ...] = ("tensorboard",)
    """Where the numbers of every iteration go beside metrics.jsonl, one name after the other: tensorboard, csv
    (metrics.csv), wandb (offline unless WANDB_MODE=online; needs the extra 'wandb')."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Sizes of policy and critic."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    """Numbers of the learning algorithm."""
    reward: RewardConfig = field(default_factory=RewardConfig)
    """What is learned from in place of an agent's own reward."""
    separate_policies: bool = False
    """Two networks, one for each team, trained side by side; else one plays both and observes which it is in."""
    agent_policies: bool = False
    """A network for each agent, trained side by side; else agents of a team share one. What one learns, the others do
    not know."""
    league: LeagueConfig = field(default_factory=LeagueConfig)
    """Play against past versions."""
    intrinsic: IntrinsicConfig = field(default_factory=IntrinsicConfig)
    """A reward for what is new."""
    starts: StartsConfig = field(default_factory=StartsConfig)
    """Episodes that begin in kept states."""
    report: ReportConfig = field(default_factory=ReportConfig)
    """What is written beside the curves."""
    scenario: Scenario = scenarios.QUADRANT
    """The world. A flag changes one field of it, as in ``--scenario.hiders 2``."""

    @property
    def env_steps_per_iteration(self) -> int:
        """Steps of all worlds in one rollout."""
        return self.num_worlds * self.ppo.rollout_steps

    @property
    def total_env_steps(self) -> int:
        """Steps of all worlds in the whole run."""
        return self.iterations * self.env_steps_per_iteration


def validate(config: TrainConfig) -> TrainConfig:
    """Return the configuration if a run can be made of it.

    Raises:
      UserError: names the option that makes it impossible.
    """
    scenarios.validate(config.scenario)
    require_in_range(config)
    for name, value in vars(config.network).items():  # policies/ knows no ranges.
        if not isinstance(value, bool):
            require(flag(f"network.{name}"), value, Width)
    ppo, network = config.ppo, config.network
    chunks = config.num_worlds * config.scenario.num_agents * (ppo.rollout_steps // ppo.chunk_length)
    checks = [
        *_league_checks(config),
        *(_starts_checks(config) if config.starts.active else []),
        (
            len({*config.logger}) == len(config.logger),
            f"--logger {' '.join(config.logger)}: name each logger once",
        ),
        *intrinsic_checks(config.intrinsic, config.scenario, chunks),
        (
            ppo.rollout_steps % ppo.chunk_length == 0,
            f"--ppo.rollout-steps {ppo.rollout_steps} must be a multiple of --ppo.chunk-length {ppo.chunk_length}",
        ),
        (ppo.minibatches <= chunks, f"--ppo.minibatches is {ppo.minibatches} but a rollout has only {chunks} chunks"),
        (
            network.embedding_size % network.attention_heads == 0,
            f"--network.embedding-size {network.embedding_size} must be a multiple of "
            f"--network.attention-heads {network.attention_heads}",
        ),
        (network.lidar_kernel % 2 == 1, f"--network.lidar-kernel is {network.lidar_kernel}; it must be odd"),
        (
            network.lidar_kernel // 2 <= (config.scenario.lidar_rays or network.lidar_kernel),
            f"--network.lidar-kernel is {network.lidar_kernel}, too wide for {config.scenario.lidar_rays} rays",
        ),
    ]
    for passed, message in checks:
        if not passed:
            raise UserError(message)
    return config


def _starts_checks(config: TrainConfig) -> list[tuple[bool, str]]:
    starts, shorter = config.starts, min(config.ppo.rollout_steps, config.scenario.horizon)
    return [
        (
            starts.share < 1,
            f"--starts.share is {starts.share:g}; it must be below 1: agents are judged by fresh starts",
        ),
        (
            starts.draw != "backwards" or bool(starts.scripts),
            "--starts.draw backwards goes back along the play of scripts; name some with --starts.scripts",
        ),
        (
            bool(starts.scripts) or 0 < starts.every < shorter,
            f"--starts.every is {starts.every}, so no state would be kept; it must be above 0 and below "
            f"{shorter}, the steps of a rollout or of an episode, or name --starts.scripts",
        ),
        (
            not starts.scripts or 2 * starts.script_states <= starts.size,
            f"--starts.script-states is {starts.script_states}; it must be at most half of --starts.size {starts.size}",
        ),
        (
            starts.neighbours == 0 or not scenarios.plays(config.scenario, "trade"),
            f"--starts.neighbours is {starts.neighbours}; clocks of trade cannot go back, set --starts.neighbours 0",
        ),
    ]


def _league_checks(config: TrainConfig) -> list[tuple[bool, str]]:
    league, scenario = config.league, config.scenario
    words = " ".join(league.scripted)
    return [
        (
            league.frozen is None or not league.scripted,
            f"--league.frozen {league.frozen} plays in every episode; leave out --league.scripted {words}",
        ),
        (
            league.fraction > 0 or not league.scripted,
            f"--league.scripted {words} plays in episodes of the league; set --league.fraction above 0",
        ),
        (
            league.draw != "rating" or league.fraction == 0 or league.rating_interval > 0,
            "--league.draw rating needs ratings; set --league.rating-interval",
        ),
        (
            league.frozen is None or league.fraction == 0,
            f"--league.frozen {league.frozen} plays in every episode; set --league.fraction 0",
        ),
        (
            league.frozen is None or min(scenario.hiders, scenario.seekers) > 0,
            f"--league.frozen {league.frozen} needs two teams",
        ),
        (
            not config.separate_policies or min(scenario.hiders, scenario.seekers) > 0,
            "--separate-policies needs two teams",
        ),
        (
            config.init_seekers_from is None or config.separate_policies or config.agent_policies,
            f"--init-seekers-from {config.init_seekers_from}: seekers must have a network of their own; add "
            "--separate-policies",
        ),
        (
            not (config.agent_policies and config.separate_policies),
            "--agent-policies and --separate-policies exclude each other",
        ),
    ]
