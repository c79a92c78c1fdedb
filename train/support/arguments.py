"""The words of a command line, as a dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import tyro

from envs.options.ranges import require_in_range

T = TypeVar("T")


def parse_arguments(kind: type[T], words: Sequence[str], command: str, description: str | None = None) -> T:
    """Return the options that the words after ``hideseek COMMAND`` mean.

    Args:
      kind: a dataclass with a default for every option that may be left out.
      words: as the shell gave them.
      command: its name, for the help.
      description: for the help; None takes the docstring of ``kind``.

    Raises:
      UserError: a number that its option cannot have.
      SystemExit: an unknown option or a value of another type, told on stderr; or ``--help``.
    """
    options = tyro.cli(kind, args=words, prog=f"hideseek {command}", description=description)
    require_in_range(options)
    return options


def without_options(words: Sequence[str], *names: str) -> list[str]:
    """Return the words of a command line without some options and their values, ``--x 1`` or ``--x=1``."""
    kept, skip = [], False
    for word in words:
        if not skip and word not in names and not word.startswith(tuple(f"{name}=" for name in names)):
            kept.append(word)
        skip = word in names
    return kept
