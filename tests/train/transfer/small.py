"""Tiny policies and studies for the tests of transfer."""

import dataclasses

from envs import observations, scenarios
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from train.config import task_presets
from train.config.ppo_config import PPOConfig
from train.config.presets import get_preset
from train.runs.run_folder import RunFolder
from train.support.console import TrainingConsole
from train.trainer import Trainer
from train.transfer import counting_run, study_plan

NETWORK = NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8, lidar_filters=2)
PPO = PPOConfig(rollout_steps=20, epochs=1, minibatches=1)
SOURCE = dataclasses.replace(
    get_preset("quickstart"),
    network=NETWORK,
    ppo=PPO,
    num_worlds=3,
    iterations=2,
    checkpoint_interval=1,
    league=task_presets.ALONE,
    threads=1,
)
"""A run of hide-and-seek."""


def spec_of(scenario):
    described = observations.spec(scenario)
    return ObservationSpec.from_dict(described)


def policy_for(scenario, network=NETWORK):
    if isinstance(scenario, str):
        scenario = scenarios.get(scenario)
    return ActorCritic(spec_of(scenario), scenario.action_bins, network)


def train(folder, **changes):
    """Train a run of two iterations, with a checkpoint after each. Returns its folder."""
    config = dataclasses.replace(SOURCE, **changes)
    trainer, run = Trainer(config), RunFolder(folder)
    trainer.begin()
    run.create(config)
    trainer.run(run, TrainingConsole(silent=True))
    trainer.close()
    return run


def shrink(patch):
    """Make every task a matter of a second: 3 iterations of 4 worlds, episodes of 20 steps."""

    def tiny(task, size):
        config = task_presets.task_config(task, size)
        scenario = config.scenario
        if task != "object-counting":
            scenario = dataclasses.replace(scenario, horizon=20)
        small = {"num_worlds": 4, "iterations": 3, "ppo": PPO, "checkpoint_interval": 1, "keep_checkpoints": 9}
        return dataclasses.replace(config, scenario=scenario, **small)

    patch.setattr(study_plan, "task_config", tiny)
    few = dataclasses.replace(counting_run.CountingConfig(), episodes=16, num_worlds=8, curve_points=2, updates=2)
    patch.setattr(counting_run, "CountingConfig", lambda: few)
