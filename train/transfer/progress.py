"""What a study prints while it goes on: which runs are done, what the others do, and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console

from ..support.console import duration, say_on_stderr
from .study_plan import StudyPlan, Unit
from .study_runs import Progress, work

_LINE_EVERY = 15.0  # Seconds between two lines where there is no terminal.


class StudyConsole:
    """Prints the progress of a study.

    Args:
      console: where lines go.
      plan: the study.
      units: all its runs.
      jobs: how many run at a time.
    """

    def __init__(self, console: Console, plan: StudyPlan, units: Iterable[Unit], jobs: int) -> None:
        self._console, self._plan, self._jobs = console, plan, jobs
        self._work = {unit: work(plan, unit) for unit in units}
        self._steps = {unit: self._work[unit] if plan.is_done(unit) else 0 for unit in self._work}
        self._finished = {unit for unit in self._work if plan.is_done(unit)}
        self._running: dict[Unit, str] = {}
        self._first: dict[Unit, tuple[float, int]] = {}
        self._last: dict[Unit, tuple[float, int]] = {}
        self._status = console.status("starting") if sys.stdout.isatty() else None
        self._printed = time.monotonic()

    def __enter__(self) -> StudyConsole:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def tell(self, progress: Progress) -> None:
        """Note how far a run is."""
        unit, now = progress.unit, time.monotonic()
        self._first.setdefault(unit, (now, progress.done))
        self._last[unit] = (now, progress.done)
        self._steps[unit] = progress.done
        self._running[unit] = progress.words
        self._show()

    def finished(self, unit: Unit, words: str = "") -> None:
        """Say that a run is done."""
        self._finished.add(unit)
        self._running.pop(unit, None)
        self._steps[unit] = self._work[unit]
        count = f"[{len(self._finished)}/{len(self._work)}]"
        self._console.print(f"{count} {unit}{': ' * bool(words)}{words}", soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning on stderr."""
        say_on_stderr(f"warning: {text}")

    def seconds_left(self) -> float | None:
        """Return how long the rest will take at the speeds seen so far, None if none was seen."""
        speeds = self._speeds()
        if not speeds:
            return None
        usual = sum(speeds.values()) / len(speeds)
        rest = [
            (total - self._steps[unit]) / speeds.get(unit.task, usual)
            for unit, total in self._work.items()
            if unit not in self._finished
        ]
        return max([sum(rest) / self._jobs, *rest]) if rest else 0.0

    def _speeds(self) -> dict[str, float]:
        """Env steps per second of one run of each task."""
        sums: dict[str, tuple[float, float]] = {}
        for unit, (end, steps) in self._last.items():
            begin, before = self._first[unit]
            seconds, done = sums.get(unit.task, (0.0, 0.0))
            sums[unit.task] = (seconds + end - begin, done + steps - before)
        return {task: done / seconds for task, (seconds, done) in sums.items() if seconds > 0 and done > 0}

    def _show(self) -> None:
        left = self.seconds_left()
        what = "; ".join(f"{unit}: {words}" for unit, words in self._running.items())
        time_left = "" if left is None else f"; {duration(left)} left in all"
        text = f"{len(self._finished)}/{len(self._work)} runs done; {what}{time_left}"
        if self._status:
            self._status.update(text)
        elif time.monotonic() - self._printed >= _LINE_EVERY:
            self._printed = time.monotonic()
            self._console.print(text, soft_wrap=True)
