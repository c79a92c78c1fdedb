"""What a rollout says of where its episodes began, and of the states that it passed.

Shapes: T steps, W worlds, A agents.
"""

from __future__ import annotations

import torch
from torch import Tensor


def surprise_ahead(size: Tensor, counted: Tensor, done: Tensor) -> Tensor:
    """Return the mean |advantage| from each step to the end of its episode, or of the rollout, (T, W).

    Args:
      size: (T, W, A) |advantage|.
      counted: (T, W, A) bool: steps that were learned from; where there is none ahead, 0 is returned.
      done: (T, W) bool: the episode ended with the step.
    """
    sums, counts = (size * counted).sum(-1), counted.sum(-1).float()
    total, number = torch.zeros_like(sums[0]), torch.zeros_like(counts[0])
    ahead = torch.zeros_like(sums)
    for step in range(len(sums) - 1, -1, -1):
        total = torch.where(done[step], 0.0, total) + sums[step]
        number = torch.where(done[step], 0.0, number) + counts[step]
        ahead[step] = total / number.clamp(min=1.0)
    return ahead


def first_steps(origin: Tensor, done: Tensor) -> Tensor:
    """Return at which steps (T, W) bool an episode, or the part of it that is in the rollout, begins in a kept state.

    Args:
      origin: (T, W) number of the state in which the step's episode began, negative if it began fresh.
      done: (T, W) bool.
    """
    begins = torch.ones_like(done)
    begins[1:] = done[:-1]
    return begins & (origin >= 0)
