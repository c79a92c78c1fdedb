"""Storage of one rollout, cut into chunks for truncated backpropagation through time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from policies.actor_critic import LSTMState
from policies.observation import ObservationSpec


@dataclass(frozen=True)
class Chunks:
    """M chunks of L steps of one sequence each, time first: what one minibatch is made of."""

    observation: dict[str, Tensor]
    """Observations (L, M, ...)."""
    actions: Tensor
    """Actions (L, M, number of actions), int64."""
    log_probs: Tensor
    """Log-probabilities (L, M) of the actions when they were taken."""
    resets: Tensor
    """True (L, M) where an episode begins with the step."""
    state: LSTMState
    """Memory (M, H) before the first step of each chunk."""
    weights: Tensor
    """Weight (L, M) of each step in the policy loss."""
    own: Tensor
    """True (L, M) for the steps to learn from, see :meth:`RolloutBuffer.mask`."""
    advantages: Tensor
    """Advantages (L, M)."""
    targets: Tensor
    """Value targets (L, M) in units of reward."""
    teacher: Tensor | None = None
    """Log-probabilities (L, M, number of actions, most bins) of a teacher, see :class:`Teacher`; None without one."""


class RolloutBuffer:
    """Preallocated storage of T steps of N sequences.

    A chunk is ``chunk_length`` steps of one sequence. Tensors are kept as (L, C, N, ...): step t lies at row t % L of
    block t // L. So (L, C * N, ...) is a view whose columns are chunks, and a minibatch is a plain selection of
    columns. Chunk ``c * N + n`` holds the steps from ``c * L`` of sequence n.

    Several processes may share the sequences of one rollout: ``part`` = (first sequence, number of all sequences) then
    says which are here, and ``local`` finds those of the whole rollout's chunks that are.
    """

    def __init__(
        self,
        steps: int,
        sequences: int,
        spec: ObservationSpec,
        actions: int,
        state_size: int,
        chunk_length: int = 10,
        device: torch.device | str = "cpu",
        part: tuple[int, int] | None = None,
    ) -> None:
        if steps % chunk_length:
            raise ValueError(f"rollout of {steps} steps cannot be cut into chunks of {chunk_length}")
        self.steps, self.sequences, self.chunk_length = steps, sequences, chunk_length
        self.num_chunks = steps // chunk_length * sequences
        self._first_sequence, self._all_sequences = part or (0, sequences)
        self.all_chunks = steps // chunk_length * self._all_sequences
        """Number of chunks of the whole rollout, in all processes."""
        self.size = 0
        """Number of steps stored so far."""
        layout = (chunk_length, steps // chunk_length, sequences)

        def table(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(*layout, *shape, dtype=dtype, device=device)

        self.observation = {
            key: table(*shape, dtype=torch.bool if key in spec.masks else torch.float32)
            for key, shape in spec.shapes.items()
        }
        self.actions = table(actions, dtype=torch.long)
        self.log_probs = table()
        self.values = table()
        self.rewards = table()
        self.dones = table(dtype=torch.bool)
        self.cut_off = table()
        self.resets = table(dtype=torch.bool)
        self.weights = table()
        self.own = table(dtype=torch.bool)
        self.advantages = table()
        self.targets = table()
        self.last_value = torch.zeros(sequences, device=device)
        self.state = LSTMState(*(torch.zeros(*layout[1:], state_size, device=device) for _ in range(4)))
        self.teacher: Tensor | None = None
        """Log-probabilities (L, C, N, number of actions, most bins) of a teacher for this rollout, if there is one."""

    def add(
        self,
        observation: dict[str, Tensor],
        actions: Tensor,
        log_probs: Tensor,
        state: LSTMState,
        resets: Tensor,
        rewards: Tensor,
        dones: Tensor,
        weights: Tensor | None = None,
        own: Tensor | None = None,
    ) -> None:
        """Store one step of all sequences but for its value; the step after the last one begins a new rollout.

        Args:
            observation: What the policy saw (N, ...).
            actions: What it did (N, number of actions).
            log_probs: Log-probabilities (N,) of the actions.
            state: Memory (N, H) as it was given to the policy, before any reset; that of the critic comes with values.
            resets: True (N,) where this step is the first of an episode.
            rewards: Rewards (N,) for the actions.
            dones: True (N,) where the episode ended with this step.
            weights: Weight (N,) of the step in the policy loss, 1 by default; 0 for actions that had no effect.
            own: False (N,) where the policy did not act for the sequence: a past version did, or the agent is absent;
                True by default. Such a step is in no loss, no statistic and no normaliser.
        """
        step = 0 if self.full else self.size
        block, row = divmod(step, self.chunk_length)
        for key, tensor in self.observation.items():
            tensor[row, block] = observation[key]
        self.actions[row, block] = actions
        self.log_probs[row, block] = log_probs
        self.resets[row, block] = resets
        self.rewards[row, block] = rewards
        self.dones[row, block] = dones
        self.weights[row, block] = 1.0 if weights is None else weights
        self.own[row, block] = True if own is None else own
        if row == 0:
            self.state.actor_h[block], self.state.actor_c[block] = state.actor_h, state.actor_c
        self.size = step + 1

    def add_values(self, values: Tensor, state: LSTMState, cut_off: Tensor) -> None:
        """Store what the critic says of the newest L steps, once a chunk of each sequence is full.

        Args:
            values: Values (L, N) in units of reward.
            state: Memory (N, H) before the first of these steps, before any reset.
            cut_off: Value (L, N), in units of reward, of what would have followed an episode that was cut short with a
                step; 0 elsewhere.
        """
        block = self.newest_block
        self.values[:, block], self.cut_off[:, block] = values, cut_off
        self.state.critic_h[block], self.state.critic_c[block] = state.critic_h, state.critic_c

    @property
    def newest_block(self) -> int:
        """Index on the second axis (C) of the step stored last."""
        return (self.size - 1) // self.chunk_length

    def finish(self, last_value: Tensor) -> None:
        """Give the values (N,) of the observations after the last step, from which unfinished episodes are valued.

        Raises:
            ValueError: If steps are missing.
        """
        if not self.full:
            raise ValueError(f"rollout has {self.size} of {self.steps} steps")
        self.last_value.copy_(last_value)

    @property
    def full(self) -> bool:
        """Whether all steps are stored."""
        return self.size == self.steps

    def by_step(self, tensor: Tensor) -> Tensor:
        """Return a stored tensor (L, C, N, ...) in the order of time, (T, N, ...)."""
        return tensor.transpose(0, 1).flatten(0, 1)

    def set_by_step(self, tensor: Tensor, values: Tensor) -> None:
        """Write values (T, N, ...), in the order of time, to a stored tensor (L, C, N, ...)."""
        tensor.copy_(values.unflatten(0, (-1, self.chunk_length)).transpose(0, 1))

    def local(self, indices: Tensor) -> Tensor:
        """Return this process's indices (m,) of those chunks of the whole rollout (M,) that are here, in order."""
        if self._all_sequences == self.sequences:
            return indices
        block, sequence = indices // self._all_sequences, indices % self._all_sequences - self._first_sequence
        here = (sequence >= 0) & (sequence < self.sequences)
        return (block * self.sequences + sequence)[here]

    def mask(self, sequences: Tensor | None = None) -> Tensor:
        """Return which steps (L, C, N) bool to learn from: own steps, of the given sequences (N,) bool or all."""
        return self.own if sequences is None else self.own & sequences

    def observed(self, mask: Tensor) -> dict[str, Tensor]:
        """Return the observations of the steps in a mask (L, C, N): (n, ...), or (L, C, N, ...) if it is full."""
        return {key: selected(tensor, mask) for key, tensor in self.observation.items()}

    def chunks(self, indices: Tensor, sequences: Tensor | None = None) -> Chunks:
        """Return some chunks.

        Args:
            indices: Which (M,), int64, each from 0 to ``num_chunks - 1``.
            sequences: True (N,) for the sequences to learn from, see :meth:`mask`; all by default.
        """

        def select(tensor: Tensor) -> Tensor:
            return tensor.flatten(1, 2).index_select(1, indices)

        return Chunks(
            observation={key: select(tensor) for key, tensor in self.observation.items()},
            actions=select(self.actions),
            log_probs=select(self.log_probs),
            resets=select(self.resets),
            state=LSTMState(*(tensor.flatten(0, 1).index_select(0, indices) for tensor in self.state)),
            weights=select(self.weights),
            own=select(self.mask(sequences)),
            advantages=select(self.advantages),
            targets=select(self.targets),
            teacher=None if self.teacher is None else select(self.teacher),
        )


def selected(tensor: Tensor, mask: Tensor) -> Tensor:
    """Return the rows of a tensor (..., features) where the mask (...) is True; the tensor itself if all are."""
    return tensor if mask.all() else tensor[mask]
