"""Options of what is learned from in place of an agent's own reward."""

from __future__ import annotations

from dataclasses import dataclass

from envs.options.ranges import Share, Whole


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """Sharing of rewards, and penalties that grow. What is logged, rated and judged is always the game's own reward."""

    sharing: Share = 0.0
    """How much of its reward an agent has from its team: r becomes (1 - s) r + s times the mean of the other members'
    rewards. 0 is selfish; with 0.5 a team of two has one reward."""
    final_sharing: Share | None = None
    """Sharing that a run approaches on a straight line from ``sharing``. None: it stays as it is."""
    severity_iterations: Whole = 0
    """Iterations over which a game's penalties (the darkness of the Trading Game) grow from nothing to full. 0: full at
    once, and agents may learn to stay where it is safe before they learn anything else."""

    def sharing_after(self, done: float) -> float:
        """Return the sharing when this share of a run is done, in [0, 1]."""
        final = self.sharing if self.final_sharing is None else self.final_sharing
        return self.sharing + (final - self.sharing) * done

    def severity_after(self, iterations: int) -> float:
        """Return the share of penalties that is paid after so many iterations, in [0, 1]."""
        return min(iterations / self.severity_iterations, 1.0) if self.severity_iterations else 1.0
