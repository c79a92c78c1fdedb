"""Many small recurrent actor-critics side by side: one for each of G players, all in the same few operations.

Studies with many seeds, or with a network for every co-player, would spend their time in the overhead of operations on
tiny matrices. Here every parameter has a leading axis of G players, and a step of all of them is one batched product.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .gru_scan import GRUScan
from .heads import MultiCategorical


class PlayersActorCritic(nn.Module):
    """For each of G players a GRU, and one linear layer for logits and value, which starts at zero.

    Gates and biases are those of ``torch.nn.GRU``.

    Args:
        players: G.
        inputs: Features D of an observation.
        actions: How many actions there are to choose from.
        size: Features H of the memory.
        generator: Source of the first weights.
    """

    def __init__(self, players: int, inputs: int, actions: int, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.size = size

        def uniform(*shape: int) -> nn.Parameter:
            bound = 1.0 / math.sqrt(size)
            values = torch.empty(players, *shape, device=generator.device).uniform_(-bound, bound, generator=generator)
            return nn.Parameter(values)

        self.input_weight, self.input_bias = uniform(inputs, 3 * size), uniform(1, 3 * size)
        self.gates_weight, self.new_weight = uniform(size, 2 * size), uniform(size, size)
        self.new_bias = uniform(1, size)
        self.head_weight = nn.Parameter(torch.zeros(players, size, actions + 1, device=generator.device))
        self.head_bias = nn.Parameter(torch.zeros(players, 1, actions + 1, device=generator.device))

    @torch.no_grad()
    def copy_players(self, pool: PlayersActorCritic, which: Tensor) -> None:
        """Become copies of the players ``which`` (G,) of a pool."""
        for mine, theirs in zip(self.parameters(), pool.parameters(), strict=True):
            mine.copy_(theirs[which])

    def first_state(self, sequences: int) -> Tensor:
        """Return the memory (G, N, H) with which N sequences of every player begin."""
        return self.head_weight.new_zeros(len(self.head_weight), sequences, self.size)

    def step(self, observation: Tensor, state: Tensor) -> tuple[MultiCategorical, Tensor, Tensor]:
        """Take one step: observation (G, N, D), state (G, N, H) -> actions (G, N, 1), values (G, N), new state."""
        state = self._remember(observation.unsqueeze(0), state)[0]
        choice, values = self._decide(state)
        return choice, values, state

    def unroll(self, observation: Tensor) -> tuple[MultiCategorical, Tensor]:
        """Take T steps from the first state: observation (T, G, N, D) -> actions (T, G, N, 1), values (T, G, N)."""
        return self._decide(self._remember(observation, self.first_state(observation.shape[2])))

    def _remember(self, observation: Tensor, state: Tensor) -> Tensor:
        """Return the memories (T, G, N, H) after each step."""
        return GRUScan.apply(
            observation, state, self.input_weight, self.input_bias, self.gates_weight, self.new_weight, self.new_bias
        )

    def _decide(self, memory: Tensor) -> tuple[MultiCategorical, Tensor]:
        """Return actions and values of memories (..., G, N, H)."""
        outputs = memory @ self.head_weight + self.head_bias
        return MultiCategorical(outputs[..., None, :-1]), outputs[..., -1]
