"""What every logger can do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

Row = Mapping[str, float | None]
"""The numbers of one iteration by tag, ``iteration`` and ``env_steps`` among them; None for what is not finite."""


class Logger:
    """Takes the numbers of a run. What a logger has no place for, it leaves out."""

    def begin(self, folder: Path, env_steps: int, rows: Sequence[Row]) -> None:
        """Open the log. When a run goes on, it must end with the last of ``rows`` then: what came later did not happen.

        Args:
          folder: the run folder.
          env_steps: env steps of all worlds that are done.
          rows: what was logged up to now.

        Raises:
          UserError: it cannot be written.
        """
        raise NotImplementedError

    def write(self, iteration: int, env_steps: int, metrics: Mapping[str, float]) -> None:
        """Write the numbers of one iteration, by tag.

        Raises:
          UserError: they cannot be written.
        """
        raise NotImplementedError

    def histogram(self, tag: str, counts: Sequence[int], env_steps: int) -> None:
        """Write how often each of the whole numbers from 0 on occurred."""

    def gif(self, tag: str, data: bytes, size: tuple[int, int], env_steps: int) -> None:
        """Add an animated GIF of the given width and height, pixels."""

    def close(self) -> None:
        """Flush and close the log.

        Raises:
          UserError: it cannot be written.
        """


def finite(numbers: Mapping[str, float | None]) -> dict[str, float]:
    """Return the numbers that are numbers."""
    return {tag: value for tag, value in numbers.items() if value is not None and math.isfinite(value)}
