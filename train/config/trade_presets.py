"""Configurations for the Trading Game (docs/trade.md): the night market, the small market, the paper's."""

from __future__ import annotations

import dataclasses

from envs import scenarios
from policies.tower import NetworkConfig

from .ppo_config import PPOConfig
from .reward_config import RewardConfig
from .task_presets import ALONE
from .train_config import TrainConfig

_SMALL = NetworkConfig(embedding_size=32, attention_heads=2, hidden_size=64, lstm_size=64)

NIGHT_MARKET = TrainConfig(
    scenario=scenarios.get("trade/night-market"),
    num_worlds=64,
    iterations=40,
    stagger=False,
    network=_SMALL,
    ppo=PPOConfig(
        rollout_steps=24,
        chunk_length=24,
        epochs=3,
        minibatches=8,
        learning_rate=1e-3,
        gamma=1.0,
        entropy_coefficient=0.003,
    ),
    reward=RewardConfig(sharing=0.5),
    agent_policies=True,
    checkpoint_interval=10,
    league=ALONE,
)
"""A pair with one reward, which learns to hand food over in a minute. An iteration is one night in each world."""

LITE = TrainConfig(
    scenario=scenarios.get("trade/lite"),
    num_worlds=64,
    iterations=120,
    stagger=False,
    network=_SMALL,
    ppo=PPOConfig(
        rollout_steps=64,
        chunk_length=64,
        epochs=2,
        minibatches=8,
        learning_rate=1e-3,
        final_learning_rate=1e-4,
        gamma=0.99,
        entropy_coefficient=0.005,
    ),
    reward=RewardConfig(severity_iterations=90),
    checkpoint_interval=20,
    league=ALONE,
)
"""A selfish pair that learns to forage by day and to wait at the fire by night. One network plays both, and
learns from what either does; the paper has one for each."""

HAUL = dataclasses.replace(
    LITE,
    scenario=scenarios.get("trade/haul"),
    ppo=dataclasses.replace(LITE.ppo, rollout_steps=192, gamma=0.997),
)
"""The same with food that is dragged: three steps in a tick, so episodes, and the horizon, are three times as long."""

FULL = TrainConfig(
    scenario=scenarios.get("trade/full"),
    num_worlds=128,
    iterations=20_000,
    stagger=False,
    network=NetworkConfig(embedding_size=64, attention_heads=2, hidden_size=128, lstm_size=128),
    ppo=PPOConfig(
        rollout_steps=180,
        chunk_length=60,
        epochs=3,
        minibatches=8,
        learning_rate=3e-4,
        gamma=0.99,
        entropy_coefficient=0.02,
    ),
    reward=RewardConfig(severity_iterations=300),
    agent_policies=True,
    checkpoint_interval=20,
    league=ALONE,
)
"""The paper's selfish market. Trade took its agents 10^8 turns; nobody knows what it takes here."""
