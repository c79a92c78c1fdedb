"""Does the runs of a study one after the other, or several at a time, each in a process of its own.

Ctrl-C and SIGTERM reach the first process alone, which tells the others: each run ends after its iteration, with a
checkpoint. A worker whose first process has died ends in the same way, and until then holds a lock that keeps others
from its files.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from envs.errors import UserError

from ..support.folder_lock import FolderLock
from .study_plan import WORKERS_LOCK, StudyPlan, Unit, read_plan
from .study_runs import Progress, run_unit

_POLL = 0.2  # Seconds between two looks at the workers.


def workers_lock(path: Path, shared: bool = False) -> FolderLock:
    """Return the lock that every worker of a study holds as a shared one."""
    return FolderLock(path / WORKERS_LOCK, shared)


def run_all(
    plan: StudyPlan,
    units: Sequence[Unit],
    jobs: int,
    threads: int,
    tell: Callable[[Progress], None],
    finished: Callable[[Unit], None],
    warn: Callable[[str], None],
    stop: Callable[[], bool],
) -> bool:
    """Do runs in order.

    Args:
      plan: the study.
      units: what is left to do.
      jobs: how many run at a time; 1 runs them in this process.
      threads: physics threads of each.
      tell: is told of progress.
      finished: is told of runs that are done.
      warn: is given warnings.
      stop: True ends everything soon, resumable.

    Returns:
      Whether all of them are done.

    Raises:
      UserError: a run failed or its process died; the others have been stopped and can be resumed.
    """
    if jobs == 1:
        for unit in units:
            if stop() or not run_unit(plan, unit, threads, tell, warn, stop):
                return False
            finished(unit)
        return True
    return _Workers(plan, threads, tell, finished, warn).run(units, jobs, stop)


class _Workers:
    """Processes that do runs, and what they tell."""

    def __init__(
        self,
        plan: StudyPlan,
        threads: int,
        tell: Callable[[Progress], None],
        finished: Callable[[Unit], None],
        warn: Callable[[str], None],
    ) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._plan, self._threads = plan, threads
        self._tell, self._warn = tell, warn
        self._finished = finished
        self._messages: Any = self._context.Queue()
        self._stop: Any = self._context.Event()
        self._running: dict[Unit, Any] = {}
        self._done: set[Unit] = set()
        self._errors: list[str] = []

    def run(self, units: Sequence[Unit], jobs: int, stop: Callable[[], bool]) -> bool:
        """Do runs in order, ``jobs`` at a time; see ``run_all``."""
        waiting = list(units)
        try:
            while waiting or self._running:
                if stop() or self._errors:
                    waiting.clear()
                    self._stop.set()
                while waiting and len(self._running) < jobs:
                    self._begin(waiting.pop(0))
                self._listen()
                self._collect()
            self._listen()  # What the last ones said at their end.
        finally:
            for process in self._running.values():
                process.kill()
                process.join()
        if self._errors:
            raise UserError(self._errors[0])
        return self._done >= set(units)

    def _begin(self, unit: Unit) -> None:
        arguments = (self._plan.path, unit, self._threads, self._messages, self._stop)
        process = self._context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        self._running[unit] = process

    def _listen(self) -> None:
        """Hand on what workers have said; wait a moment if nothing was."""
        with contextlib.suppress(queue.Empty):
            self._hear(*self._messages.get(timeout=_POLL))
            while True:
                self._hear(*self._messages.get_nowait())

    def _hear(self, kind: str, content: Any) -> None:
        if kind == "done":
            self._done.add(content)
            self._finished(content)
        elif kind == "error":
            self._errors.append(content)
        elif kind == "warn":
            self._warn(content)
        else:
            self._tell(content)

    def _collect(self) -> None:
        """Let go of processes that have ended."""
        for unit, process in list(self._running.items()):
            if process.is_alive():
                continue
            process.join()
            del self._running[unit]
            if process.exitcode != 0 and not self._stop.is_set():
                self._errors.append(
                    f"the process of {unit} died (exit code {process.exitcode}); if memory is short use --jobs 1; the "
                    "same command goes on from the last checkpoints"
                )


def _work(path: Path, unit: Unit, threads: int, messages: Any, stop: Any) -> None:
    """Do one run in this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The first process hears it and tells.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()

    def stopping() -> bool:
        return stop.is_set() or (parent is not None and not parent.is_alive())

    try:
        with workers_lock(path, shared=True):
            if run_unit(
                read_plan(path),
                unit,
                threads,
                lambda progress: messages.put(("tell", progress)),
                lambda text: messages.put(("warn", text)),
                stopping,
            ):
                messages.put(("done", unit))
    except UserError as error:
        messages.put(("error", f"{unit}: {error}"))
