"""Generalised advantage estimation."""

from __future__ import annotations

import torch
from torch import Tensor


def generalized_advantages(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    cut_off: Tensor,
    last_value: Tensor,
    gamma: float,
    gae_lambda: float,
) -> tuple[Tensor, Tensor]:
    """Estimate advantages and value targets of T steps of N sequences.

    Args:
        rewards: Reward of each step (T, N).
        values: Value of the observation before each step (T, N), in units of reward.
        dones: True (T, N) where the episode ended with the step: no later reward counts.
        cut_off: Value (T, N) of what would have followed an end: 0 where the game ended.
        last_value: Value (N,) of the observation after the last step.
        gamma: Discount per step.
        gae_lambda: Weight of longer estimates: 0 trusts the values alone, 1 the rewards alone.

    Returns:
        Advantages and value targets, (T, N) each.
    """
    advantages = torch.empty_like(rewards)
    keep = (~dones).to(rewards.dtype)
    next_values = torch.cat([values[1:], last_value.unsqueeze(0)])
    errors = rewards + gamma * torch.where(dones, cut_off, next_values) - values
    decay = gamma * gae_lambda * keep
    following = torch.zeros_like(last_value)
    for step in reversed(range(len(rewards))):
        following = torch.addcmul(errors[step], decay[step], following)
        advantages[step] = following
    return advantages, advantages + values
