"""Layouts that several tests look at, drawn once."""

import numpy as np
import pytest

from envs.layouts import Layout, generate
from envs.scenarios import FULL, QUADRANT


@pytest.fixture(scope="session")
def draw():
    """Function (scenario, count) -> one Layout with N = count, from seeds 0..count - 1."""

    def draw(scenario, count):
        return Layout.stack([generate(scenario, np.random.default_rng(seed)) for seed in range(count)])

    return draw


@pytest.fixture(scope="session")
def full(draw):
    return draw(FULL, 1200)


@pytest.fixture(scope="session")
def quadrant(draw):
    return draw(QUADRANT, 1200)
