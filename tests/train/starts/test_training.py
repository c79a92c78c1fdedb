"""Runs with start states: exact, resumable, and none of it where they are off."""

import dataclasses

import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from tests.train.processes import run_ranks
from tests.train.test_trainer import TINY, assert_same, resume, train
from train.config.starts_config import StartsConfig
from train.runs.metrics import read_metrics
from train.starts.start_states import StartStates
from train.trainer import Trainer

STARTS = StartsConfig(share=0.6, size=100, every=5, new_states=9, neighbours=3, walk=4, script_states=20)
WITH = dataclasses.replace(TINY, starts=STARTS)
WORDS = [
    *("quickstart", "--torch-threads", "1", "--threads", "1", "--num-worlds", "5", "--iterations", "3"),
    *("--scenario.horizon", "25", "--ppo.rollout-steps", "20", "--ppo.epochs", "1", "--ppo.minibatches", "3"),
    *("--network.embedding-size", "8", "--network.lstm-size", "8", "--network.hidden-size", "8"),
    *("--starts.share", "0.6", "--starts.size", "100", "--starts.every", "5", "--starts.neighbours", "2"),
]


def test_resumed_equals_unbroken(tmp_path):
    scenario = dataclasses.replace(TINY.scenario, horizon=30)
    starts = dataclasses.replace(STARTS, share=0.9, scripts=("chaser",))
    config = dataclasses.replace(WITH, scenario=scenario, starts=starts)
    unbroken = train(tmp_path / "a", config)
    stopped = train(tmp_path / "b", config, stop_after=2)
    assert read_metrics(stopped.metrics_file)[-1]["starts/neighbour_share"] > 0  # Somebody has walked before.
    resume(stopped, config)
    assert_same(unbroken, stopped)
    last = read_metrics(unbroken.metrics_file)[-1]
    assert last["starts/size"] > 40
    assert any(line.get("starts/share", 0.0) > 0 for line in read_metrics(unbroken.metrics_file))
    assert last["starts/scripted_share"] == pytest.approx(20 / last["starts/size"])


def test_hiders_win_by_the_reward_of_the_live_phase_that_was_left():
    """And seekers by their script's goal, whatever they earned."""
    env = BatchEnv(scenarios.get("hide-and-seek/door"), num_worlds=4, seed=0)  # 80 steps, 32 of preparation
    config = StartsConfig(share=0.5, scripts=("blocker", "chaser"), script_states=20, won_above=0.8)
    states = StartStates(config, env, 0, 8)
    states.seed_from_scripts()
    numbers = states.buffer.numbers(torch.arange(4))
    states.buffer.starts.tensors["state.steps"][:4] = torch.tensor([0, 31, 40, 79])  # 48, 48, 40 and 1 live steps left
    goals = torch.tensor([[False, True]]).expand(4, 2)
    for ends, won in (([38.0, 38.0, 32.0, 0.8], [False] * 4), ([39.0, 39.0, 33.0, 1.0], [True] * 4)):
        assert states._won(numbers, torch.tensor(ends), goals).tolist() == won
    assert states._won(states.buffer.numbers(torch.arange(10, 14)), torch.tensor([-50.0] * 4), goals).all()
    env.close()


def test_fresh_returns_are_those_of_the_curves_of_episodes():
    """Shortened first episodes are in neither."""
    scenario = dataclasses.replace(TINY.scenario, horizon=20, preparation_fraction=0.0)
    trainer = Trainer(dataclasses.replace(WITH, scenario=scenario, threads=1))
    trainer.begin()
    metrics = trainer.iterate()
    trainer.close()
    assert metrics["starts/return/fresh"] == pytest.approx(metrics["charts/episodic_return/hiders"])


@pytest.mark.parametrize("draw", ["learnability", "uniform", "backwards"])
def test_draws(draw, tmp_path):
    starts = dataclasses.replace(STARTS, draw=draw, scripts=("chaser",))
    run = train(tmp_path / draw, dataclasses.replace(WITH, starts=starts))
    assert read_metrics(run.metrics_file)[-1]["starts/size"] > 30


def test_two_processes_keep_what_one_keeps(tmp_path):
    curves = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        results = run_ranks(["train", *WORDS, "--run-dir", str(folder)], count, tmp_path / "output" / str(count))
        assert all(status == 0 for status, *_ in results), results
        curves.append(read_metrics(folder / "metrics.jsonl"))
    for alone, together in zip(*curves, strict=True):
        tags = [tag for tag in alone if tag.startswith("starts/")]
        assert len(tags) >= 5
        for tag in tags:
            assert together[tag] == pytest.approx(alone[tag], rel=1e-3, abs=1e-5), tag
