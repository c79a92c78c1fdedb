"""Shares of episodes with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959964
"""Two-sided 95 % of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A number of episodes out of all, with Wilson's 95 % interval, which is not empty at none or all of them."""

    hits: int
    """Episodes in which it happened."""
    episodes: int
    """Episodes, at least 1."""

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.episodes

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return max(0.0, self._centre - self._half_width) if self.hits else 0.0

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return min(1.0, self._centre + self._half_width) if self.hits < self.episodes else 1.0

    @property
    def _shrink(self) -> float:
        return 1 + _Z**2 / self.episodes

    @property
    def _centre(self) -> float:
        return (self.value + _Z**2 / (2 * self.episodes)) / self._shrink

    @property
    def _half_width(self) -> float:
        n = self.episodes
        return _Z * math.sqrt(self.value * (1 - self.value) / n + _Z**2 / (4 * n * n)) / self._shrink

    def __str__(self) -> str:
        return f"{self.value:.0%} [{self.low:.0%}, {self.high:.0%}]"
