"""The match that judges what a run has learned: the same layouts for all runs, none of which is trained on."""

from __future__ import annotations

from collections.abc import Callable

from envs.batch_env import BatchEnv
from envs.layouts import JUDGING

from ..config.train_config import TrainConfig
from ..play.players import Player
from .matches import Match, play_match

JUDGING_SEED = 1_000_003
"""Seed of the layouts on which last policies are judged: the same for all, whatever seed they learned with."""
_WORLDS = 50
"""Worlds in which they are played."""


def judging_match(
    config: TrainConfig, hiders: Player, seekers: Player, episodes: int, progress: Callable[[int], None]
) -> Match:
    """Let two players, or one twice, play in a run's scenario; ``progress`` may raise to give it up.

    Raises:
      UserError: the physics of the GPU engine had no room for all contacts.
    """
    env = BatchEnv(
        config.scenario,
        min(_WORLDS, episodes),
        JUDGING_SEED,
        config.device,
        config.threads,
        engine=config.engine,
        domain=JUDGING,
    )
    try:
        match = play_match(env, hiders, seekers, episodes, progress)
        env.engine.check_overflow()
    finally:
        env.close()
    return match
