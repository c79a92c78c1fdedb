"""Past versions on their seats: each with the sequences that it has or may yet have in a rollout.

Few of them act one after the other, more of them side by side in one pass (``PolicyStack``), which costs as many calls
as two or three versions do. Shapes: N sequences of this process, V versions, n sequences of the one that has most,
K parts of an action.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from policies.actor_critic import ActorCritic, LSTMState
from policies.policy_stack import PolicyStack

SIDE_BY_SIDE = 4
"""Versions from which on they act side by side; measured on a CPU (docs/performance.md)."""


@dataclass(frozen=True)
class Seated:
    """One network of a version, and where it plays."""

    version: int
    policy: ActorCritic
    rows: Tensor
    """(n,) sequences that it has or may yet have in this rollout."""


class SeatedVersions:
    """Everybody who plays in one rollout.

    Args:
      players: networks of equal sizes.
      part: this process's first sequence, and the number of sequences of all processes.
    """

    def __init__(self, players: list[Seated], part: tuple[int, int]) -> None:
        self.players, (self._first, self._all) = players, part
        self._stack: PolicyStack | None = None
        # Fused attention, which blocks with a norm use, knows no side by side.
        if len(players) >= SIDE_BY_SIDE and not players[0].policy.config.attention_layer_norm:
            self._stack = PolicyStack([player.policy for player in players])
            longest, device = max(len(player.rows) for player in players), players[0].rows.device
            self._rows = torch.zeros(len(players), longest, dtype=torch.int64, device=device)
            self._versions = torch.full_like(self._rows, -1)
            for index, player in enumerate(players):
                self._rows[index, : len(player.rows)] = player.rows
                self._versions[index, : len(player.rows)] = player.version

    def __bool__(self) -> bool:
        return bool(self.players)

    def act(
        self,
        obs: dict[str, Tensor],
        started: Tensor,
        seats: Tensor,
        memory: Tensor,
        actions: Tensor,
        noise: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Let versions act on their seats.

        Args:
          obs: observations (N, ...).
          started: (N,) bool: the episode begins with this step.
          seats: (N,) who plays each sequence.
          memory: (2, N, H) hidden and cell states.
          actions: (N, K) of everybody else.
          noise: in the same state for every version: a sequence's noise depends on the step and its number alone, and
            only one player has it at a time.

        Returns:
          Actions (N, K) and the new memory.
        """
        if self._stack is not None:
            return self._act_side_by_side(self._stack, obs, started, seats, memory, actions, noise)
        actions, memory, state = actions.clone(), memory.clone(), noise.get_state()
        for player in self.players:
            noise.set_state(state)
            rows, (h, c) = player.rows, memory[:, player.rows]
            seen = {name: values[rows] for name, values in obs.items()}
            part = (rows + self._first, self._all)
            chosen, _, after = player.policy.act(seen, LSTMState(h, c, h, c), started[rows], generator=noise, part=part)
            seated = (seats[rows] == player.version)[:, None]
            actions[rows] = torch.where(seated, chosen, actions[rows])
            memory[:, rows] = torch.where(seated, torch.stack([after.actor_h, after.actor_c]), memory[:, rows])
        return actions, memory

    def _act_side_by_side(
        self,
        stack: PolicyStack,
        obs: dict[str, Tensor],
        started: Tensor,
        seats: Tensor,
        memory: Tensor,
        actions: Tensor,
        noise: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        rows = self._rows
        h, c = memory[:, rows]
        seen = {name: values[rows] for name, values in obs.items()}
        distribution, after = stack.step(seen, (h, c), started[rows])
        chosen = distribution.sample(noise, (rows + self._first, self._all))
        # What is not theirs goes to a row beyond the last one, which nobody reads.
        target = torch.where(seats[rows] == self._versions, rows, len(actions)).flatten()
        actions = torch.cat([actions, actions[:1]]).index_copy(0, target, chosen.flatten(0, 1))[:-1]
        states = torch.stack(after).flatten(1, 2)
        memory = torch.cat([memory, memory[:, :1]], dim=1).index_copy(1, target, states)[:, :-1]
        return actions, memory
