"""Advantages of meta-episodes: COALA-PG, M-FOS and the batch-unaware policy gradient (Algorithm 1 of appendix A)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Mode = Literal["coala", "mfos", "unaware"]


def meta_advantages(
    rewards: Tensor,
    values: Tensor,
    inner_steps: int,
    mode: Mode,
    gamma: float = 1.0,
    gae_lambda: float = 1.0,
) -> Tensor:
    """Estimate the advantages of L = M * T steps of B games with each of K co-players that learn.

    The gradient of the mean return of a game is the mean over co-players and the *sum* over games and steps of each
    action's score times its advantage for ``coala`` (theorem 3.1); the mean over games, too, for ``unaware``.

    Args:
        rewards: Reward of each step (L, ..., B).
        values: Value of the observation before each step (L, ..., B); zeros for no baseline.
        inner_steps: T. A co-player learns after every T steps.
        mode: What an action is credited with. ``unaware``: all later reward of its own game. ``coala``: a B-th of that
            of its own game up to the end of the inner episode, and the mean over all B games of all reward afterwards.
            ``mfos``: the same without the B-th.
        gamma: Discount per step; it goes on over the ends of inner episodes.
        gae_lambda: Weight of longer estimates.

    Returns:
        Advantages (L, ..., B).
    """
    next_values = torch.cat([values[1:], torch.zeros_like(values[:1])])
    errors = rewards + gamma * next_values - values
    decay = gamma * gae_lambda
    own_share = 1.0 / rewards.shape[-1] if mode == "coala" else 1.0
    everyone = errors.mean(-1, keepdim=True)
    own, shared = torch.zeros_like(errors[0]), torch.zeros_like(everyone[0])
    advantages = torch.empty_like(errors)
    for step in reversed(range(len(errors))):
        if mode != "unaware" and step % inner_steps == inner_steps - 1:
            own = shared.expand_as(own)
        own = torch.add(errors[step] * own_share, own, alpha=decay)
        shared = torch.add(everyone[step], shared, alpha=decay)
        advantages[step] = own
    return advantages
