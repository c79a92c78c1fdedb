"""Ctrl-C, SIGTERM and terminals that go away: finish the iteration, save, and leave."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

from .console import say_on_stderr

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Windows has no SIGHUP, which a terminal sends when it goes away."""
_NOTICE = "stopping after this iteration; once more stops at once, without saving it"


class StopRequest:
    """While active, the first signal only asks to stop; the second stops at once by KeyboardInterrupt.

    The signals are Ctrl-C, SIGTERM and the hang-up of a terminal.

    Args:
      notice: what the first one prints.
    """

    def __init__(self, notice: str = _NOTICE) -> None:
        self._notice = notice
        self.signal: int | None = None
        """The signal that asked to stop, or None."""
        self._previous: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """What shells expect of a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM, 129 for a hang-up.

        0 without a signal.
        """
        return 0 if self.signal is None else 128 + self.signal

    def __enter__(self) -> StopRequest:
        for number in _SIGNALS:
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
        say_on_stderr(self._notice)
