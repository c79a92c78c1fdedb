"""What a training run prints: a heading, one line per iteration, and warnings. Plain text unless on a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import IO, Any, cast

from rich.console import Console
from rich.text import Text

_HEADING_EVERY = 25  # lines
_PIPE_WIDTH = 180  # characters
_COLUMNS = (
    # title, width, tag, format
    ("hiders", 8, "charts/episodic_return/hiders", "{:+.1f}"),
    ("seekers", 8, "charts/episodic_return/seekers", "{:+.1f}"),
    ("seen", 6, "charts/seen_fraction", "{:.0%}"),
    ("entropy", 8, "losses/entropy", "{:.2f}"),
    ("policy", 8, "losses/policy_loss", "{:+.4f}"),
    ("value", 8, "losses/value_loss", "{:.4f}"),
)


def make_console() -> Console:
    """Return the console for ordinary output: as wide as the terminal; in a file or pipe as wide as every table."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, highlight=False, emoji=False, markup=False)


class _LastingStream:
    """Standard output for as long as it can be written to; afterwards all is thrown away."""

    def write(self, text: str) -> int:
        """Write what can still be written."""
        try:
            return sys.stdout.write(text)
        except (OSError, ValueError):
            self._give_up()
            return len(text)

    def flush(self) -> None:
        """Flush what can still be flushed."""
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            self._give_up()

    def _give_up(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # Else Python complains at its exit of what it cannot flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def make_lasting_console() -> Console:
    """Return the console for long work: where nobody reads any more, it prints nothing, and the work goes on.

    So it is where the reader of a pipe has ended (``| tee log`` and Ctrl-C, which ends both), or a terminal is gone.
    """
    console = make_console()
    console.file = cast(IO[str], _LastingStream())
    return console


def say_on_stderr(text: str) -> None:
    """Print a line on stderr, if somebody reads it."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


class TrainingConsole:
    """Prints the progress of a training run; a silent one prints nothing, for processes that others speak for."""

    def __init__(self, console: Console | None = None, silent: bool = False) -> None:
        self.console = console or make_lasting_console()
        self.silent = silent
        self._last: dict[str, float] = {}
        self._lines = 0

    def say(self, text: str, style: str = "") -> None:
        """Print one line."""
        if self.silent:
            return
        self.console.print(Text(text, style=style), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning on stderr."""
        if self.silent:
            return
        say_on_stderr(f"warning: {text}")

    def iteration(
        self, iteration: int, total: int, env_steps: int, seconds_left: float, metrics: Mapping[str, float]
    ) -> None:
        """Print one iteration's line; numbers of episodes are the last known ones if no episode ended in it."""
        if self._lines % _HEADING_EVERY == 0:
            self.say(_heading(total), style="bold")
        self._lines += 1
        self._last.update(metrics)
        width = len(str(total))
        speed = metrics.get("perf/env_steps_per_second", 0.0)
        start = f"{iteration:>{width}}/{total}  {env_steps:>12,}  {speed:>8,.0f}  {duration(seconds_left):>8}"
        self.say(start + "".join(self._cell(*column) for column in _COLUMNS))

    def _cell(self, _title: str, width: int, tag: str, form: str) -> str:
        value = self._last.get(tag)
        return "  " + ("-" if value is None else form.format(value)).rjust(width)


def duration(seconds: float) -> str:
    """Return a length of time in the two largest units that matter: ``45 s``, ``3m 20s``, ``5h 02m``, ``2d 03h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def _heading(total: int) -> str:
    width = 2 * len(str(total)) + 1
    start = f"{'iteration' if width >= 9 else '':>{width}}  {'env steps':>12}  {'steps/s':>8}  {'left':>8}"
    return start + "".join(f"  {title:>{width}}" for title, width, _, _ in _COLUMNS)
