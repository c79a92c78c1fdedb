"""Statistics over seeds against numbers worked out by hand, and against the definition."""

import math

import numpy as np
import pytest

from train.evaluation.seed_statistics import improvement, interquartile_mean, mean, rank_test


def test_interquartile_mean_leaves_out_the_ends():
    """Of 8 values the lowest and the highest two."""
    assert interquartile_mean([100.0, 1, 2, 3, 4, 5, 6, -100]).value == pytest.approx((2 + 3 + 4 + 5) / 4)
    assert interquartile_mean([0.0, 1.0, 8.0]).value == pytest.approx(3.0)


def test_probability_of_improvement_counts_pairs():
    """Of 3 x 2 pairs: 1 > 0, 1 = 1 (half), 3 > 0, 3 > 1, 0 = 0 (half), 0 < 1."""
    assert improvement([1.0, 3.0, 0.0], [0.0, 1.0]).value == pytest.approx((1 + 0.5 + 1 + 1 + 0.5 + 0) / 6)


def test_intervals_cover_what_resampling_gives():
    """The mean of two seeds 0 and 1 is 0, 1/2 or 1 with chances 1/4, 1/2, 1/4: both ends are in the interval."""
    both = mean([0.0, 1.0])
    assert (both.value, both.low, both.high) == (0.5, 0.0, 1.0)
    apart = improvement([2.0, 3.0, 4.0], [0.0, 1.0])
    assert (apart.value, apart.low, apart.high) == (1.0, 1.0, 1.0)


def test_each_variant_is_resampled_from_its_own():
    """A large and a small sample: the interval of a mean of 30 is that of a normal distribution."""
    values = np.random.default_rng(1).normal(size=30)
    estimate = mean(values)
    half = 1.96 * values.std() / math.sqrt(30)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.05)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.05)


def test_one_seed_has_no_interval():
    assert math.isnan(mean([1.0]).low) and math.isnan(improvement([1.0], [0.0, 2.0]).high)


def test_rank_test_of_three_against_three():
    """Two of the 20 ways to share six ranks are as extreme."""
    assert rank_test([4.0, 5.0, 6.0], [1.0, 2.0, 3.0]) == pytest.approx(0.1)
