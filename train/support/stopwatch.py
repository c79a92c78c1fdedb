"""Where a training second goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Adds up seconds by part. Parts follow each other and are not nested."""

    def __init__(self) -> None:
        self._running: dict[str, float] = {}
        self.totals: dict[str, float] = {}
        """Seconds by part since the start."""

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the context for a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._running[name] = self._running.get(name, 0.0) + time.perf_counter() - start

    def pop(self) -> dict[str, float]:
        """Return the seconds by part since the last call."""
        seconds, self._running = self._running, {}
        for name, value in seconds.items():
            self.totals[name] = self.totals.get(name, 0.0) + value
        return seconds


PARTS = {
    "environment": "physics, rules, perception, observations, resets",
    "inference": "the newest policy and its critic acting",
    "intrinsic": "the bonus for novelty",
    "starts": "start states: drawing, keeping, learning what they are worth",
    "league": "past versions: drawing, loading, acting, rating",
    "storing": "copying the rollout, episode statistics",
    "waiting": "for the device to finish what was queued, and for other processes",
    "learning": "the update",
    "stages": "looks for strategies in episodes of self-play",
    "saving": "curves, alarms, videos, checkpoints, versions",
}
"""What is measured, in the order of the table."""


def time_table(totals: dict[str, float], iterations: int) -> list[str]:
    """Return the lines of a table of parts: seconds, share, milliseconds per iteration.

    Parts without time are left out.
    """
    whole = sum(totals.values())
    lines = [f"{'part':<12}{'seconds':>10}{'share':>8}{'ms/iteration':>14}"]
    for name, text in PARTS.items():
        if totals.get(name, 0.0) > 0:
            seconds = totals[name]
            share = f"{seconds / whole:.1%}"
            lines.append(f"{name:<12}{seconds:>10.1f}{share:>8}{1000 * seconds / max(iterations, 1):>14.1f}  {text}")
    return [*lines, f"{'all':<12}{whole:>10.1f}{'100.0%':>8}{1000 * whole / max(iterations, 1):>14.1f}"]
