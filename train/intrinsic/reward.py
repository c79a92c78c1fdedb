"""How the bonus becomes part of the reward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from envs.scenarios import Scenario
from policies.observation import ObservationSpec

from ..config.intrinsic_config import IntrinsicConfig
from ..learning.rollouts import RolloutBuffer
from ..support.ranks import Ranks
from .bonus import Arrival, Bonus
from .count_bonus import CountBonus
from .distillation import DistillationBonus


class IntrinsicReward:
    """The bonus of a run, added to the rewards of its rollouts. T steps of N sequences."""

    def __init__(self, config: IntrinsicConfig, bonus: Bonus, ranks: Ranks | None = None) -> None:
        self._config, self._bonus, self._ranks = config, bonus, ranks or Ranks()
        self._metrics: dict[str, float] = {}

    @property
    def fitted(self) -> bool:
        """Whether the scale of observations is known, or none is needed."""
        return self._bonus.fitted

    def fit_normalizer(self, buffer: RolloutBuffer) -> None:
        """Take the scale of observations from the own steps of a full rollout, of anyone's play."""
        self._bonus.fit_normalizer(buffer)

    def see(self, arrival: Arrival) -> None:
        """Note one step of the rollout, before worlds start their next episodes."""
        self._bonus.see(arrival)

    def reward(self, buffer: RolloutBuffer) -> None:
        """Make the rewards of a full rollout ``extrinsic_scale * reward + scale * bonus``."""
        bonuses, config = self._bonus.finish(buffer), self._config
        extrinsic, own = buffer.by_step(buffer.rewards), buffer.by_step(buffer.own)
        buffer.set_by_step(buffer.rewards, config.extrinsic_scale * extrinsic + config.scale * bonuses)
        total, steps = self._ranks.add_up(torch.stack([(bonuses * own).sum(), own.sum(dtype=bonuses.dtype)])).tolist()
        self._metrics = {"bonus": total / max(steps, 1.0), **self._bonus.metrics()}

    def metrics(self) -> dict[str, float]:
        """Return numbers on the last rollout by tag (docs/metrics.md)."""
        return {f"intrinsic/{name}": value for name, value in self._metrics.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that decides later bonuses."""
        return self._bonus.tensors()

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what ``tensors`` returned."""
        self._bonus.load(tensors)


def make_intrinsic_reward(
    config: IntrinsicConfig,
    scenario: Scenario,
    spec: dict[str, Any],
    seed: int,
    device: torch.device,
    ranks: Ranks | None = None,
) -> IntrinsicReward | None:
    """Return what the configuration wants, None if that is no bonus.

    Args:
      config: the options.
      scenario: the world.
      spec: the environment's ``observation_spec``.
      seed: of everything random in it.
      device: where the worlds live.
      ranks: the processes that train together.
    """
    if config.method == "none":
        return None
    bonus: Bonus
    if config.method == "counts":
        bonus = CountBonus(config, scenario, spec, seed, device, ranks)
    else:
        observations = ObservationSpec.from_dict(spec)
        bonus = DistillationBonus(config, observations, seed, device, ranks)
    return IntrinsicReward(config, bonus, ranks)
