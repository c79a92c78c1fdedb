"""A teacher: a policy whose choices the learned one is pulled towards while its weight in the loss lasts."""

from __future__ import annotations

import torch
from torch import Tensor

from policies.actor_critic import LSTMState
from policies.heads import IMPOSSIBLE
from policies.teams import Policy, members

from .rollouts import RolloutBuffer


class Teacher:
    """Looks at every rollout and says what it would have done in each step, given what it has seen before.

    Args:
      policy: the teacher, whose weights never change.
      shape: (W, A): this process's worlds, and agents; N = W * A.
      agents: (A,) bool: those that are taught.
    """

    def __init__(self, policy: Policy, shape: tuple[int, int], agents: Tensor) -> None:
        self._policy = policy.eval().requires_grad_(False)
        self._taught = agents.expand(shape).flatten().to(policy.device)
        self._parts = []
        for network, members_of_team in members(policy):
            mine = torch.zeros(shape, dtype=torch.bool, device=policy.device)
            mine[:, members_of_team] = True
            self._parts.append((network, mine.flatten().nonzero()[:, 0]))
        self.memory = policy.initial_state(shape[0] * shape[1])

    @torch.no_grad()
    def see(self, buffer: RolloutBuffer) -> None:
        """Follow a full rollout, and write to ``buffer.teacher`` what it would have done.

        Sequences that are not taught get probabilities of zero, which pull nowhere.
        """
        bins = self._policy.action_bins
        length, blocks, sequences = buffer.rewards.shape
        table = buffer.rewards.new_full((length, blocks, sequences, len(bins), max(bins)), IMPOSSIBLE)
        for block in range(blocks):
            for network, rows in self._parts:
                obs = {key: values[:, block, rows] for key, values in buffer.observation.items()}
                memory = LSTMState(*(part[rows] for part in self.memory))
                distribution, memory = network.follow_actions(obs, memory, buffer.resets[:, block, rows])
                table[:, block, rows] = distribution.log_probs
                for part, new in zip(self.memory, memory, strict=True):
                    part[rows] = new
        table[:, :, ~self._taught] = IMPOSSIBLE
        buffer.teacher = table


def divergence(teacher: Tensor, log_probs: Tensor) -> Tensor:
    """Return KL(teacher || policy) (...) in nats, all actions together, of log-probabilities (..., actions, bins)."""
    return (teacher.exp() * (teacher - log_probs)).sum((-1, -2))
