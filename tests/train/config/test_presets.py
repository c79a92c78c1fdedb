import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.observations import spec
from envs.scenarios import FULL, QUADRANT
from tests.envs.worlds import NO_ACTION
from train.config.presets import PRESETS, choose, get_preset
from train.config.task_presets import TASKS, TRANSFER_TASKS, task_config
from train.config.train_config import TrainConfig, validate
from train.learning.memory_need import memory_needed
from train.support.json_data import from_plain, to_plain


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_possible_and_survives_json(name):
    config = validate(get_preset(name))
    assert from_plain(TrainConfig, to_plain(config), "x") == config


@pytest.mark.warp
def test_gpu_says_its_memory_and_fits_where_it_says():
    """Physics is estimated with mujoco_warp's sizes, here on the CPU."""
    pytest.importorskip("mujoco_warp")
    config = dataclasses.replace(get_preset("gpu"), device="cpu", engine="warp")
    assert 0.9 * 2**30 < memory_needed(config).worlds < 2 * 2**30
    assert 12 * 2**30 < memory_needed(config).total < 20 * 2**30


def test_paper_has_the_papers_numbers():
    """Section A2: windows of 160 in chunks of 10, 64,000 chunks a minibatch, each used 4 times, and the constants."""
    config = get_preset("paper")
    ppo = config.ppo
    assert config.scenario == FULL
    assert (ppo.rollout_steps, ppo.chunk_length, ppo.epochs) == (160, 10, 4)
    chunks = config.num_worlds * FULL.num_agents * ppo.rollout_steps // ppo.chunk_length
    assert chunks / ppo.minibatches == pytest.approx(64_000, rel=0.03)
    assert (ppo.learning_rate, ppo.clip, ppo.entropy_coefficient) == (3e-4, 0.2, 0.01)
    assert (ppo.gamma, ppo.gae_lambda, ppo.max_grad_norm, ppo.weight_decay) == (0.998, 0.95, 5.0, 1e-6)
    network = config.network
    assert (network.embedding_size, network.attention_heads, network.hidden_size, network.lstm_size) == (
        128,
        4,
        256,
        256,
    )


def test_choose():
    assert choose(None, None) == get_preset("quickstart")
    assert choose(None, "laptop") == get_preset("laptop")
    assert choose("paper", None) == get_preset("paper")
    assert choose("hide-and-seek/full", None) == get_preset("paper")
    assert choose("hide-and-seek/quadrant", "quickstart") == dataclasses.replace(
        get_preset("quickstart"), scenario=QUADRANT
    )
    assert choose("blueprint/small", None) == task_config("blueprint", "small")
    assert choose("blueprint/small", "laptop").num_worlds == get_preset("laptop").num_worlds
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        choose("quick-start", None)


def test_env_steps():
    config = dataclasses.replace(get_preset("laptop"), num_worlds=10, iterations=3)
    assert config.total_env_steps == 3 * 10 * 160


@pytest.mark.parametrize("task", TASKS)
def test_both_sizes_of_a_task_are_possible_and_the_same_game(task):
    small, paper = (validate(task_config(task, size)) for size in ("small", "paper"))
    assert (small.scenario.name, paper.scenario.name) == (f"{task}/small", task)
    assert small.scenario.game == paper.scenario.game
    assert small.scenario.lock_task.task == paper.scenario.lock_task.task
    assert small.scenario.lock_task.and_return == paper.scenario.lock_task.and_return
    assert small.scenario.horizon < paper.scenario.horizon
    assert small.league.active is paper.league.active is False


@pytest.mark.parametrize("task", TASKS)
def test_small_tasks_take_policies_of_the_quickstart(task):
    """The same network, and the same features of everything that both have."""
    small, quickstart = task_config(task, "small"), get_preset("quickstart")
    assert small.network == quickstart.network
    mine, theirs = spec(small.scenario), spec(quickstart.scenario)
    assert (mine["self_features"], mine["lidar_rays"]) == (theirs["self_features"], theirs["lidar_rays"])
    for kind in mine["entities"].keys() & theirs["entities"].keys():
        assert mine["entities"][kind][1] == theirs["entities"][kind][1]
    assert "boxes" in mine["entities"]


def test_scores_are_statistics():
    for name, task in TRANSFER_TASKS.items():
        scenario = task_config(name, "small").scenario
        env = BatchEnv(scenario, 1, threads=1)
        env.reset()
        numbers = env.game.statistics(env.advance(torch.tensor(NO_ACTION).expand(1, 1, 5).contiguous()).view)
        assert task.score in numbers or name == "object-counting"  # Its score is that of a classifier.


def test_unknown_task():
    with pytest.raises(UserError, match="did you mean 'shelter'"):
        task_config("shelters", "small")
