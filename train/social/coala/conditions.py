"""What the study of learning-aware agents runs: parts, and in each the methods that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .advantages import Mode
from .analytic import AnalyticSetting
from .learner import LearnerConfig
from .training import Setting

PARTS = {
    "shaping": "The prisoner's dilemma with naive learners only",
    "mixed": "The prisoner's dilemma in a mixed pool",
    "networks": "The same with naive learners that have networks",
    "analytic": "The endless dilemma with exact gradients",
    "in-context": "A mixed pool without co-players that learn within an episode (Weis et al., 2026)",
    "cleanup": "CleanUp-lite with naive learners only",
}
"""Parts of the study, and their headings."""
QUICK_PARTS = ("shaping",)
MODES: dict[Mode, str] = {"coala": "COALA-PG", "mfos": "M-FOS", "unaware": "batch-unaware"}
"""Estimators, and how they are called."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One setting of a part, for several seeds."""

    part: str
    """One of ``PARTS``."""
    method: str
    """Its name within the part, as in names of files."""
    title: str
    """Its name in tables."""
    setting: Setting | AnalyticSetting
    """Who meets whom, and how all learn."""
    game: str = "prisoners-dilemma"
    """What they play."""

    @property
    def name(self) -> str:
        """Its name in the study."""
        return f"{self.part}-{self.method}"

    @property
    def work(self) -> float:
        """How long one seed takes, roughly, in steps that are learned from."""
        setting = self.setting
        if isinstance(setting, AnalyticSetting):
            return setting.updates * setting.look_ahead * 1500.0 * bool(setting.naive_share)
        steps = setting.inner_episodes * setting.inner_steps * setting.co_players * setting.batch
        passes = setting.learner.epochs + 1 + (setting.naive == "network") * setting.naive_share
        return setting.updates * setting.agents * steps * passes


def conditions(parts: Sequence[str], quick: bool, scale: float) -> list[Condition]:
    """Return the conditions of some parts.

    Args:
        parts: Of ``PARTS``.
        quick: The small version.
        scale: Factor on all numbers of updates.
    """
    made = {
        "shaping": _shaping(60 if quick else 300),
        "mixed": _mixed(),
        "networks": _networks(),
        "analytic": _analytic(),
        "in-context": _in_context(),
        "cleanup": _cleanup(),
    }
    chosen = [condition for part in parts for condition in made[part]]
    return [replace(each, setting=_scaled(each.setting, scale)) for each in chosen]


def _scaled(setting: Setting | AnalyticSetting, scale: float) -> Setting | AnalyticSetting:
    return replace(setting, updates=max(1, round(setting.updates * scale)))


def _by_mode(part: str, setting: Setting, game: str = "prisoners-dilemma") -> list[Condition]:
    """Return the same setting with each estimator."""
    return [
        Condition(
            part=part,
            method=mode,
            title=title,
            setting=replace(setting, learner=replace(setting.learner, mode=mode)),
            game=game,
        )
        for mode, title in MODES.items()
    ]


def _shaping(updates: int) -> list[Condition]:
    return _by_mode("shaping", Setting(updates=updates))


def _mixed() -> list[Condition]:
    pool = Setting(agents=2, naive_share=0.75, updates=300)
    alone = replace(pool, naive_share=0.0, updates=120)
    without = Condition(part="mixed", method="alone", title="COALA-PG, no naive agents", setting=alone)
    return [*_by_mode("mixed", pool), without]


def _networks() -> list[Condition]:
    return _by_mode("networks", Setting(naive="network", updates=300))


def _analytic() -> list[Condition]:
    setting = AnalyticSetting()
    made = [
        Condition(
            part="analytic",
            method=f"naive{round(100 * share)}",
            title=f"share of naive players {share:g}",
            setting=replace(setting, naive_share=share),
        )
        for share in (1.0, 0.75, 0.25, 0.0)
    ]
    summed = replace(setting, naive_share=0.25, naive_rate=setting.naive_rate / (1.0 - setting.gamma))
    title = "share 0.25, naive players that follow the sum of rewards"
    return [*made, Condition(part="analytic", method="sum", title=title, setting=summed)]


def _in_context() -> list[Condition]:
    learner = LearnerConfig(mode="unaware", epochs=1, minibatches=1)
    pool = Setting(
        agents=2, naive_share=0.5, naive_rate=0.0, inner_episodes=1, inner_steps=100, updates=1000, learner=learner
    )
    alone = replace(pool, naive_share=0.0)
    return [
        Condition(part="in-context", method="pool", title="half of the pool tabular", setting=pool),
        Condition(part="in-context", method="alone", title="learners only", setting=alone),
    ]


def _cleanup() -> list[Condition]:
    learner = LearnerConfig(reward_scale=0.1, normalize=True)
    setting = Setting(naive="network", inner_episodes=10, inner_steps=64, batch=8, updates=200, learner=learner)
    return _by_mode("cleanup", setting, "cleanup")
