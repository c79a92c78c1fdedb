"""Rewards that members of a team have in common."""

from __future__ import annotations

import torch
from torch import Tensor


def share_rewards(reward: Tensor, present: Tensor, sizes: tuple[int, ...], share: float) -> Tensor:
    """Mix each agent's reward with those of the other members of its team.

    Args:
      reward: (W, A).
      present: (W, A) bool: who takes part.
      sizes: members of each team, in the order of agents; their sum is A.
      share: s in (1 - s) r + s * (mean reward of the other members that take part). Who is alone keeps its own.

    Returns:
      (W, A).
    """
    if share == 0.0:
        return reward
    mixed = []
    for own, there in zip(reward.split(sizes, dim=1), present.split(sizes, dim=1), strict=True):
        others = there.sum(1, keepdim=True) - there.float()
        mean = ((own * there).sum(1, keepdim=True) - own * there) / others.clamp(min=1)
        mixed.append(torch.where(there & (others > 0), (1 - share) * own + share * mean, own))
    return torch.cat(mixed, dim=1)
