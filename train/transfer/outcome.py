"""What a study has found so far: curves and final scores of its runs, and how starts compare."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from envs.errors import UserError

from ..config.task_presets import TRANSFER_TASKS
from ..evaluation.intervals import Estimate, bootstrap_mean
from ..evaluation.matches import pairs
from ..evaluation.shares import Share
from ..runs.metrics import CHART_TAGS, read_metrics
from .study_plan import COUNTING, RANDOM_PLAY, StudyPlan, Unit
from .study_runs import Counting, Result, read_result, work

_SEED = 0  # Of the bootstrap.
_LEVEL = 0.95
_FEW = 0.25
"""Iterations in which fewer episodes ended than this share of the most are left out of curves: their means are
noise."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Env steps (T,) and values (T,)."""


@dataclass(frozen=True)
class RunOutcome:
    """One run that is done."""

    unit: Unit
    final: dict[str, NDArray[np.float64]]
    """Statistic -> (N,), one value for each episode in which the final policy was judged."""
    layouts: NDArray[np.int64]
    """(N,) numbers of the layouts of these episodes."""
    curves: dict[str, Curve]
    """Statistic -> its mean over the episodes that ended in each iteration of training; iterations with few are left
    out."""
    by_time: Curve | None = None
    """Of object counting: steps since the boxes vanished, and the share of right answers then."""
    chance: float | None = None
    """Of object counting: the score of who always gives the most frequent answer."""
    diverged: int = 0
    """Worlds that were reset in the judging because their physics broke."""

    @property
    def score(self) -> NDArray[np.float64]:
        """(N,) of the statistic that says how well the task is done."""
        return self.final[TRANSFER_TASKS[self.unit.task].score]

    @property
    def curve(self) -> Curve:
        """Of that statistic."""
        nothing: Curve = (np.empty(0), np.empty(0))
        return self.curves.get(TRANSFER_TASKS[self.unit.task].score, nothing)


@dataclass(frozen=True)
class Outcome:
    """All runs of a study that are done."""

    plan: StudyPlan
    runs: list[RunOutcome]

    def of(self, task: str, start: str) -> list[RunOutcome]:
        """Return the runs of a task from a start, by seed."""
        return [run for run in self.runs if (run.unit.task, run.unit.start) == (task, start)]

    def score(self, task: str, start: str) -> Estimate | None:
        """Return the final score with its 95 % interval, None if no such run is done.

        Over seeds (Student's t) if there are several; over episodes if there is one.
        """
        runs = self.of(task, start)
        if not runs:
            return None
        means = np.array([run.score.mean() for run in runs])
        if len(means) == 1:
            return over_episodes(runs[0].score)
        interval, every = _over_seeds(means), np.concatenate([run.score for run in runs])
        if every.min() < 0.0 or every.max() > 1.0:
            return interval
        return Estimate(interval.value, max(interval.low, 0.0), min(interval.high, 1.0))  # A share.

    def difference(self, task: str, start: str, other: str) -> Estimate | None:
        """Return how much larger the final score is from one start than from another, None where one is missing.

        Over seeds (Welch's t) if there are several; over pairs of episodes with the same layout if there is one.
        """
        first, second = self.of(task, start), self.of(task, other)
        if not first or not second:
            return None
        if len(first) > 1 and len(second) > 1:
            return _welch([run.score.mean() for run in first], [run.score.mean() for run in second])
        ours, theirs = pairs(first[0].layouts, second[0].layouts)
        return bootstrap_mean(first[0].score[ours] - second[0].score[theirs], _SEED)

    def mean_while_learning(self, task: str, start: str) -> float | None:
        """Return the mean score over all of training, and over seeds: large where a good score came early."""
        means = [float(run.curve[1].mean()) for run in self.of(task, start) if len(run.curve[1])]
        return float(np.mean(means)) if means else None

    def random_level(self, task: str) -> Estimate | None:
        """Return the score without any skill: that of random play, or of the most frequent answer."""
        chances = [run.chance for run in self.runs if run.unit.task == task and run.chance is not None]
        return Estimate(chances[0], chances[0], chances[0]) if chances else self.score(task, RANDOM_PLAY)


def read_outcome(plan: StudyPlan) -> Outcome:
    """Read the results of all runs that are done.

    Raises:
      UserError: a result is damaged.
    """
    return Outcome(plan, [read_run(plan, unit) for unit in plan.units if plan.is_done(unit)])


def read_run(plan: StudyPlan, unit: Unit) -> RunOutcome:
    """Read one run that is done.

    Raises:
      UserError: its result is damaged.
    """
    where = plan.result_file(unit)
    result, score = read_result(where), TRANSFER_TASKS[unit.task].score
    if score not in result.statistics or (unit.task == COUNTING and result.counting is None):
        raise UserError(f"{where} is of another task; delete it to judge that run again")
    if result.counting is not None:
        return _counting_run(plan, unit, result, result.counting)
    file = plan.run_folder(unit).metrics_file
    lines = read_metrics(file) if file.is_file() else []
    curves = {name: curve for name in result.statistics if len((curve := training_curve(lines, name))[0])}
    return RunOutcome(unit, result.statistics, result.layouts, curves, diverged=result.diverged)


def _counting_run(plan: StudyPlan, unit: Unit, result: Result, counting: Counting) -> RunOutcome:
    """Episodes that the classifier learned from count as env steps, so that all curves have one x axis."""
    horizon = plan.configs[unit.task].scenario.horizon
    learned = [(episodes * horizon, accuracy) for episodes, accuracy in counting.curve]
    curves = {"accuracy": _to_curve(learned)}
    return RunOutcome(unit, result.statistics, result.layouts, curves, _to_curve(counting.by_time), counting.chance)


def to_csv(outcome: Outcome) -> str:
    """Return everything in long form: task, start, seed, checkpoint, env_steps, metric, value.

    ``checkpoint`` is the file that the start's weights are from. Metrics are ``training/<statistic>``, the mean over
    the episodes of an iteration, where there were more than a few; ``final/<statistic>``, the mean over those in which
    the final policy was judged; and of the task's score also ``final/<statistic>/low`` and ``/high``, its 95 % interval
    over these episodes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "start", "seed", "checkpoint", "env_steps", "metric", "value"])
    for run in outcome.runs:
        unit = run.unit
        file = outcome.plan.files.get(unit.start, "")
        for steps, metric, value in _rows(outcome, run):
            writer.writerow([unit.task, unit.start, unit.seed, file, f"{steps:.0f}", metric, f"{value:.6g}"])
    return text.getvalue()


def _rows(outcome: Outcome, run: RunOutcome) -> Iterable[tuple[float, str, float]]:
    for name, (steps, values) in run.curves.items():
        for step, value in zip(steps, values, strict=True):
            yield step, f"training/{name}", value
    total = work(outcome.plan, run.unit)
    for name, per_episode in run.final.items():
        yield total, f"final/{name}", float(per_episode.mean())
    if run.by_time is not None:
        for step, value in zip(*run.by_time, strict=True):
            yield total, f"final/accuracy/{step:.0f}-steps-after", value
    interval, name = over_episodes(run.score), TRANSFER_TASKS[run.unit.task].score
    yield total, f"final/{name}/low", interval.low
    yield total, f"final/{name}/high", interval.high


def training_curve(lines: list[dict[str, float | None]], statistic: str) -> Curve:
    """Return a statistic's curve from the lines of ``metrics.jsonl``."""
    tag = CHART_TAGS.get("return/hiders" if statistic == "return" else statistic, f"stats/{statistic}")
    episodes = [line.get("charts/episodes") or 0.0 for line in lines]
    enough = max(episodes, default=0.0) * _FEW
    points = [
        (line["env_steps"], value)
        for line, number in zip(lines, episodes, strict=True)
        if number >= enough and (value := line.get(tag)) is not None
    ]
    return _to_curve(points)


def _to_curve(points: Iterable[tuple[float | None, float]]) -> Curve:
    steps, values = np.array(list(points), dtype=np.float64).reshape(-1, 2).T
    return steps, values


def over_episodes(values: NDArray[np.float64]) -> Estimate:
    """Return the mean of one run's episodes (N,) with its 95 % interval.

    Wilson's where every episode either succeeds or not, because it is not empty where none or all do; else the
    bootstrap's.
    """
    if np.isin(values, (0.0, 1.0)).all():
        share = Share(int(values.sum()), len(values))
        return Estimate(share.value, share.low, share.high)
    return bootstrap_mean(values, _SEED)


def _over_seeds(means: NDArray[np.float64]) -> Estimate:
    value = float(means.mean())
    half = float(stats.t.ppf((1 + _LEVEL) / 2, len(means) - 1) * stats.sem(means))
    return Estimate(value, value - half, value + half)


def _welch(first: list[float], second: list[float]) -> Estimate:
    value = float(np.mean(first) - np.mean(second))
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return Estimate(value, value, value)
    interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(_LEVEL)
    return Estimate(value, float(interval.low), float(interval.high))
