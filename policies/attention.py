"""Masked residual self-attention over entities, and masked average pooling (environment 8.3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def masked_mean(entities: Tensor, mask: Tensor) -> Tensor:
    """Average the entities (B, E, D) whose mask (B, E) is True; at least one must be. Returns (B, D)."""
    weights = mask.to(entities.dtype)
    return torch.einsum("be,bed->bd", weights / weights.sum(-1, keepdim=True), entities)


class PooledSelfAttention(nn.Module):
    """Residual self-attention among entities, then their masked average: (B, E, D) -> (B, D).

    Every entity is a query; only unmasked entities are keys and enter the average. All maps are linear without
    activation: the only nonlinearities are the softmax and the optional layer norm.
    """

    def __init__(self, embedding: int, heads: int, layer_norm: bool) -> None:
        super().__init__()
        if embedding % heads:
            raise ValueError(f"embedding size {embedding} is not a multiple of the {heads} attention heads")
        self.heads = heads
        self.head_size = embedding // heads
        self.query_key = nn.Linear(embedding, 2 * embedding)
        self.value = nn.Linear(embedding, embedding)
        self.output = nn.Linear(embedding, embedding)
        self.norm = nn.LayerNorm(embedding) if layer_norm else None
        for layer in (self.query_key, self.value, self.output):
            nn.init.normal_(layer.weight, std=math.sqrt(0.125 / embedding))
            nn.init.zeros_(layer.bias)

    def forward(self, entities: Tensor, mask: Tensor) -> Tensor:
        """Let the entities (B, E, D) attend to those whose mask (B, E) is True, and average these.

        At least one entity of each row must be unmasked; the agent itself always is.
        """
        if self.norm is None:
            return self._pool_first(entities, mask)
        return masked_mean(self.attend(entities, mask), mask)

    def attend(self, entities: Tensor, mask: Tensor) -> Tensor:
        """Return the entities (B, E, D) after attention, residual and layer norm."""
        query, key = self._queries_and_keys(entities)
        value = self.value(entities).unflatten(-1, (self.heads, self.head_size)).transpose(1, 2)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        result = entities + self.output(attended.transpose(1, 2).flatten(2))
        return result if self.norm is None else self.norm(result)

    def _pool_first(self, entities: Tensor, mask: Tensor) -> Tensor:
        """Return ``masked_mean(attend(entities))`` at about half its cost, for a block without layer norm.

        After the softmax everything is linear, so the average over queries can move in front of the value and output
        maps: these then run once per row instead of once per entity. Weights sum to one, so that biases stay.
        """
        weights, queries = self._pooled_weights(entities, mask)
        pooled = torch.cat([weights, queries[:, None]], dim=1) @ entities  # (B, heads + 1, D), the residual last
        value_weight = self.value.weight.view(self.heads, self.head_size, -1)
        values = torch.einsum("bhd,hkd->bhk", pooled[:, :-1], value_weight).flatten(1) + self.value.bias
        return pooled[:, -1] + self.output(values)

    def shares(self, entities: Tensor, mask: Tensor) -> Tensor:
        """Return the weight (B, E) of every entity in the average that ``forward`` returns, the mean of all heads."""
        return self._pooled_weights(entities, mask)[0].mean(1)

    def _pooled_weights(self, entities: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean attention over unmasked queries (B, heads, E), and the weight of each query (B, E)."""
        query, key = self._queries_and_keys(entities)
        logits = query @ key.transpose(-1, -2) * self.head_size**-0.5
        attention = logits.masked_fill(~mask[:, None, None], -math.inf).softmax(-1)  # (B, heads, E, E)
        queries = mask.to(entities.dtype)
        queries = queries / queries.sum(-1, keepdim=True)  # (B, E)
        return (queries[:, None, None] @ attention).squeeze(2), queries

    def _queries_and_keys(self, entities: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys, each (B, heads, E, head_size)."""
        both = self.query_key(entities).unflatten(-1, (2, self.heads, self.head_size))
        query, key = both.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key
