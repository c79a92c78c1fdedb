"""Pictures on their way from the thread that draws them to those that hand them to pages."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

_UNWATCHED_SECONDS = 3.0
"""Time after which the world waits if no page asks for a picture."""


@dataclass
class Frame:
    """One picture and what belongs to it."""

    number: int
    jpeg: bytes
    state: dict[str, Any]


class Frames:
    """The newest picture, for whoever waits for it."""

    def __init__(self) -> None:
        self._newest: Frame | None = None
        self._fresh = threading.Condition()
        self._asked = time.monotonic()

    def put(self, jpeg: bytes, state: dict[str, Any]) -> None:
        """Hand out another picture. Its number, the next one, is in its state too, as ``frame``."""
        with self._fresh:
            number = 1 if self._newest is None else self._newest.number + 1
            self._newest = Frame(number, jpeg, state | {"frame": number})
            self._fresh.notify_all()

    def take(self, after: int, timeout: float) -> Frame | None:
        """Return the newest picture if its number is above ``after``; wait for one up to ``timeout`` seconds."""
        self._asked = time.monotonic()
        with self._fresh:
            self._fresh.wait_for(lambda: self._newest is not None and self._newest.number > after, timeout)
            return self._newest if self._newest is not None and self._newest.number > after else None

    @property
    def watched(self) -> bool:
        """Whether anybody has asked for a picture lately."""
        return time.monotonic() - self._asked < _UNWATCHED_SECONDS
