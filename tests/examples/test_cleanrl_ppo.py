"""PPO in one file learns through Gymnasium's vector interface alone."""

import pytest

from tests.examples.scripts import load


@pytest.fixture(scope="module")
def example():
    pytest.importorskip("gymnasium")
    return load("cleanrl_ppo")


def test_the_return_rises(example):
    """A random agent gets about 1; a lock is worth 5."""
    means = example.train(steps=30_000, seed=1, **example.SMALL_TASK)
    assert sum(means[:2]) / 2 < 1.8
    assert sum(means[-2:]) / 2 > 3.5


def test_self_play_from_the_command_line(example, capsys):
    """One network plays both teams; a sum of rewards is counted for hiders alone."""
    example.main(["hide-and-seek/quickstart", "--steps", "320", "--worlds", "4", "--option", "horizon=40"])
    assert "320 env steps: mean return of hiders" in capsys.readouterr().out
