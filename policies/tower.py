"""One network from observation to features: the policy and the critic are a tower each (environment 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention import PooledSelfAttention
from .encoder import EntityEncoder
from .observation import MaskSuffix, ObservationSpec
from .recurrence import LSTM, State


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes of the networks. The defaults are the paper's: about 0.8 million parameters in each tower."""

    embedding_size: int = 128
    """Features of each entity's embedding; a multiple of ``attention_heads``."""
    attention_heads: int = 4
    """Heads of the attention among entities."""
    hidden_size: int = 256
    """Features of the dense layer between attention and LSTM."""
    lstm_size: int = 256
    """Features of the LSTM, which is the agent's memory and holds two thirds of the parameters."""
    lidar_filters: int = 9
    """Filters of the circular convolution over lidar rays."""
    lidar_kernel: int = 3
    """Width of the convolution in rays; odd."""
    layer_norm: bool = True
    """Normalise before the dense layer and before the LSTM, as the paper does and the released network does not. The
    norm after the LSTM is always there."""
    attention_layer_norm: bool = False
    """Normalise every entity after attention, as the paper does and the released network does not. Without it pooling
    can be computed before the value map, which makes attention about twice as fast."""


class Tower(nn.Module):
    """Encoder, attention, pooling, dense layer, LSTM and layer norm."""

    def __init__(self, spec: ObservationSpec, config: NetworkConfig, suffix: MaskSuffix) -> None:
        super().__init__()
        embedding, hidden = config.embedding_size, config.hidden_size
        self.suffix = suffix
        self.encoder = EntityEncoder(spec, embedding, config.lidar_filters, config.lidar_kernel)
        self.attention = PooledSelfAttention(embedding, config.attention_heads, config.attention_layer_norm)
        self.pooled_norm = nn.LayerNorm(2 * embedding) if config.layer_norm else nn.Identity()
        self.dense = nn.Linear(2 * embedding, hidden)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.dense_norm = nn.LayerNorm(hidden) if config.layer_norm else nn.Identity()
        self.lstm = LSTM(hidden, config.lstm_size)
        self.output_norm = nn.LayerNorm(config.lstm_size)

    def step(self, observation: dict[str, Tensor], state: State, resets: Tensor) -> tuple[Tensor, State]:
        """Take one step with normalised observations (N, ...): features (N, lstm_size) and the new state.

        ``resets`` (N,) is True where an episode begins: the state is zeroed before the step.
        """
        output, state = self.lstm.step(self._embed(observation), state, resets)
        return self.output_norm(output), state

    def step_by_cell(self, observation: dict[str, Tensor], state: State, resets: Tensor) -> tuple[Tensor, State]:
        """Take one step as :meth:`step` does, for several networks at a time; see ``PolicyStack``."""
        output, state = self.lstm.step_by_cell(self._embed(observation), state, resets)
        return self.output_norm(output), state

    def unroll(self, observation: dict[str, Tensor], state: State, resets: Tensor) -> Tensor:
        """Take T steps with normalised observations (T, N, ...): features (T, N, lstm_size).

        ``state`` is that before the first step; ``resets`` (T, N) as in :meth:`step`.
        """
        return self.output_norm(self.lstm.unroll(self._embed_steps(observation, resets), state, resets))

    def follow(self, observation: dict[str, Tensor], state: State, resets: Tensor) -> tuple[Tensor, State]:
        """Take T steps as :meth:`unroll` does; also return the states (T, N, lstm_size) after each of them."""
        states = self.lstm.follow(self._embed_steps(observation, resets), state, resets)
        return self.output_norm(states[0]), states

    def _embed_steps(self, observation: dict[str, Tensor], resets: Tensor) -> Tensor:
        """Return the inputs (T, N, hidden_size) of the LSTM: the encoder has no memory and sees all as one batch."""
        flat = {key: tensor.flatten(0, 1) for key, tensor in observation.items()}
        return self._embed(flat).unflatten(0, resets.shape)

    def _embed(self, observation: dict[str, Tensor]) -> Tensor:
        """Return the inputs (B, hidden_size) of the LSTM for observations with one leading dimension."""
        entities, mask = self.encoder(observation, self.suffix)
        pooled = self.attention(entities, mask)
        own = entities[:, -1]
        return self.dense_norm(self.dense(self.pooled_norm(torch.cat([own, pooled], dim=-1))).relu())
