"""A picture of cross-play: a row for each player's hiders, a column for each player's seekers."""

from __future__ import annotations

from typing import Any

from ..support.plotting import new_figure, png
from .cross_play import CrossPlay
from .intervals import Estimate

_CELL = 1.1  # inches
_MARGIN = 2.6  # inches, for names


def heat_map(result: CrossPlay) -> bytes:
    """Return a PNG with two maps side by side: the hiders' return, and how often hiders are seen.

    Raises:
      UserError: matplotlib is not installed.
    """
    size = max(len(result.players), 2) * _CELL + _MARGIN
    figure = new_figure(2 * size, size, dpi=120)
    left, right = figure.subplots(1, 2)
    _draw(left, result.players, result.returns["hiders"], "return of hiders", "{:+.0f}", {})
    _draw(right, result.players, result.seen, "share of live steps seen", "{:.2f}", {"vmin": 0.0, "vmax": 1.0})
    return png(figure)


def _draw(axes: Any, names: list[str], table: list[list[Estimate]], title: str, form: str, limits: dict) -> None:
    """Draw one map; each cell has its number and half the width of its interval."""
    values = [[cell.value for cell in row] for row in table]
    image = axes.imshow(values, cmap="viridis", **limits)
    axes.figure.colorbar(image, ax=axes, shrink=0.8)
    low, high = image.get_clim()
    for i, row in enumerate(table):
        for j, cell in enumerate(row):
            text = f"{form.format(cell.value)}\n±{form.format((cell.high - cell.low) / 2).lstrip('+')}"
            bright = high > low and (cell.value - low) / (high - low) > 0.6
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color="black" if bright else "white")
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("seekers")
    axes.set_ylabel("hiders")
    axes.set_title(title)
