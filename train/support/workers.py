"""Does tasks one after the other, or several at a time, each in a process of its own.

Ctrl-C and SIGTERM reach the first process alone, which tells the others. A worker whose first process has died is told
to stop in the same way.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from envs.errors import UserError

T = TypeVar("T")
Tell = Callable[[Any], None]
Stop = Callable[[], bool]

_POLL = 0.2  # Seconds between two looks at the workers.


def run_all(
    tasks: Sequence[T],
    work: Callable[[T, Tell, Stop], bool],
    jobs: int,
    tell: Tell,
    finished: Callable[[T], None],
    stop: Stop,
    failed: Callable[[T, str], None] | None = None,
) -> bool:
    """Do tasks in order.

    Args:
      tasks: what is to be done, each with a name (``str``); they and ``work`` can be pickled.
      work: does one, telling whatever it likes, and returns whether it is done; asks whether to stop.
      jobs: how many at a time; 1 does them in this process, unless failures are to stay apart.
      tell: is given what they tell.
      finished: is told of tasks that are done.
      stop: True ends everything soon.
      failed: is told of a task that failed, and why; the others go on. None: one that fails ends all.

    Returns:
      Whether all of them are done.

    Raises:
      UserError: a task failed or its process died, and nobody wants to hear of it; the others have been stopped.
    """
    if jobs == 1 and failed is None:
        for task in tasks:
            if stop() or not work(task, tell, stop):
                return False
            finished(task)
        return True
    return _Workers(work, tell, finished, failed).run(tasks, jobs, stop)


class _Workers:
    """Processes that do tasks, and what they tell."""

    def __init__(
        self,
        work: Callable[[Any, Tell, Stop], bool],
        tell: Tell,
        finished: Callable[[Any], None],
        failed: Callable[[Any, str], None] | None,
    ) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__, getattr(work, "func", work).__module__])  # Also of a partial.
        self._work, self._tell, self._finished, self._failed = work, tell, finished, failed
        self._messages: Any = self._context.Queue()
        self._stop: Any = self._context.Event()
        self._running: dict[int, Any] = {}
        self._done: set[int] = set()
        self._errors: list[str] = []
        self._tasks: Sequence[Any] = ()

    def run(self, tasks: Sequence[Any], jobs: int, stop: Stop) -> bool:
        """Do tasks in order, ``jobs`` at a time; see ``run_all``."""
        self._tasks = tasks
        waiting = list(range(len(tasks)))
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
        return len(self._done) == len(tasks)

    def _begin(self, number: int) -> None:
        arguments = (self._work, number, self._tasks[number], self._messages, self._stop)
        process = self._context.Process(target=_do, args=arguments, daemon=True)
        process.start()
        self._running[number] = process

    def _listen(self) -> None:
        """Hand on what workers have said; wait a moment if nothing was."""
        with contextlib.suppress(queue.Empty):
            self._hear(*self._messages.get(timeout=_POLL))
            while True:
                self._hear(*self._messages.get_nowait())

    def _hear(self, kind: str, content: Any) -> None:
        if kind == "done":
            self._done.add(content)
            self._finished(self._tasks[content])
        elif kind == "error":
            self._fail(*content)
        else:
            self._tell(content)

    def _fail(self, number: int, text: str) -> None:
        if self._failed is None:
            self._errors.append(f"{self._tasks[number]}: {text}")
        else:
            self._failed(self._tasks[number], text)

    def _collect(self) -> None:
        """Let go of processes that have ended."""
        for number, process in list(self._running.items()):
            if process.is_alive():
                continue
            process.join()
            del self._running[number]
            if process.exitcode != 0 and not self._stop.is_set():
                self._fail(
                    number,
                    f"its process died (exit code {process.exitcode}); if memory is short use --jobs 1; the same "
                    "command goes on with what is finished",
                )


def _do(work: Callable[[Any, Tell, Stop], bool], number: int, task: Any, messages: Any, stop: Any) -> None:
    """Do one task in this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The first process hears it and tells.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()

    def stopping() -> bool:
        return stop.is_set() or (parent is not None and not parent.is_alive())

    try:
        if work(task, lambda content: messages.put(("tell", content)), stopping):
            messages.put(("done", number))
    except UserError as error:
        messages.put(("error", (number, str(error))))
