import dataclasses

import pytest

from envs.errors import UserError
from envs.scenarios import FULL, QUADRANT
from train.plain import from_plain, to_plain
from train.presets import PRESETS, TrainConfig, choose, get_preset, validate


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_possible_and_survives_json(name):
    config = validate(get_preset(name))
    assert from_plain(TrainConfig, to_plain(config), "x") == config


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
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        choose("quick-start", None)


def test_env_steps():
    config = dataclasses.replace(get_preset("laptop"), num_worlds=10, iterations=3)
    assert config.total_env_steps == 3 * 10 * 160
