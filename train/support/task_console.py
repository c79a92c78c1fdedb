"""What long work of many tasks prints: which are done, what the others do, and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from types import TracebackType

from rich.console import Console

from .console import duration

_LINE_EVERY = 15.0  # Seconds between two lines where there is no terminal.


class TaskConsole:
    """Prints the progress of tasks.

    Args:
      console: where lines go.
      work: task -> how long it takes, in any unit that is the same for all.
      done: those that were done before.
      noun: what a task is called.
    """

    def __init__(self, console: Console, work: Mapping[str, float], done: Collection[str], noun: str) -> None:
        self._console, self._noun, self._work = console, noun, dict(work)
        self._shares = {name: 1.0 if name in done else 0.0 for name in self._work}
        self._finished = set(done)
        self._running: dict[str, str] = {}
        self._begun = time.monotonic()
        self._before = self._done()
        self._status = console.status("starting") if sys.stdout.isatty() else None
        self._printed = self._begun

    def __enter__(self) -> TaskConsole:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def tell(self, name: str, share: float, words: str) -> None:
        """Note how far a task is: the share of it that is done, and whatever else there is to be said."""
        if name not in self._running:  # What it had done before says nothing of the speed now.
            self._before += self._work[name] * share
        self._shares[name] = share
        self._running[name] = words
        self._show()

    def finished(self, name: str, words: str = "") -> None:
        """Say that a task is done."""
        self._finished.add(name)
        self._close(name, f"[{len(self._finished)}/{len(self._work)}] {name}", words)

    def failed(self, name: str, words: str) -> None:
        """Say that a task cannot be done; nothing more is expected of it."""
        self._close(name, f"failed: {name}", words)

    def seconds_left(self) -> float | None:
        """Return how long the rest will take at the speed seen so far, None if none was seen."""
        done = self._done() - self._before
        rest = sum(self._work.values()) - self._done()
        seconds = time.monotonic() - self._begun
        return seconds * rest / done if done > 0 else None

    def _close(self, name: str, title: str, words: str) -> None:
        self._running.pop(name, None)
        self._shares[name] = 1.0
        self._console.print(f"{title}{': ' * bool(words)}{words}{self._left()}", soft_wrap=True)

    def _done(self) -> float:
        return sum(work * self._shares[name] for name, work in self._work.items())

    def _left(self) -> str:
        left = self.seconds_left()
        return "" if left is None else f"; {duration(left)} left in all"

    def _show(self) -> None:
        what = "; ".join(f"{name}{': ' * bool(words)}{words}" for name, words in self._running.items())
        text = f"{len(self._finished)}/{len(self._work)} {self._noun}s done; {what}{self._left()}"
        if self._status:
            self._status.update(text)
        elif time.monotonic() - self._printed >= _LINE_EVERY:
            self._printed = time.monotonic()
            self._console.print(text, soft_wrap=True)
