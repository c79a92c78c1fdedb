"""Masked residual self-attention over entities, and masked average pooling (environment 8.3)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def masked_mean(entities: Tensor, mask: Tensor) -> Tensor:
    """Average the entities (B, E, D) whose mask (B, E) is True; at least one must be. Returns (B, D)."""
    weights = mask.to(entities.dtype)
    return torch.einsum("be,bed->bd", weights / weights.sum(-1, keepdim=True), entities)


def attention_weights(query_key: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Return the weights (B, heads, E, E) of keys (last) for queries: the softmax over keys of their scaled products.

    An agent sees few entities, and torch's softmax and fused attention treat each short row by itself: with 7 entities
    and 4 heads of 16 features, half of the tower's time. Here every operation runs over all rows at once.

    Args:
        query_key: Queries and keys side by side, (B, E, 2 D).
        mask: True (B, E) for entities that may be keys.
        heads: How many.
    """
    if torch.is_grad_enabled():
        weights: Tensor = _AttentionWeights.apply(query_key, mask, heads)
        return weights
    query, key = _by_head(query_key, heads)
    return _weigh(query, key, mask, heads).unflatten(0, (-1, heads))


def _by_head(query_key: Tensor, heads: int) -> Tensor:
    """Return queries and keys (2, B heads, E, head size)."""
    return query_key.unflatten(-1, (2, heads, -1)).permute(2, 0, 3, 1, 4).flatten(1, 2)


def _weigh(query: Tensor, key: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Return the weights (B heads, E, E)."""
    masked = torch.zeros_like(mask, dtype=query.dtype).masked_fill(~mask, -math.inf)
    masked = masked[:, None].expand(-1, heads, -1).flatten(0, 1)[:, None]
    weights = torch.baddbmm(masked, query, key.transpose(1, 2), alpha=key.shape[-1] ** -0.5).float()
    weights = weights.sub_(weights.amax(-1, keepdim=True)).exp_()
    return weights.div_(weights.sum(-1, keepdim=True))


class _AttentionWeights(torch.autograd.Function):
    """Attention weights with a backward pass of their own."""

    @staticmethod
    def forward(ctx: Any, query_key: Tensor, mask: Tensor, heads: int) -> Tensor:
        """Return the weights (B, heads, E, E)."""
        both = _by_head(query_key, heads)
        query, key = both
        weights = _weigh(query, key, mask, heads)
        ctx.save_for_backward(both, weights)
        return weights.unflatten(0, (-1, heads))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of queries and keys, (B, E, 2 D)."""
        both, weights = ctx.saved_tensors
        batch, heads, entities, _ = gradients[0].shape
        query, key = both.unbind(0)
        weighted = weights * gradients[0].reshape_as(weights)
        logits = torch.addcmul(weighted, weights, weighted.sum(-1, keepdim=True), value=-1).mul_(key.shape[-1] ** -0.5)
        logits = logits.to(both.dtype)
        result = torch.stack([logits @ key, logits.transpose(1, 2) @ query])
        result = result.view(2, batch, heads, entities, both.shape[-1]).permute(1, 3, 0, 2, 4)
        return result.flatten(2), None, None


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
        value = self.value(entities).unflatten(-1, (self.heads, self.head_size)).transpose(1, 2)
        attended = self._weights(entities, mask) @ value
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
        queries = mask.to(entities.dtype)
        queries = queries / queries.sum(-1, keepdim=True)  # (B, E)
        return (self._weights(entities, mask) * queries[:, None, :, None]).sum(2), queries

    def _weights(self, entities: Tensor, mask: Tensor) -> Tensor:
        """Return the weights (B, heads, E, E) of unmasked keys (last) for each query."""
        return attention_weights(self.query_key(entities), mask, self.heads)
