"""One run of a study: a task, learned from one start with one seed, and judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import observations
from envs.errors import UserError
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec

from ..config.train_config import TrainConfig
from ..evaluation.judging import JUDGING_SEED, judging_match
from ..play.players import Player, PolicyPlayer, RandomPlayer
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import load_policy
from ..support.console import TrainingConsole
from ..support.files import make_folder, write_json
from ..support.folder_lock import FolderLock
from ..support.json_data import read_object, take
from ..trainer import Trainer
from .counting_run import count, counting_config
from .starts import InitialWeights
from .study_plan import COUNTING, RANDOM_PLAY, StudyPlan, Unit
from .weights import transfer_weights


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    unit: Unit
    done: int
    """Env steps done, of training or of answering."""
    total: int
    """Env steps in all."""
    words: str
    """What there is to be said."""


Tell = Callable[[Progress], None]
Stop = Callable[[], bool]


class _Console(TrainingConsole):
    """Turns the lines of a training run into progress."""

    def __init__(self, unit: Unit, config: TrainConfig, tell: Tell, warn: Callable[[str], None]) -> None:
        super().__init__(silent=True)
        self._unit, self._config, self._tell, self._warn = unit, config, tell, warn

    def warn(self, text: str) -> None:
        """Hand a warning on."""
        self._warn(f"{self._unit}: {text}")

    def iteration(self, iteration: int, total: int, env_steps: int, seconds_left: float, metrics: Any) -> None:
        """Tell that an iteration is done."""
        speed = metrics.get("perf/env_steps_per_second", 0.0)
        words = f"iteration {iteration}/{total}, {speed:,.0f} env steps/s"
        self._tell(Progress(self._unit, env_steps, self._config.total_env_steps, words))


def work(plan: StudyPlan, unit: Unit) -> int:
    """Return the env steps that a run takes, judging apart."""
    if unit.start == RANDOM_PLAY:
        return 0
    if unit.task == COUNTING:
        sizes = counting_config(plan)
        return (sizes.episodes + sizes.test_episodes) * plan.configs[unit.task].scenario.horizon
    return plan.configs[unit.task].total_env_steps


def check_fit(configs: Mapping[str, TrainConfig], starts: Mapping[str, InitialWeights]) -> None:
    """Check that every start's weights fit the network of every task.

    Raises:
      UserError: names the first tensor that does not fit.
    """
    for task, config in configs.items():
        described = observations.spec(config.scenario)
        spec = ObservationSpec.from_dict(described)
        fresh = ActorCritic(spec, config.scenario.action_bins, config.network)
        for start in starts.values():
            transfer_weights(fresh, start.tensors, start.spec, f"{start.file} in task {task}")


def run_unit(plan: StudyPlan, unit: Unit, threads: int, tell: Tell, warn: Callable[[str], None], stop: Stop) -> bool:
    """Do what is left of a run.

    Args:
      plan: the study.
      unit: the run.
      threads: physics threads; 0 uses all cores.
      tell: is told of progress.
      warn: is given warnings.
      stop: asked after every iteration; True ends the run there, after a checkpoint.

    Returns:
      Whether the run is done. If not, the next call goes on where this one stopped.

    Raises:
      UserError: the disk is full, a file is damaged, or the losses are no longer numbers.
    """
    config = dataclasses.replace(plan.configs[unit.task], seed=unit.seed, threads=threads)
    if unit.task == COUNTING:
        return count(
            plan, unit, config, lambda done, total: tell(Progress(unit, done, total, f"{done:,} env steps")), stop
        )
    folder = plan.run_folder(unit)
    if unit.start == RANDOM_PLAY:
        make_folder(folder.path)
        return _judge(plan, unit, config, RandomPlayer(config.scenario.action_bins, JUDGING_SEED), stop)
    if not _train(plan, unit, config, tell, warn, stop):
        return False
    policy = load_policy(folder.path, config.device).policy
    return _judge(plan, unit, config, PolicyPlayer(policy, JUDGING_SEED), stop)


def _train(
    plan: StudyPlan, unit: Unit, config: TrainConfig, tell: Tell, warn: Callable[[str], None], stop: Stop
) -> bool:
    """Fine-tune from the start's weights, or from the newest checkpoint. Returns whether all iterations are done."""
    folder = plan.run_folder(unit)
    trainer = Trainer(config)
    try:
        if folder.checkpoints.iterations():
            path, checkpoint = folder.checkpoints.load_newest(lambda text: warn(f"{unit}: {text}"))
            trainer.restore(checkpoint, str(path))
        else:
            _begin(plan, unit, trainer, folder, lambda text: tell(Progress(unit, 0, config.total_env_steps, text)))
        if trainer.iteration < config.iterations:
            with FolderLock(folder.lock_file):  # As in `hideseek train`, which may not resume it meanwhile.
                trainer.run(folder, _Console(unit, config, tell, warn), stop)
        return trainer.iteration >= config.iterations
    finally:
        trainer.close()


def _begin(plan: StudyPlan, unit: Unit, trainer: Trainer, folder: RunFolder, say: Callable[[str], None]) -> None:
    """Make the run's folder, with a checkpoint before the first iteration, so that resuming needs nothing else."""
    if not folder.config_file.is_file():
        folder.create(trainer.config)
    policy, start = trainer.policy, plan.read_start(unit.start)
    assert isinstance(policy, ActorCritic)
    if start is not None:
        moved = transfer_weights(policy, start.tensors, start.spec, start.file)
        policy.load_state_dict(moved.tensors)
        write_json(plan.weights_file(unit), {"from": start.file, **moved.to_plain()})
    trainer.begin(say)
    trainer.save(folder)


class _StoppedError(Exception):
    """Judging was given up."""


def _judge(plan: StudyPlan, unit: Unit, config: TrainConfig, player: Player, stop: Stop) -> bool:
    """Play the episodes that judge the final policy, and write the result. Returns whether they were all played."""

    def look_up(_done: int) -> None:
        if stop():
            raise _StoppedError

    try:
        match = judging_match(config, player, player, plan.request.episodes, look_up)
    except _StoppedError:
        return False
    numbers = {"return": match.returns["hiders"], **match.statistics, "length": match.lengths}
    statistics = {name: [round(float(value), 6) for value in values] for name, values in numbers.items()}
    about = {"task": unit.task, "start": unit.start, "seed": unit.seed}
    played = {"layouts": match.layouts.tolist(), "diverged_worlds": match.diverged}
    write_json(plan.result_file(unit), {**about, "statistics": statistics, **played})
    return True


@dataclass(frozen=True)
class Counting:
    """What a classifier has found; see ``CountingResult``."""

    chance: float
    curve: list[tuple[float, float]]
    by_time: list[tuple[float, float]]


@dataclass(frozen=True)
class Result:
    """What a run has left when it was done."""

    statistics: dict[str, NDArray[np.float64]]
    """Statistic -> (N,), one value for each episode in which it was judged."""
    counting: Counting | None
    """What a classifier has found, of object counting."""
    layouts: NDArray[np.int64]
    """(N,) numbers of the layouts of these episodes."""
    diverged: int
    """Worlds that were reset because their physics broke, whose episodes are not among them."""


def read_result(file: Path) -> Result:
    """Read the result of a run.

    Raises:
      UserError: the file is missing or damaged.
    """
    try:
        plain, where = read_object(file), str(file)
        numbers = take(plain, "statistics", dict[str, tuple[float, ...]], where)
        episodes = min(map(len, numbers.values()), default=0)
        layouts = take(plain, "layouts", tuple[int, ...], where) if "layouts" in plain else tuple(range(episodes))
        if not episodes or len(layouts) != episodes:
            raise UserError(f"{where} has {len(layouts)} layouts of {episodes} episodes")
        diverged = take(plain, "diverged_worlds", int, where) if "diverged_worlds" in plain else 0
        counting = _counting(take(plain, "counting", dict[str, Any], where), where) if "counting" in plain else None
    except (FileNotFoundError, UserError) as error:
        raise UserError(f"{error}; delete {file} to judge that run again") from error
    statistics = {name: np.array(values) for name, values in numbers.items()}
    return Result(statistics, counting, np.array(layouts, dtype=np.int64), diverged)


def _counting(plain: dict[str, Any], where: str) -> Counting:
    def points(name: str, axis: str) -> list[tuple[float, float]]:
        rows = take(plain, name, tuple[dict[str, float], ...], where)
        return [(take(row, axis, float, where), take(row, "accuracy", float, where)) for row in rows]

    chance = take(plain, "chance", float, where)
    return Counting(chance, points("curve", "episodes"), points("by_time", "steps_since_vanished"))
