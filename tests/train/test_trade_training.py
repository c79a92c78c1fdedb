"""Runs in the Trading Game: a network for each agent, shared rewards, a loss that grows, one more action component."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from policies.teams import TeamPolicies
from policies.tower import NetworkConfig
from tests.train.test_trainer import numbers, resume, train
from train.config.presets import get_preset
from train.config.reward_config import RewardConfig
from train.config.train_config import validate
from train.runs.saved_policy import load_policy
from train.trainer import Trainer

NIGHT = get_preset("trade/night-market")
TINY = dataclasses.replace(
    NIGHT,
    num_worlds=2,
    iterations=3,
    checkpoint_interval=100,
    network=NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8),
    ppo=dataclasses.replace(NIGHT.ppo, epochs=1, minibatches=1),
    reward=RewardConfig(sharing=0.5, final_sharing=0.0, severity_iterations=2),
)


def test_trains_resumes_and_plays(tmp_path):
    run = train(tmp_path / "a", TINY)
    again = train(tmp_path / "b", TINY, stop_after=2)
    resume(again, TINY)
    assert numbers(run) == numbers(again)
    tags = set(numbers(run)[0])
    assert {"losses/agent_0/entropy", "losses/agent_1/entropy"} <= tags
    assert {"stats/exchanged", "stats/given/0-1/fruit", "stats/drop_swaps", "stats/light_penalty"} <= tags
    policy = load_policy(run.path).policy
    assert isinstance(policy, TeamPolicies) and policy.sizes == (1, 1) and policy.action_bins == (5, 5, 5, 2, 2, 5)


def test_each_agent_learns_from_its_own_steps():
    """Rewards of agent 1 alone: the network of agent 0 must not see them."""
    results = []
    for noise in (0.0, 5.0):
        trainer = Trainer(TINY)
        trainer.begin()
        trainer.collect()
        rewards = trainer.buffer.rewards.unflatten(2, (2, 2))
        rewards[..., 1] += noise * torch.arange(rewards.shape[0])[:, None, None]
        trainer.learners.update(trainer.buffer, trainer.update_generator)
        results.append(trainer.policy)
        trainer.close()
    first, second = ([policy.member(agent).state_dict() for policy in results] for agent in range(2))
    assert all(torch.equal(tensor, first[1][name]) for name, tensor in first[0].items())
    assert not all(torch.equal(tensor, second[1][name]) for name, tensor in second[0].items())


def test_what_is_learned_from():
    """With half of the other's reward both have the same; the loss for darkness begins at nothing."""
    trainer = Trainer(dataclasses.replace(TINY, scenario=get_preset("trade/lite").scenario))
    trainer.begin()
    trainer.collect()
    rewards = trainer.buffer.rewards.unflatten(2, (2, 2))
    torch.testing.assert_close(rewards[..., 0], rewards[..., 1])
    assert trainer.env.game.severity == 0.0 and (rewards >= 0).all()
    for _ in range(2):
        trainer.iterate()
    trainer.collect()
    assert trainer.env.game.severity == 1.0
    trainer.close()


def test_both_kinds_of_separate_networks_exclude_each_other():
    with pytest.raises(UserError, match="--agent-policies and --separate-policies exclude each other"):
        validate(dataclasses.replace(get_preset("quickstart"), agent_policies=True, separate_policies=True))


def test_a_policy_is_not_for_fewer_actions(tmp_path):
    """A scenario without the market's component: one line, not a wrong action."""
    run = train(tmp_path / "a", dataclasses.replace(TINY, iterations=1))
    saved = load_policy(run.path)
    other = dataclasses.replace(TINY.scenario, game_actions=(3,))
    with pytest.raises(UserError, match="game_actions"):
        saved.fit(other)
