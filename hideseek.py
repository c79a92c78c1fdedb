"""Packages of this project under a name of their own, for programs that have an ``envs`` or ``train`` themselves.

``import hideseek.envs.adapters.gymnasium_env`` finds this project's ``envs``, whatever else has that name, and
``python -m hideseek`` is the command line.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""Where the packages are."""
__path__ = [str(FOLDER)]  # Makes this file a package, of which they are parts.


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


def main() -> int:
    """Run the command line, whose packages come before all others, and return its exit status."""
    sys.path.insert(0, str(FOLDER))
    return importlib.import_module("train.cli").main()


if __name__ == "__main__":
    sys.exit(main())
