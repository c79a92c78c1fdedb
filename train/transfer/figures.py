"""Figures of a study in the form of the paper's Figure 6, as PNG images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config.task_presets import TRANSFER_TASKS
from ..support.plotting import common_steps, save_png
from ..support.plotting import panels as new_panels
from .outcome import Outcome, RunOutcome
from .starts import COUNTS, HIDE_AND_SEEK, SCRATCH, is_age, title
from .study_plan import COUNTING

_COLOURS = {HIDE_AND_SEEK: "#3d7fc4", SCRATCH: "#888888", COUNTS: "#e08a1e"}
_SMOOTH_SHARE = 20  # A smoothed point is the mean of this part of the curve before it.


def draw_curves(path: Path, outcome: Outcome, starts: Sequence[str]) -> None:
    """Write the score against env steps of fine-tuning, one panel a task: the mean of all seeds, and their range."""
    tasks = [task for task in outcome.plan.request.tasks if any(outcome.of(task, start) for start in starts)]
    figure, panels = _panels(len(tasks))
    for panel, task in zip(panels, tasks, strict=True):
        for number, start in enumerate(starts):
            runs = [run for run in outcome.of(task, start) if len(run.curve[0])]
            if runs:
                steps, values = _together(runs)
                colour = _colour(start, number, len(starts))
                panel.plot(steps, values.mean(0), color=colour, label=title(start))
                panel.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
        _random_line(panel, outcome, task)
        _name(panel, task)
        panel.set_xlabel("env steps of fine-tuning")
        panel.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4))
    _legend(figure, panels)
    save_png(figure, path)


def draw_scores(path: Path, outcome: Outcome, starts: Sequence[str]) -> None:
    """Write bars of the final scores with 95 % intervals, one panel a task."""
    tasks = [task for task in outcome.plan.request.tasks if any(outcome.of(task, start) for start in starts)]
    figure, panels = _panels(len(tasks))
    for panel, task in zip(panels, tasks, strict=True):
        for number, start in enumerate(starts):
            score = outcome.score(task, start)
            if score is not None:
                error = [[score.value - score.low], [score.high - score.value]]
                colour = _colour(start, number, len(starts))
                panel.bar(number, score.value, color=colour, yerr=error, capsize=4, label=title(start))
        _random_line(panel, outcome, task)
        _name(panel, task)
        panel.set_xticks([])
        panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    _legend(figure, panels)
    save_png(figure, path)


def draw_memory(path: Path, outcome: Outcome, starts: Sequence[str]) -> None:
    """Write the share of right answers in object counting against the steps since the boxes vanished."""
    figure, (panel,) = _panels(1)
    for number, start in enumerate(starts):
        curves = [run.by_time for run in outcome.of(COUNTING, start) if run.by_time is not None]
        if curves:
            values = np.array([curve[1] for curve in curves])
            colour = _colour(start, number, len(starts))
            panel.plot(curves[0][0], values.mean(0), marker="o", color=colour, label=title(start))
            panel.fill_between(curves[0][0], values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
    _random_line(panel, outcome, COUNTING)
    panel.set_title(COUNTING)
    panel.set_xlabel("steps since the boxes vanished")
    panel.set_ylabel("share of right answers")
    _legend(figure, [panel])
    save_png(figure, path)


def draw_ages(path: Path, outcome: Outcome) -> None:
    """Write the final score against the age of the checkpoint that fine-tuning started from, one panel a task."""
    plan = outcome.plan
    ages = sorted(
        (name for name in plan.starts if name in plan.env_steps and _of_the_run(name)),
        key=lambda name: plan.env_steps[name],
    )
    tasks = [task for task in plan.request.tasks if any(outcome.of(task, start) for start in ages)]
    figure, panels = _panels(len(tasks))
    for panel, task in zip(panels, tasks, strict=True):
        known = [(plan.env_steps[start], score) for start in ages if (score := outcome.score(task, start))]
        steps, scores = [step for step, _ in known], [score for _, score in known]
        below, above = [s.value - s.low for s in scores], [s.high - s.value for s in scores]
        values = [s.value for s in scores]
        panel.errorbar(steps, values, yerr=[below, above], marker="o", capsize=3, color=_COLOURS[HIDE_AND_SEEK])
        scratch = outcome.score(task, SCRATCH)
        if scratch is not None:
            panel.axhline(scratch.value, color=_COLOURS[SCRATCH], label="scratch")
        _random_line(panel, outcome, task)
        _name(panel, task)
        panel.set_xlabel("env steps of hide-and-seek before")
        panel.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4))
    _legend(figure, panels)
    save_png(figure, path)


def _of_the_run(start: str) -> bool:
    return start == HIDE_AND_SEEK or is_age(start)


def _together(runs: Sequence[RunOutcome]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return smoothed curves at common env steps: (T,) and (S, T) for S seeds."""
    steps = common_steps([run.curve[0] for run in runs])
    return steps, np.array([np.interp(steps, run.curve[0], smooth(run.curve[1])) for run in runs])


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each value and those before it, a twentieth of the curve in all."""
    length = max(1, len(values) // _SMOOTH_SHARE)
    return np.array([values[max(0, i + 1 - length) : i + 1].mean() for i in range(len(values))])


def _colour(start: str, number: int, count: int) -> Any:
    if start in _COLOURS:
        return _COLOURS[start]
    from matplotlib import colormaps

    return colormaps["viridis"](number / max(count - 1, 1))


def _name(panel: Any, task: str) -> None:
    about = TRANSFER_TASKS[task]
    panel.set_title(task)
    panel.set_ylabel(f"{about.score} ({'higher' if about.higher_is_better else 'lower'} is better)")


def _random_line(panel: Any, outcome: Outcome, task: str) -> None:
    level = outcome.random_level(task)
    if level is not None:
        panel.axhline(level.value, color="black", linestyle=":", linewidth=1, label="without skill")


def _legend(figure: Any, panels: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4, frameon=False)


def _panels(number: int) -> tuple[Any, list[Any]]:
    """Return a figure with panels and room for a legend below them."""
    return new_panels(number, min(number, 3), height=3.0, extra=0.4)
