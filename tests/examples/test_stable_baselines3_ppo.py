"""An independent trainer learns through the public interface alone."""

import pytest

from tests.examples.scripts import load


@pytest.fixture(scope="module")
def example():
    pytest.importorskip("stable_baselines3")
    return load("stable_baselines3_ppo")


@pytest.mark.slow
def test_the_return_rises(example):
    """A random agent gets about 1; a lock is worth 5."""
    means = example.train(steps=140_000, seed=1, **example.SMALL_TASK)
    assert means[0] < 2
    assert means[-1] > means[0] + 3


def test_the_command_line(example, capsys):
    example.main(["--steps", "100", "--worlds", "4", "--option", "horizon=10"])
    assert "mean return" in capsys.readouterr().out
