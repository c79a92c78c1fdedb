"""What a study prints while it goes on: which pieces are done, what the others do, and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console

from ..support.console import duration
from .study import Piece
from .study_folder import Told

_LINE_EVERY = 15.0  # Seconds between two lines where there is no terminal.


class StudyConsole:
    """Prints the progress of a study.

    Args:
      console: where lines go.
      pieces: all its pieces.
      done: names of those that were done before.
      jobs: how many are done at a time.
    """

    def __init__(self, console: Console, pieces: Sequence[Piece], done: set[str], jobs: int) -> None:
        self._console, self._jobs = console, jobs
        self._work = {piece.name: piece.work for piece in pieces}
        self._shares = {name: 1.0 if name in done else 0.0 for name in self._work}
        self._finished = set(done)
        self._running: dict[str, str] = {}
        self._begun = time.monotonic()
        self._before = self._done()
        self._status = console.status("starting") if sys.stdout.isatty() else None
        self._printed = self._begun

    def __enter__(self) -> StudyConsole:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def tell(self, told: Told) -> None:
        """Note how far a piece is."""
        self._shares[told.piece] = told.share
        self._running[told.piece] = told.words
        self._show()

    def finished(self, piece: Piece) -> None:
        """Say that a piece is done."""
        self._finished.add(piece.name)
        self._running.pop(piece.name, None)
        self._shares[piece.name] = 1.0
        self._console.print(f"[{len(self._finished)}/{len(self._work)}] {piece.name}{self._left()}", soft_wrap=True)

    def seconds_left(self) -> float | None:
        """Return how long the rest will take at the speed seen so far, None if none was seen."""
        done = self._done() - self._before
        rest = sum(self._work.values()) - self._done()
        seconds = time.monotonic() - self._begun
        return seconds * rest / done if done > 0 else None

    def _done(self) -> float:
        return sum(work * self._shares[name] for name, work in self._work.items())

    def _left(self) -> str:
        left = self.seconds_left()
        return "" if left is None else f"; {duration(left)} left in all"

    def _show(self) -> None:
        what = "; ".join(f"{name}{': ' * bool(words)}{words}" for name, words in self._running.items())
        text = f"{len(self._finished)}/{len(self._work)} pieces done; {what}{self._left()}"
        if self._status:
            self._status.update(text)
        elif time.monotonic() - self._printed >= _LINE_EVERY:
            self._printed = time.monotonic()
            self._console.print(text, soft_wrap=True)
