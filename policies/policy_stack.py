"""Several policies of one shape that act side by side: one pass for all, not one for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from .actor_critic import ActorCritic
from .actor_step import ActorStep
from .heads import MultiCategorical
from .recurrence import State


class PolicyStack:
    """V policies with equal sizes, each with n sequences of its own.

    The weights are copied: later changes of the policies do not matter. What each does is what it does alone, but for
    the order in which sums are taken.
    """

    def __init__(self, policies: Sequence[ActorCritic]) -> None:
        actors = [ActorStep(policy) for policy in policies]
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
