"""What other threads want done by the thread that owns the world and OpenGL."""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from envs.errors import UserError

_LOG = logging.getLogger(__name__)
_MOST_AT_ONCE = 100
_ANSWER_SECONDS = 60.0
"""Time after which nobody waits for an answer any more."""


class Inbox:
    """Actions in the order in which they came, each with a place for its answer."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[tuple[str, Callable[[], Any], Future]] = queue.Queue()

    def put(self, what: str, action: Callable[[], Any]) -> Future:
        """Have something done soon. What it gives, or the UserError that says why it failed, comes later."""
        answer: Future = Future()
        self._waiting.put((what, action, answer))
        return answer

    def work(self, wait: float = 0.0) -> bool:
        """Do what has come in; wait up to ``wait`` seconds for the first. Returns whether anything was done."""
        done = False
        with contextlib.suppress(queue.Empty):
            for _ in range(_MOST_AT_ONCE):
                what, action, answer = self._waiting.get(block=wait > 0 and not done, timeout=wait)
                if answer.set_running_or_notify_cancel():
                    _do(what, action, answer)
                    done = True
        return done


def result(answer: Future) -> Any:
    """Wait for an answer.

    Raises:
      UserError: why there is none.
      TimeoutError: it took too long, and will not be done if it has not begun.
    """
    try:
        return answer.result(timeout=_ANSWER_SECONDS)
    finally:
        answer.cancel()


def explained(what: str, error: Exception) -> UserError:
    """Return an error as one line. One that is no mistake of the user is logged."""
    if isinstance(error, UserError):
        return error
    line = f"{what} ({type(error).__name__}: {' '.join(str(error).split())})"
    _LOG.warning("%s", line)
    _LOG.debug("traceback:", exc_info=error)
    return UserError(line)


def _do(what: str, action: Callable[[], Any], answer: Future) -> None:
    """Do something; whatever goes wrong is its answer, and this thread goes on."""
    try:
        given = action()
    except Exception as error:
        answer.set_exception(explained(f"{what} failed", error))
    else:
        answer.set_result(given)
