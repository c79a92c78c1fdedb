"""What the study of the Trading Game trains: parts, and in each the settings that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...config.reward_config import RewardConfig
from ...config.trade_presets import FULL, LITE, NIGHT_MARKET
from ...config.train_config import TrainConfig

PARTS = {
    "night": "The night market: two agents at the fire, each with another food",
    "lite": "The small market: forage by day, wait at the fire by night",
    "full": "The paper's market: four agents",
}
"""Parts of the study, and their headings."""
QUICK_PARTS = ("night", "lite")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One setting of a part, for one or several seeds."""

    part: str
    """One of ``PARTS``."""
    method: str
    """Its name within the part, as in names of files."""
    title: str
    """Its name in tables."""
    config: TrainConfig
    """The run, but for its seed."""
    seeds: int
    """Runs by default."""
    probed: bool = False
    """Whether its agents are probed (``probes.py``) when they have learned."""

    @property
    def name(self) -> str:
        """Its name in the study."""
        return f"{self.part}-{self.method}"

    @property
    def work(self) -> float:
        """How long one seed takes, roughly: steps of agents."""
        return float(self.config.total_env_steps * self.config.scenario.num_agents)


def conditions(parts: Sequence[str], quick: bool, scale: float = 1.0) -> list[Condition]:
    """Return the conditions of some parts.

    Args:
      parts: of ``PARTS``.
      quick: the small version.
      scale: factor on all numbers of iterations.
    """
    made = {"night": _night(quick), "lite": _lite(quick), "full": _full()}
    return [_scaled(condition, scale) for part in parts for condition in made[part]]


def _scaled(condition: Condition, scale: float) -> Condition:
    config, ramp = condition.config, condition.config.reward.severity_iterations
    reward = replace(config.reward, severity_iterations=round(ramp * scale))
    return replace(
        condition, config=replace(config, iterations=max(1, round(config.iterations * scale)), reward=reward)
    )


def _shared(part: str, config: TrainConfig, sharing: float, seeds: int, **more: bool) -> Condition:
    return Condition(
        part=part,
        method=f"share{round(100 * sharing):02d}",
        title=f"sharing {sharing:g}" if sharing else "selfish",
        config=replace(config, reward=replace(config.reward, sharing=sharing)),
        seeds=seeds,
        **more,
    )


def _night(quick: bool) -> list[Condition]:
    shares, seeds = ((0.5, 0.0), 3) if quick else ((0.5, 0.25, 0.0), 10)
    return [_shared("night", NIGHT_MARKET, share, seeds, probed=True) for share in shares]


def _lite(quick: bool) -> list[Condition]:
    if quick:
        return [_shared("lite", LITE, 0.0, 1)]
    slow = replace(LITE, iterations=1500, reward=RewardConfig(severity_iterations=700))
    return [_shared("lite", slow, share, 3, probed=True) for share in (0.25, 0.0)]


def _full() -> list[Condition]:
    return [_shared("full", FULL, 0.0, 1, probed=True)]
