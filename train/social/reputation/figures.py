"""Figures of the study: distributions over seeds, curves while agents learn, and the rules that they play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...support.plotting import panels, save_png
from .claims import CLAIMS, describe
from .options import Learning, Setting, Ties
from .pieces import Found

_JITTER = 0.25  # Widths between settings.
_RULES = {0: "0: never", 5: "5: to the good", 10: "10: to the bad", 15: "15: always"}


def draw_distributions(part: str, variants: Sequence[tuple[str, Found, Ties]], path: Path) -> None:
    """Draw cooperation in every setting of a part, a panel a reading: a dot a seed, and the paper's number."""
    claims = [claim for claim in CLAIMS if claim.part == part and claim.measure == "cooperation"]
    figure, axes = panels(len(variants), 2, 3.0, extra=1.0)
    generator = np.random.default_rng(0)
    for panel, (title, one, ties) in zip(axes, variants, strict=True):
        for x, claim in enumerate(claims):
            values = np.array(one.values(claim, ties))
            spread = x + generator.uniform(-_JITTER, _JITTER, len(values))
            panel.plot(spread, values, "o", color="C0", markersize=3, alpha=0.6)
            panel.hlines(claim.value, x - 0.4, x + 0.4, colors="C3", linestyles="dashed")
        panel.set_title(title, fontsize="medium")
        panel.set_ylim(-0.02, 1.02)
        panel.set_ylabel("cooperation")
        _name_settings(panel, [claim.setting for claim in claims], part, one.run.reading)
    save_png(figure, path)


def draw_curves(part: str, one: Found, ties: Ties, path: Path) -> None:
    """Draw cooperation while agents learn, a panel a setting, a line a seed."""
    numbers = one.run.places(part, ties)
    figure, axes = panels(len(numbers), 3, 2.2)
    for panel, number in zip(axes, numbers, strict=True):
        for curve in one.arrays["curves"][number]:
            panel.plot(one.every * np.arange(1, len(curve) + 1), curve, color="C0", linewidth=0.8, alpha=0.6)
        panel.set_title(describe(one.run.settings[number], part, one.run.reading), fontsize="small")
        panel.set_ylim(-0.02, 1.02)
    save_png(figure, path)


def draw_rules(part: str, one: Found, ties: Ties, path: Path) -> None:
    """Draw the shares of action rules in the last half, a bar a setting, means over seeds."""
    numbers = one.run.places(part, ties)
    shares = one.arrays["rules"][numbers].mean(1)
    figure, [panel] = panels(1, 1, 3.6, extra=1.0)
    bottom, rest = np.zeros(len(numbers)), 1.0 - shares[:, list(_RULES)].sum(1)
    for height, label in [*((shares[:, rule], label) for rule, label in _RULES.items()), (rest, "other")]:
        panel.bar(range(len(numbers)), height, bottom=bottom, label=label)
        bottom = bottom + height
    panel.set_ylabel("share of agents")
    panel.legend(
        fontsize="x-small", title="rule", title_fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
    _name_settings(panel, [one.run.settings[number] for number in numbers], part, one.run.reading)
    save_png(figure, path)


def _name_settings(panel: Any, settings: Sequence[Setting], part: str, learning: Learning) -> None:
    names = [describe(setting, part, learning) for setting in settings]
    panel.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize="xx-small")
