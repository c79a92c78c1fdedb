"""Figures of a sweep, as PNG images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..evaluation.seed_statistics import mean
from ..support.plotting import common_steps, panels, save_png
from .outcome import Outcome, RunOutcome

_POINTS = 200  # Of a curve, at most: each is the mean of what is between it and the one before.
_COLUMNS = 3
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Env steps (n,), rising, and a metric (n,)."""


def draw_curves(path: Path, outcome: Outcome) -> None:
    """Write each tag against env steps: a thin line a seed, and a thick one for a variant's mean."""
    tags = outcome.curves
    figure, axes = panels(len(tags), min(_COLUMNS, len(tags)), 3.0)
    for panel, tag in zip(axes, tags, strict=True):
        for number, variant in enumerate(outcome.plan.configs):
            curves = [curve for run in outcome.of(variant) if len((curve := _curve(run, tag))[0])]
            for steps, values in curves:
                panel.plot(steps, values, color=f"C{number % 10}", alpha=0.3, linewidth=0.8)
            if curves:
                panel.plot(*mean_curve(curves), color=f"C{number % 10}", linewidth=2, label=variant)
        panel.set_title(tag, fontsize=9)
        panel.set_xlabel("env steps")
    axes[0].legend(fontsize=8)
    save_png(figure, path)


def draw_measures(path: Path, outcome: Outcome) -> None:
    """Write each measure by variant: a dot a seed, and the mean with its interval."""
    measures = outcome.measures
    figure, axes = panels(len(measures), min(_COLUMNS, len(measures)), 3.0)
    for panel, measure in zip(axes, measures, strict=True):
        for number, variant in enumerate(outcome.plan.configs):
            if values := outcome.values(variant, measure):
                panel.plot([number] * len(values), values, "o", color=f"C{number % 10}", alpha=0.4, markersize=4)
                middle = mean(values)
                reach = [[middle.value - middle.low], [middle.high - middle.value]] if len(values) > 1 else None
                panel.errorbar(number + 0.2, middle.value, yerr=reach, fmt="s", color=f"C{number % 10}", capsize=4)
        panel.set_xticks(range(len(outcome.plan.configs)), list(outcome.plan.configs), rotation=20, fontsize=8)
        panel.set_title(measure, fontsize=9)
    save_png(figure, path)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Return the mean of several seeds at common env steps, on straight lines between points, and these steps.

    It ends where the shortest one does.
    """
    common = common_steps([steps for steps, _ in curves])
    return common, np.mean([np.interp(common, steps, values) for steps, values in curves], axis=0)


def _curve(run: RunOutcome, tag: str) -> Curve:
    """Return env steps (n,) and a metric (n,), thinned out; without iterations that do not have it."""
    points = np.array([(line["env_steps"], line[tag]) for line in run.lines if line.get(tag) is not None], dtype=float)
    if not len(points):
        return np.zeros(0), np.zeros(0)
    parts = [part.mean(0) for part in np.array_split(points, min(len(points), _POINTS))]
    steps, values = np.stack(parts).T
    return steps, values
