"""Weights that a configuration names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..config.train_config import TrainConfig
from ..runs.shipped_policies import find_shipped
from .agents import is_agent, refuse_agent


def with_whole_paths(config: TrainConfig) -> TrainConfig:
    """Return the configuration with absolute paths of the weights that it names, so that it can go on from anywhere.

    Raises:
      UserError: an agent without a policy is named where there must be weights.
    """
    frozen = config.league.frozen
    frozen = frozen if frozen is None or is_agent(frozen) else _whole(frozen)
    return dataclasses.replace(
        config,
        init_from=_whole(config.init_from),
        init_seekers_from=_whole(config.init_seekers_from),
        league=dataclasses.replace(config.league, frozen=frozen),
        ppo=dataclasses.replace(config.ppo, teacher=_whole(config.ppo.teacher)),
    )


def _whole(path: str | None) -> str | None:
    if path is None:
        return None
    refuse_agent(path, "name a run, checkpoint or shipped policy")
    return str(find_shipped(Path(path)).resolve())
