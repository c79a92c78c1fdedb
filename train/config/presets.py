"""The presets: good configurations for a machine and a purpose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from envs import scenarios
from envs.errors import UserError, did_you_mean
from policies.tower import NetworkConfig

from . import trade_presets
from .league_config import LeagueConfig
from .ppo_config import PPOConfig
from .task_presets import ALONE, NETWORK, TRANSFER_TASKS, task_config
from .train_config import ReportConfig, TrainConfig


@dataclass(frozen=True)
class Preset:
    """A named configuration."""

    config: TrainConfig
    """The configuration."""
    purpose: str
    """What it is good for, in one line."""


PRESETS = {
    "quickstart": Preset(
        TrainConfig(
            scenario=scenarios.QUICKSTART,
            num_worlds=64,
            iterations=120,
            network=NetworkConfig(embedding_size=64, attention_heads=2, hidden_size=64, lstm_size=64),
            ppo=PPOConfig(
                rollout_steps=80,
                # One epoch at 2e-3 is faster, and of four seeds one learned no hiding (docs/notes/sweeps.md).
                epochs=2,
                minibatches=10,
                learning_rate=1.5e-3,
                final_learning_rate=1.5e-4,
                gamma=0.99,
                entropy_coefficient=0.003,
            ),
            checkpoint_interval=20,
            # Against the newest hiders alone, seekers forget how to find those that do not hide well
            # (docs/notes/sweeps.md).
            league=LeagueConfig(
                fraction=0.8, random_share=0.6, draw="uniform", at_once=4, interval=4, rating_interval=0
            ),
        ),
        "one against one in a small room; learns to hide and seek in about 4 minutes on 2 cores",
    ),
    "explore": Preset(
        TrainConfig(
            scenario=scenarios.get("explore/small"),
            num_worlds=64,
            iterations=80,
            network=NETWORK,
            ppo=PPOConfig(
                rollout_steps=60,
                epochs=3,
                minibatches=6,
                learning_rate=1e-3,
                gamma=0.98,
                entropy_coefficient=0.003,
            ),
            checkpoint_interval=20,
            league=ALONE,
        ),
        "one agent, two boxes and a ramp on a small floor; boxes move within minutes with --intrinsic counts",
    ),
    "laptop": Preset(
        TrainConfig(
            scenario=scenarios.QUADRANT,
            num_worlds=128,
            iterations=5000,
            network=NetworkConfig(embedding_size=64, hidden_size=128, lstm_size=128),
            ppo=PPOConfig(rollout_steps=160, epochs=4, minibatches=4),
            report=ReportConfig(stage_interval=50),
        ),
        "two against two with doors, boxes and a ramp; for two days on two cores",
    ),
    "paper": Preset(
        TrainConfig(
            scenario=scenarios.FULL,
            num_worlds=4096,
            iterations=200_000,
            network=NetworkConfig(attention_layer_norm=True),
            ppo=PPOConfig(rollout_steps=160, chunk_length=10, epochs=4, minibatches=4),
            checkpoint_interval=100,
            report=ReportConfig(stage_interval=100),
        ),
        "the paper's environment, network and numbers: 64,000 chunks of 10 steps per minibatch; for large machines",
    ),
    "gpu": Preset(
        TrainConfig(
            scenario=scenarios.FULL,
            num_worlds=4096,
            iterations=20_000,
            device="cuda",
            network=NetworkConfig(attention_layer_norm=True),
            ppo=PPOConfig(rollout_steps=160, chunk_length=10, epochs=4, minibatches=16),
            checkpoint_interval=100,
            report=ReportConfig(stage_interval=100),
        ),
        "the full game on one GPU of 24 GiB or more; 16,000 chunks per minibatch; never run so far",
    ),
}
PRESETS |= {
    f"{name}/small": Preset(task_config(name, "small"), task.description)
    for name, task in TRANSFER_TASKS.items()
    if name != "object-counting"  # No reward: a classifier learns it, not a policy.
}
PRESETS |= {
    "trade/night-market": Preset(
        trade_presets.NIGHT_MARKET, "two at the fire with one reward; in a minute they learn to hand food over"
    ),
    "trade/lite": Preset(trade_presets.LITE, "a selfish pair; learns to forage by day and to be at the fire by night"),
    "trade/haul": Preset(trade_presets.HAUL, "the same pair where food is dragged, one piece at a time"),
    "trade/full": Preset(trade_presets.FULL, "the paper's market of four; days, and nobody knows how many"),
}
"""Every preset that commands accept by name."""


def get_preset(name: str) -> TrainConfig:
    """Return a preset's configuration.

    Raises:
      UserError: unknown name; the nearest is suggested.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset '{name}'{did_you_mean(name, [*PRESETS])}; 'hideseek list' shows all")
    return PRESETS[name].config


def preset_for_scenario(name: str) -> TrainConfig:
    """Return the preset that was made for a scenario, or ``laptop`` if there is none, with that scenario.

    Raises:
      UserError: unknown scenario; the nearest is suggested.
    """
    scenario = scenarios.get(name)
    made_for = [preset.config for preset in PRESETS.values() if preset.config.scenario.name == name]
    return _with_scenario(made_for[0] if made_for else get_preset("laptop"), scenario)


def choose(target: str | None, preset: str | None) -> TrainConfig:
    """Return the configuration for what a command line names.

    Args:
      target: a preset, a scenario, or None for the quickstart.
      preset: a preset for the scenario, or None for the one that was made for it.

    Raises:
      UserError: unknown names; the nearest preset or scenario is suggested.
    """
    if target is None:
        return get_preset(preset or "quickstart")
    if target in PRESETS and (preset is None or target not in scenarios.SCENARIOS):
        if preset not in (None, target):
            raise UserError(f"'{target}' is a preset, and --preset names '{preset}'; give only one of them")
        return get_preset(target)
    if target not in scenarios.SCENARIOS:
        hint = did_you_mean(target, [*PRESETS, *scenarios.SCENARIOS])
        raise UserError(f"unknown preset or scenario '{target}'{hint}; 'hideseek list' shows all")
    if preset is None:
        return preset_for_scenario(target)
    return _with_scenario(get_preset(preset), scenarios.get(target))


def _with_scenario(config: TrainConfig, scenario: scenarios.Scenario) -> TrainConfig:
    """Return a preset's configuration for another scenario; what is not hide-and-seek has no stages to look for."""
    report = config.report
    if not scenarios.is_hide_and_seek(scenario):
        report = dataclasses.replace(report, stage_interval=0)
    return dataclasses.replace(config, scenario=scenario, report=report)
