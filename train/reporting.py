"""What a run tells while it goes on: curves, histograms, videos, alarms and a line per iteration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.options.ranges import derived_seed
from envs.scenarios import Scenario
from policies.teams import Policy

from .learning.rollouts import RolloutBuffer
from .loggers.logger import Logger
from .play.episodes import EpisodePlayer
from .play.players import PolicyPlayer
from .rendering.video import VideoOptions, record
from .runs.alarms import Alarms, replay
from .runs.metrics import MetricsLog, read_metrics
from .runs.run_folder import RunFolder
from .support.console import TrainingConsole

_ACTIONS = ("force_x", "force_y", "torque", "grab", "lock")
"""Components that every scenario has."""


def action_names(bins: Sequence[int]) -> list[str]:
    """Return what the action components are called, given the choices of each; those of a game are game_0, ..."""
    return [*_ACTIONS, *(f"game_{number}" for number in range(len(bins) - len(_ACTIONS)))]


class Reporter:
    """Writes and prints for one run.

    Args:
      folder: the run.
      console: where lines go.
      iteration: iterations done before; later entries of the logs are dropped.
      env_steps: env steps done before.
      action_bins: choices of each action component.
      loggers: where numbers go beside ``metrics.jsonl``.
    """

    def __init__(
        self,
        folder: RunFolder,
        console: TrainingConsole,
        iteration: int,
        env_steps: int,
        action_bins: tuple[int, ...],
        loggers: Sequence[Logger] = (),
    ) -> None:
        self._console, self._bins = console, action_bins
        self.log = MetricsLog(folder.path, iteration, env_steps, loggers)
        self._alarms = Alarms(sum(math.log(bins) for bins in action_bins))
        self._diverged: float | None = None
        if iteration and folder.metrics_file.is_file():
            lines = read_metrics(folder.metrics_file)
            replay(self._alarms, lines)
            self._diverged = (lines[-1].get("perf/diverged_worlds") if lines else None) or 0.0

    def metrics(
        self, iteration: int, total: int, env_steps: int, seconds_left: float, metrics: dict[str, float]
    ) -> dict[str, float]:
        """Write and print the numbers of one iteration, and raise the alarms that they give reason for.

        Returns:
          What was written: the numbers, and how many alarms there are.

        Raises:
          UserError: the disk is full.
        """
        lines = self._alarms.check(metrics)
        metrics = metrics | {"alarms/active": float(len(self._alarms.active))}
        self.log.write(iteration, env_steps, metrics)
        self._console.iteration(iteration, total, env_steps, seconds_left, metrics)
        broken = metrics["perf/diverged_worlds"] - (self._diverged or 0.0)
        if broken > 0:
            self._console.warn(f"physics became NaN in {broken:.0f} worlds; they were reset")
        self._diverged = metrics["perf/diverged_worlds"]
        for line in lines:
            self._console.warn(f"alarm in iteration {iteration}: {line}")
        return metrics

    def histograms(self, env_steps: int, buffer: RolloutBuffer, teams: Tensor) -> None:
        """Hand loggers how often each bin of each action was chosen in a rollout, by team.

        Args:
          env_steps: env steps done.
          buffer: the rollout; steps without effect and steps of past versions are left out.
          teams: (N,) bool: the sequences of seekers.
        """
        counted = buffer.own & (buffer.weights > 0)
        for name, members in (("hiders", ~teams), ("seekers", teams)):
            actions = buffer.actions[counted & members]
            if len(actions):
                for component, (action, bins) in enumerate(zip(action_names(self._bins), self._bins, strict=True)):
                    counts = torch.bincount(actions[:, component], minlength=bins).tolist()
                    self.log.histogram(f"actions/{name}/{action}", counts, env_steps)

    def close(self) -> None:
        """Flush and close the logs.

        Raises:
          UserError: the disk is full.
        """
        self.log.close()


class TrainingVideos:
    """Videos of a run that goes on. Where there is no OpenGL, one line says so and nothing more is tried.

    Args:
      folder: the run.
      console: where the warning goes.
    """

    def __init__(self, folder: RunFolder, console: TrainingConsole) -> None:
        self._folder, self._console = folder, console
        self._possible = True

    def record(
        self, policy: Policy, scenario: Scenario, iteration: int, seed: int, log: MetricsLog, env_steps: int
    ) -> None:
        """Film one episode of the newest policy and hand it to loggers; the file stays in the run's ``videos/``."""
        if not self._possible:
            return
        path = self._folder.videos / f"train-{iteration:07d}.gif"
        options = VideoOptions(width=320, height=240, caption=f"iteration {iteration:,}")
        seed = derived_seed(seed, iteration)
        env = BatchEnv(scenario, 1, seed)
        try:
            episode = EpisodePlayer(env, PolicyPlayer(policy, seed), seed).play()
            record(path, env.engine.scene, [episode], 1, options)
            log.gif("video/episode", path.read_bytes(), (options.width, options.height), env_steps)
        except (UserError, OSError) as error:
            self._possible = False
            self._console.warn(f"no videos of this run: {error}")
        finally:
            env.close()
            policy.train()
