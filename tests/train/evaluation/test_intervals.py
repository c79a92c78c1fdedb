import math

import numpy as np
import pytest

from train.evaluation.intervals import Estimate, bootstrap_mean, bootstrap_ratio


def test_two_values_have_the_three_means_that_can_be_drawn():
    """From [0, 1] the resampled mean is 0, 1/2 or 1 with chances 1/4, 1/2, 1/4: the 95 % interval is all of [0, 1]."""
    assert bootstrap_mean(np.array([0.0, 1.0]), seed=0) == Estimate(0.5, 0.0, 1.0)


def test_one_in_six():
    """From five zeros and a one: P(mean 0) = (5/6)^6 = 33 %, P(mean <= 3/6) = 99.1 %, P(mean <= 2/6) = 93.8 %."""
    assert bootstrap_mean(np.array([0.0, 0, 0, 0, 0, 1]), seed=1) == Estimate(pytest.approx(1 / 6), 0.0, 0.5)


def test_constant_values_have_no_width():
    assert bootstrap_mean(np.full(7, 0.25), seed=0) == Estimate(0.25, 0.25, 0.25)


def test_width_of_many_values_is_the_normal_one():
    """400 values with standard deviation 1/2: the interval is 0.5 +- 1.96 x 0.5 / 20 = 0.049."""
    estimate = bootstrap_mean(np.tile([0.0, 1.0], 200), seed=3)
    assert estimate.low == pytest.approx(0.451, abs=0.004)
    assert estimate.high == pytest.approx(0.549, abs=0.004)


def test_ratio_is_paired():
    """Numerators that are twice their partner give exactly 2 in every resample."""
    below = np.array([0.1, 0.5, 0.9, 0.2])
    estimate = bootstrap_ratio(2 * below, below, seed=0)
    assert estimate.value == pytest.approx(2.0)
    assert estimate.low == pytest.approx(2.0)
    assert estimate.high == pytest.approx(2.0)


def test_ratio_to_zero_is_null_in_json():
    plain = bootstrap_ratio(np.array([0.5, 0.5]), np.zeros(2), seed=0).to_plain()
    assert plain == {"value": None, "low": None, "high": None}
    assert math.isnan(bootstrap_ratio(np.zeros(2), np.zeros(2), seed=0).value)


def test_same_seed_same_interval():
    values = np.random.default_rng(0).random(50)
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)
