"""Ctrl-C and SIGTERM: finish the iteration, save, and leave."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """While active, the first Ctrl-C or SIGTERM only asks to stop; the second stops at once by KeyboardInterrupt."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """The signal that asked to stop, or None."""
        self._previous: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """What shells expect of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM; 0 without a signal."""
        return 0 if self.signal is None else 128 + self.signal

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.signal = number
        print("stopping after this iteration; once more stops at once, without saving it", file=sys.stderr, flush=True)
