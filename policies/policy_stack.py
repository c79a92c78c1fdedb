"""Several policies of one shape that act side by side: one pass for all, not one for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from .actor_critic import ActorCritic
from .heads import MultiCategorical
from .recurrence import State


class _Actor(nn.Module):
    """What of a policy acts, as a function from observations and memory to the logarithms of probabilities."""

    def __init__(self, policy: ActorCritic) -> None:
        super().__init__()
        self.normalizer, self.tower, self.head = policy.observation_normalizer, policy.actor, policy.action_head

    def forward(
        self, observation: dict[str, Tensor], hidden: Tensor, cell: Tensor, resets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        features, (hidden, cell) = self.tower.step_by_cell(self.normalizer(observation), (hidden, cell), resets)
        return self.head(features).log_probs, hidden, cell


class PolicyStack:
    """V policies with equal sizes, each with n sequences of its own.

    The weights are copied: later changes of the policies do not matter. What each does is what it does alone, but for
    the order in which sums are taken.
    """

    def __init__(self, policies: Sequence[ActorCritic]) -> None:
        actors = [_Actor(policy) for policy in policies]
        self._parameters, self._buffers = stack_module_state(actors)  # type: ignore[arg-type]
        self._actor = actors[0]

    @torch.no_grad()
    def step(self, observation: dict[str, Tensor], memory: State, resets: Tensor) -> tuple[MultiCategorical, State]:
        """Take one step with observations (V, n, ...), memories (V, n, H) and resets (V, n).

        Returns:
            Distributions of the actions, of shape (V, n), and the new memories.
        """
        log_probs, hidden, cell = vmap(self._one)(self._parameters, self._buffers, observation, *memory, resets)
        return MultiCategorical(log_probs), (hidden, cell)

    def _one(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        observation: dict[str, Tensor],
        hidden: Tensor,
        cell: Tensor,
        resets: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        return functional_call(self._actor, (parameters, buffers), (observation, hidden, cell, resets))
