"""Packages of this project under a name of their own, for programs that have an ``envs`` or ``train`` themselves.

``import hideseek.envs.adapters.gymnasium_env`` finds this project's ``envs``, whatever else has that name, and
``python -m hideseek`` is the command line.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""Where the packages are: beside this file where it was installed, two folders up in a clone."""
if FOLDER.name == "launcher":
    FOLDER = FOLDER.parents[1]
__path__ = [str(FOLDER)]  # Makes this file a package, of which they are parts.


def main() -> int:
    """Run the command line, whose packages come before all others, and return its exit status."""
    sys.path.insert(0, str(FOLDER))
    return importlib.import_module("train.cli").main()


if __name__ == "__main__":
    sys.exit(main())
