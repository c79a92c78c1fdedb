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
_FAST = Setting(inner_episodes=10, naive_rate=40.0)
"""Fewer inner episodes than the paper's 20, and co-players that learn faster: less noise for the same lesson."""
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


def conditions(parts: Sequence[str], scale: float) -> list[Condition]:
    """Return the conditions of some parts.

    Args:
        parts: Of ``PARTS``.
        scale: Factor on all numbers of updates.
    """
    made = {
        "shaping": _shaping(),
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


def _shaping() -> list[Condition]:
    # With fewer games at once the batch-unaware estimator shapes, too: a B-th of what is taught comes back to a game.
    return _by_mode("shaping", replace(_FAST, co_players=48, batch=16, naive_rate=60.0, updates=250))


def _mixed() -> list[Condition]:
    # Agents first defect among each other, and come back if it is not all that is left by then: small steps, a larger
    # memory and many games with each (docs/notes/social-trials.md). Baselines do not change after 40 updates.
    game = Setting(agents=2, naive_share=0.75, naive_rate=20.0, co_players=16, batch=16, size=32)
    pool = replace(game, updates=100, learner=LearnerConfig(learning_rate=2e-3))
    alone = replace(pool, naive_share=0.0)
    coala, *baselines = _by_mode("mixed", pool)
    longer = replace(coala, setting=replace(coala.setting, updates=800))
    without = Condition(part="mixed", method="alone", title="COALA-PG, no naive agents", setting=alone)
    return [longer, *baselines, without]


def _networks() -> list[Condition]:
    return _by_mode("networks", Setting(naive="network", co_players=8, updates=100))


def _analytic() -> list[Condition]:
    setting = AnalyticSetting(learning_rate=1e-2, updates=2000)
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
    game = Setting(naive_rate=0.0, co_players=32, batch=2, inner_episodes=1, inner_steps=100)
    pool = replace(game, agents=2, naive_share=0.5, updates=1000, learner=learner)
    settings = {
        "pool": ("half of the pool tabular", pool),
        "identity": ("the same, and agents are told whom they meet", replace(pool, identity=True)),
        "alone": ("learners only", replace(pool, naive_share=0.0)),
    }
    return [
        Condition(part="in-context", method=method, title=title, setting=setting)
        for method, (title, setting) in settings.items()
    ]


def _cleanup() -> list[Condition]:
    learner = LearnerConfig(reward_scale=0.1, normalize=True)
    games = Setting(co_players=8, inner_episodes=10, inner_steps=64, updates=60)
    return _by_mode("cleanup", replace(games, naive="network", learner=learner), "cleanup")
