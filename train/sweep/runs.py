"""One run of a sweep: trained, or trained on, and judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.scenarios import is_hide_and_seek

from ..config.train_config import TrainConfig
from ..evaluation.judging import JUDGING_SEED, judging_match
from ..evaluation.matches import Match
from ..play.players import Player, PolicyPlayer, RandomPlayer
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import load_policy
from ..support.console import TrainingConsole
from ..support.files import make_folder, write_json
from ..support.folder_lock import FolderLock
from ..trainer import Trainer
from .plan import SweepPlan, Unit
from .sweep_folder import WORKERS_LOCK

FINDING, HIDING, RETURN = "finding", "hiding", "return"
"""Measures of a last policy; more is better."""
MEASURES = {
    FINDING: "share of live steps in which its seekers see hiders that play at random",
    HIDING: "share of live steps in which seekers that play at random see none of its hiders",
    RETURN: "return of an episode, averaged over the agents",
}


@dataclass(frozen=True)
class Told:
    """What a run has told of itself."""

    unit: Unit
    share: float = 0.0
    """Of its training that is done."""
    words: str = ""
    warning: str = ""
    """A line for stderr; then the rest says nothing."""


class StopSweepError(Exception):
    """Somebody asked to stop."""


class _Console(TrainingConsole):
    """Hands a run's lines on."""

    def __init__(self, unit: Unit, tell: Callable[[Told], None]) -> None:
        super().__init__(silent=True)
        self._unit, self._tell = unit, tell

    def warn(self, text: str) -> None:
        """Hand a warning on."""
        self._tell(Told(self._unit, warning=text))

    def iteration(self, iteration: int, total: int, env_steps: int, seconds_left: float, metrics: Any) -> None:
        """Tell that an iteration is done."""
        self._tell(Told(self._unit, iteration / total, f"iteration {iteration}/{total}"))


def do_run(plan: SweepPlan, threads: int, unit: Unit, tell: Callable[[Told], None], stop: Callable[[], bool]) -> bool:
    """Do what is left of a run. Returns whether it is done; if not, the next call goes on where this one stopped.

    Args:
      plan: the sweep.
      threads: physics threads, on which results do not depend.
      unit: the run.
      tell: is told of progress.
      stop: asked after every iteration; True ends the run there, after a checkpoint.

    Raises:
      UserError: the disk is full, a file is damaged, or the losses are no longer numbers.
    """
    config, folder = dataclasses.replace(plan.config(unit), threads=threads), plan.run_folder(unit)
    with FolderLock(plan.path / WORKERS_LOCK, shared=True):
        make_folder(folder.path)
        with FolderLock(folder.lock_file):  # As in `hideseek train`, which may not resume it meanwhile.
            if not _train(config, folder, unit, tell, stop):
                return False
        tell(Told(unit, 1.0, "judging"))
        try:
            measures = judge(config, folder, plan.episodes, stop)
        except StopSweepError:
            return False
        write_json(plan.result_file(unit), {"episodes": plan.episodes, "measures": measures})
    return True


def _train(
    config: TrainConfig, folder: RunFolder, unit: Unit, tell: Callable[[Told], None], stop: Callable[[], bool]
) -> bool:
    """Train, from the newest checkpoint if there is one. Returns whether all iterations are done."""
    console = _Console(unit, tell)
    trainer = Trainer(config)
    try:
        if folder.checkpoints.iterations():
            path, checkpoint = folder.checkpoints.load_newest(console.warn)
            trainer.restore(checkpoint, str(path))
        else:
            if not folder.config_file.is_file():
                folder.create(config)
            trainer.begin(lambda text: tell(Told(unit, 0.0, text)))
        if trainer.iteration < config.iterations:
            trainer.run(folder, console, stop)
        return trainer.iteration >= config.iterations
    finally:
        trainer.close()


def judge(config: TrainConfig, folder: RunFolder, episodes: int, stop: Callable[[], bool]) -> dict[str, float]:
    """Let a run's last policy play on layouts that were never trained on. Returns measure -> mean over episodes.

    Raises:
      StopSweepError: ``stop`` said so.
    """
    policy = PolicyPlayer(load_policy(folder.path, config.device).policy, JUDGING_SEED)
    scenario = config.scenario
    random = RandomPlayer(scenario.action_bins, JUDGING_SEED + 1)

    def play(hiders: Player, seekers: Player) -> Match:
        return judging_match(config, hiders, seekers, episodes, lambda _done: _look(stop))

    if is_hide_and_seek(scenario) and min(scenario.hiders, scenario.seekers) > 0:
        found, hidden = play(random, policy), play(policy, random)
        return {FINDING: float(np.mean(found.seen)), HIDING: 1.0 - float(np.mean(hidden.seen))}
    return {RETURN: float(np.mean(play(policy, policy).returns["hiders" if scenario.hiders else "seekers"]))}


def _look(stop: Callable[[], bool]) -> None:
    if stop():
        raise StopSweepError
