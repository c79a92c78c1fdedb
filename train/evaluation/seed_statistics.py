"""What several seeds say: intervals of a mean and of the interquartile mean, and how likely one variant beats another.

The statistics of Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (2021), by
SciPy: percentile bootstrap over seeds, stratified: each variant's seeds are drawn from its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from .intervals import Estimate

_RESAMPLES = 10_000
_QUARTER = 0.25


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean over seeds (n,) with its 95 % interval, which is NaN for one seed."""
    return _bootstrap((values,), np.mean)


def interquartile_mean(values: Sequence[float]) -> Estimate:
    """Return the mean of the middle half of seeds (n,), as ``mean`` does; of fewer than four it is the mean."""
    return _bootstrap((values,), lambda rows, axis: stats.trim_mean(rows, _QUARTER, axis=axis))


def improvement(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Return the probability that a run of the first kind (n,) has more than one of the second (m,); ties count half.

    Both with a 95 % interval, NaN if one of them has a single seed.
    """
    return _bootstrap((first, second), _share_above)


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p-value of Mann and Whitney's test that neither is above the other."""
    return float(stats.mannwhitneyu(first, second).pvalue)


def _share_above(first: Any, second: Any, axis: int) -> Any:
    assert axis == -1
    pairs = first[..., :, None] - second[..., None, :]
    return ((pairs > 0) + 0.5 * (pairs == 0)).mean(axis=(-2, -1))


def _bootstrap(samples: tuple[Sequence[float], ...], statistic: Callable[..., Any]) -> Estimate:
    arrays = [np.array(sample, dtype=np.float64) for sample in samples]
    value = float(statistic(*arrays, axis=-1))
    if min(map(len, arrays)) < 2:
        return Estimate(value, math.nan, math.nan)
    result = stats.bootstrap(
        arrays,
        statistic,
        n_resamples=_RESAMPLES,
        vectorized=True,
        axis=-1,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    return Estimate(value, float(result.confidence_interval.low), float(result.confidence_interval.high))
