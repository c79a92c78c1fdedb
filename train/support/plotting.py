"""Figures as PNG files, drawn with matplotlib, which is an extra of the package."""

from __future__ import annotations

import importlib
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.errors import UserError

from .files import write_atomically

INSTALL_MATPLOTLIB = "matplotlib is not installed; in the clone: pip install -e '.[reports]' (extra hideseek[reports])"


def can_draw() -> bool:
    """Whether matplotlib is there."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError:
        return False
    return True


def require_matplotlib() -> None:
    """Refuse to go on without matplotlib.

    Raises:
      UserError: it is not installed; says how to get it.
    """
    if not can_draw():
        raise UserError(f"figures need matplotlib, and {INSTALL_MATPLOTLIB}")


def common_steps(curves: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return all points of an x axis at which every curve is known: from the latest beginning to the earliest end.

    Args:
      curves: x of each curve, rising, of any length but none.
    """
    points = np.unique(np.concatenate(curves))
    return points[(points >= max(x[0] for x in curves)) & (points <= min(x[-1] for x in curves))]


def new_figure(width: float, height: float, dpi: int = 110) -> Any:
    """Return an empty figure that no window system knows of, sizes in inches.

    Raises:
      UserError: matplotlib is not installed; says how to get it.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def panels(number: int, columns: int, height: float, extra: float = 0.0) -> tuple[Any, list[Any]]:
    """Return a figure and its panels, row by row, each 4.2 by ``height`` inches; ``extra`` inches are below all."""
    rows = math.ceil(number / columns)
    figure = new_figure(4.2 * columns, height * rows + extra)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(number)]
    for panel in axes:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def save_png(figure: Any, path: Path) -> None:
    """Write a figure to a PNG file, whole or not at all."""
    write_atomically(path, png(figure))
