"""Whether a strategy is played more often than random play happens to play it.

Random agents push boxes into doors now and then. So every checkpoint is compared with random play on the same layouts,
episode by episode, and the more checkpoints are looked at, the clearer each must be.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ALPHA = 0.05
"""How often a report may find a strategy, at any of its checkpoints, that is played no more often than by chance."""
BROKEN = -1
"""What stands for an episode whose physics broke."""


def sign_test(told: Tensor, by_chance: Tensor) -> float:
    """Return the chance of telling a strategy in so many more episodes than random play, if there were no difference.

    Args:
      told: (N,) 1 where it was told, 0 where not, ``BROKEN`` where the episode does not count.
      by_chance: the same of random play, on the same layouts.

    Returns:
      The exact one-sided p-value of the episodes in which the two differ (McNemar's test).
    """
    from scipy.stats import binomtest  # Training needs it only where it looks for stages.

    both = (told != BROKEN) & (by_chance != BROKEN)
    more, fewer = int((both & (told > by_chance)).sum()), int((both & (told < by_chance)).sum())
    return 1.0 if more + fewer == 0 else float(binomtest(more, more + fewer, 0.5, alternative="greater").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold for all of them together (Holm, 1979), in the given order."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def outcomes(told: Tensor, counted: Tensor) -> Tensor:
    """Return (N,) int8 of what a detector told (N,) bool, where it counts (N,) bool."""
    return torch.where(counted, told.to(torch.int8), torch.full_like(told, BROKEN, dtype=torch.int8))
