"""The critic's part of a rollout: it looks at a chunk of steps at once, since nobody needs a value in acting."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from policies.actor_critic import LSTMState
from policies.teams import Policy

from .rollouts import RolloutBuffer


@dataclass(frozen=True)
class CutOff:
    """What ended with one step of N sequences before its time."""

    truncated: Tensor
    """(N,) bool: the episode is over though the game did not end it."""
    broken: Tensor
    """(N,) bool: that is so because physics broke."""
    observation: dict[str, Tensor] | None
    """(N, ...) after the step, before the next episodes start; None if nothing was cut short but by broken physics."""


class CriticPass:
    """Gives a rollout its values.

    Args:
        policy: The newest one.
        buffer: The rollout, which others fill.
    """

    def __init__(self, policy: Policy, buffer: RolloutBuffer) -> None:
        self._policy, self._buffer = policy, buffer
        self._ends: list[CutOff] = []

    def follow(self, state: LSTMState, end: CutOff) -> LSTMState:
        """Value the newest steps if the one that was just stored completes a chunk.

        Args:
            state: Memory (N, H): the critic's is still that before the chunk.
            end: What was cut short with the step.

        Returns:
            The memory, the critic's being that after the chunk if it is complete.
        """
        buffer = self._buffer
        self._ends.append(end)
        if buffer.size % buffer.chunk_length:
            return state
        block, ends, self._ends = buffer.newest_block, self._ends, []
        observation = {key: tensor[:, block] for key, tensor in buffer.observation.items()}
        values, (hidden, cell) = self._policy.values(observation, state, buffer.resets[:, block])
        last = values.clone()  # Stands for the last observation where there is none, as where physics broke.
        for row, end in enumerate(ends):
            if end.observation is not None:
                memory = state._replace(critic_h=hidden[row], critic_c=cell[row])
                after = self._policy.value(end.observation, memory, torch.zeros_like(end.broken))
                last[row] = torch.where(end.broken, values[row], after)
        truncated = torch.stack([end.truncated for end in ends])
        buffer.add_values(values, state, torch.where(truncated, last, 0.0))
        return state._replace(critic_h=hidden[-1], critic_c=cell[-1])
