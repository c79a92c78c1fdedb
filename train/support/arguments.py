"""The words of a command line, as a dataclass."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from collections.abc import Sequence
from typing import TypeVar

import tyro

from envs.errors import UserError
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
      UserError: an unknown option, a value of another type, or a number that its option cannot have.
      SystemExit: ``--help``, which was printed.
    """
    options = parse_words(kind, words, command, description=description)
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


def parse_words(
    kind: type[T], words: Sequence[str], command: str, default: T | None = None, description: str | None = None
) -> T:
    """Return what the words mean, whatever the numbers are.

    Args:
      kind: the dataclass.
      words: as the shell gave them.
      command: its name, for the help.
      default: what holds where the words say nothing; None for the defaults of the dataclass.
      description: for the help; None takes the docstring of ``kind``.

    Raises:
      UserError: an unknown option, or a value of another type.
      SystemExit: ``--help``, which was printed.
    """
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            fallback = default or tyro.MISSING_NONPROP
            return tyro.cli(kind, args=words, default=fallback, prog=f"hideseek {command}", description=description)
    except SystemExit as error:
        if not error.code:
            raise
        raise UserError(f"{_one_line(told.getvalue())}; 'hideseek {command} --help' shows all options") from None


def _one_line(box: str) -> str:
    """Return what the parser says in a frame of several lines: a title, what is wrong, a rule, and help."""
    rows = [line.replace("│", " ") for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()]
    rules = itertools.groupby(rows[1:], key=lambda row: not row.strip(" ─-╭╰╮╯"))
    groups = [[*group] for is_rule, group in rules if not is_rule]
    parts = [" ".join(" ".join(group).split()) for group in groups]
    message = parts[0].partition(" Got errors:")[0].rstrip(". ")
    nearest = re.search(r"you meant: (--[\w.-]+)", " ".join(parts))
    if message.startswith("Missing from"):
        return f"{message.partition(':')[0]}: {', '.join(_missing(groups[0]))}"
    return _sorted_choices(message) + (f", did you mean {nearest[1]}?" if nearest else "")


def _missing(rows: list[str]) -> list[str]:
    """Return the first name of every option in a list of them: what stands deeper is its help."""
    return [found[1] for row in rows if (found := re.match(r" {6}(\S.*?)(?:, -.*)? *$", row))]


def _sorted_choices(message: str) -> str:
    """Return the message with its choices in an order of their own, the parser's being another one in every process."""

    def in_order(choices: re.Match[str]) -> str:
        return f"({', '.join(sorted(word for word in choices[1].split(', ') if word != repr('None')))})"

    return re.sub(r"(?<=Expected one of )\((.*)\)", in_order, message)
