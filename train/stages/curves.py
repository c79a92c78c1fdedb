"""Curves of a stage report as PNG images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..support.plotting import panels as new_panels
from ..support.plotting import save_png
from .study import Study

_PANELS = (
    ("largest move of a box, m", ("max_box_move_prep", "max_box_move")),
    ("largest move of a ramp, m", ("max_ramp_move_prep", "max_ramp_move")),
    ("locked boxes", ("num_box_lock_prep", "num_box_lock")),
    ("locked ramps", ("num_ramp_lock_prep", "num_ramp_lock")),
)
_LABELS = {True: "end of preparation", False: "end of episode"}
_COLOURS = ("#3d7fc4", "#e08a1e")
_MEAN_OVER = 50  # Points behind a smoothed one, at most a twentieth of the curve.

Metrics = Sequence[dict[str, float | None]]


def draw_shares(path: Path, study: Study) -> None:
    """Write the share of episodes against env steps of training, one panel a strategy, with 95 % intervals."""
    names = study.strategies
    figure, panels = _panels(len(names), columns=2 if len(names) <= 4 else 3)
    steps = [finding.env_steps for finding in study.findings]
    for panel, name in zip(panels, names, strict=True):
        shares = [finding.shares[name] for finding in study.findings]
        values = [share.value for share in shares]
        below = [share.value - share.low for share in shares]
        above = [share.high - share.value for share in shares]
        panel.errorbar(steps, values, yerr=[below, above], marker="o", capsize=3, color=_COLOURS[0])
        panel.set_title(name)
        panel.set_ylim(-0.03, 1.03)
    panels[0].set_ylabel("share of episodes")
    save_png(figure, path)


def draw_statistics(path: Path, metrics: Metrics) -> bool:
    """Write the behaviour statistics that training logged; returns False if it logged none.

    Args:
      path: the file.
      metrics: lines of ``metrics.jsonl``.
    """
    if not any(f"stats/{name}" in line for line in metrics for _, names in _PANELS for name in names):
        return False
    figure, panels = _panels(len(_PANELS), columns=2)
    for panel, (title, names) in zip(panels, _PANELS, strict=True):
        for name, colour in zip(names, _COLOURS, strict=True):
            steps, values = curve(metrics, f"stats/{name}")
            smooth = running_mean(values, max(1, min(_MEAN_OVER, len(values) // 20)))
            panel.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
            panel.plot(steps, smooth, color=colour, label=_LABELS[name.endswith("_prep")])
        panel.set_title(title)
        panel.set_ylim(bottom=0)
    panels[0].legend(frameon=False)
    save_png(figure, path)
    return True


def curve(metrics: Metrics, tag: str) -> tuple[list[float], list[float]]:
    """Return env steps and values of a tag where it has any."""
    points = [(line.get("env_steps"), line.get(tag)) for line in metrics]
    known = [(step, value) for step, value in points if step is not None and value is not None and math.isfinite(value)]
    return [step for step, _ in known], [value for _, value in known]


def running_mean(values: Sequence[float], length: int) -> list[float]:
    """Return the mean of each value and up to ``length - 1`` before it."""
    recent = [values[max(0, i + 1 - length) : i + 1] for i in range(len(values))]
    return [sum(some) / len(some) for some in recent]


def _panels(number: int, columns: int) -> tuple[Any, list[Any]]:
    """Return a figure with panels over env steps."""
    figure, panels = new_panels(number, columns, height=2.9)
    for panel in panels:
        panel.set_xlabel("env steps of training")
        panel.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4))
    return figure, panels
