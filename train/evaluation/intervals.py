"""Means, ratios of means, and their bootstrap intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
"""Bootstrap resamples behind every interval."""
_BLOCK = 1_000  # resamples drawn at once, to bound memory


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    """The estimate from the data itself."""
    low: float
    """2.5th percentile of the resampled estimates."""
    high: float
    """97.5th percentile of the resampled estimates."""

    def to_plain(self) -> dict[str, float | None]:
        """Return JSON values; numbers that do not exist (a ratio to zero) become None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: number if math.isfinite(number) else None for name, number in numbers.items()}

    def format(self, form: str = "{:.3f}") -> str:
        """Return ``value [low, high]``."""
        return f"{form.format(self.value)} [{form.format(self.low)}, {form.format(self.high)}]"


def bootstrap_mean(values: NDArray[np.float64], seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Return the mean over episodes with its percentile bootstrap interval; NaN if there is no episode.

    Args:
      values: (N,) one number per episode.
      seed: seed of the resampling.
      resamples: how many times N episodes are drawn with replacement.
    """
    if not len(values):
        return Estimate(math.nan, math.nan, math.nan)
    return _estimate(float(values.mean()), _resampled_means(values[None], seed, resamples)[:, 0])


def bootstrap_ratio(
    above: NDArray[np.float64], below: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Return ``mean(above) / mean(below)`` with its interval for paired data.

    NaN if there is no pair, or where the interval of either mean has numbers below and above 0.

    Episode n of both started from the same layout, so each resample draws the same episodes from both.

    Args:
      above: (N,) one number per episode.
      below: (N,) the numbers of the paired episodes.
      seed: seed of the resampling.
      resamples: how many times N episodes are drawn with replacement.
    """
    if not len(above):
        return Estimate(math.nan, math.nan, math.nan)
    means = _resampled_means(np.stack([above, below]), seed, resamples)
    low, high = np.percentile(means, [2.5, 97.5], axis=0, method="inverted_cdf")
    if ((low < 0) & (high > 0)).any():
        return Estimate(math.nan, math.nan, math.nan)
    ratio = float(_divide(above.mean(), below.mean()))
    return _estimate(ratio, _divide(means[:, 0], means[:, 1]))


def _resampled_means(values: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Means (resamples, G) of G groups of paired values (G, N)."""
    generator = np.random.default_rng(seed)
    n = values.shape[1]
    blocks = [min(_BLOCK, resamples - done) for done in range(0, resamples, _BLOCK)]
    return np.concatenate([values[:, generator.integers(0, n, (size, n))].mean(axis=2).T for size in blocks])


def _estimate(value: float, resampled: NDArray[np.float64]) -> Estimate:
    known = resampled[~np.isnan(resampled)]
    if known.size == 0 or math.isnan(value):
        return Estimate(value, math.nan, math.nan)
    low, high = np.percentile(known, [2.5, 97.5], method="inverted_cdf")
    return Estimate(value, float(low), float(high))


def _divide(above: Any, below: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(above, below)
