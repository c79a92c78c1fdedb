"""Whether the packages that this project imports are its own: their names are common."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]
"""Where the packages are."""


def require_own(*packages: str) -> None:
    """Check that imports of some of this project's packages do not find something else of the same name.

    Raises:
      ImportError: names the folder or file in the way, and says what works all the same.
    """
    for name in packages:
        spec = importlib.util.find_spec(name)
        place = spec.origin if spec else None  # None, too, for a folder without __init__.py.
        if place is None or Path(place).resolve().parent != FOLDER / name:
            raise ImportError(
                f"'import {name}' finds {place}, which is in the way of {FOLDER / name}: run hideseek's command as "
                f"'hideseek' or 'python -m hideseek', import its environments from 'hideseek.envs', or rename yours"
            )
