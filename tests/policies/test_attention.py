"""Attention and pooling against a slow computation, one entity at a time, as in environment 8.3."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from policies.attention import PooledSelfAttention, masked_mean


def slow_attention(block: PooledSelfAttention, entities: Tensor, mask: Tensor) -> Tensor:
    """Attend with loops over rows, heads and queries; explicit exponentials as in the original."""
    size, result = block.head_size, torch.empty_like(entities)
    for row in range(len(entities)):
        query, key = block.query_key(entities[row]).chunk(2, dim=-1)
        value = block.value(entities[row])
        for position in range(entities.shape[1]):
            heads = []
            for head in range(block.heads):
                part = slice(head * size, (head + 1) * size)
                logits = key[:, part] @ query[position, part] / size**0.5
                logits = logits - 1e10 * (~mask[row])
                weights = (logits - logits.max()).exp() * mask[row]
                weights = weights / (weights.sum() + 1e-10)
                heads.append(weights @ value[:, part])
            result[row, position] = entities[row, position] + block.output(torch.cat(heads))
    return result if block.norm is None else block.norm(result)


def sharp_block(layer_norm: bool) -> PooledSelfAttention:
    """Return a block with large weights and biases, so that attention is far from uniform."""
    torch.manual_seed(0)
    block = PooledSelfAttention(16, 4, layer_norm)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return block


@pytest.mark.parametrize("layer_norm", [False, True])
@torch.no_grad()
def test_attention_and_pooling_equal_the_slow_computation(layer_norm: bool):
    block, entities, mask = sharp_block(layer_norm), torch.randn(6, 5, 16), torch.rand(6, 5) < 0.5
    mask[:, -1] = True
    expected = slow_attention(block, entities, mask)
    torch.testing.assert_close(block.attend(entities, mask), expected, atol=1e-5, rtol=1e-5)
    pooled = (expected * mask.unsqueeze(-1)).sum(1) / (mask.sum(1, keepdim=True) + 1e-5)  # the original's epsilon
    torch.testing.assert_close(block(entities, mask), pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(block(entities, mask), masked_mean(expected, mask), atol=1e-5, rtol=1e-5)


def test_pooling_first_gives_the_same_gradients():
    block, entities, mask = sharp_block(False), torch.randn(6, 5, 16), torch.rand(6, 5) < 0.5
    mask[:, -1] = True
    goal = torch.randn(6, 16)
    fast = torch.autograd.grad((block(entities, mask) * goal).sum(), list(block.parameters()))
    slow = torch.autograd.grad((masked_mean(block.attend(entities, mask), mask) * goal).sum(), list(block.parameters()))
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("layer_norm", [False, True])
@torch.no_grad()
def test_order_of_entities_does_not_matter(layer_norm: bool):
    block, entities, mask = sharp_block(layer_norm), torch.randn(6, 5, 16), torch.ones(6, 5, dtype=torch.bool)
    mask[:, 0] = False
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(block(entities, mask), block(entities[:, order], mask[:, order]), atol=1e-5, rtol=1e-5)


def test_masked_mean_hand_computed():
    entities = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    mean = masked_mean(entities, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(mean, torch.tensor([[2.0, 4.0]]))


def test_impossible_heads_are_refused():
    with pytest.raises(ValueError, match="not a multiple"):
        PooledSelfAttention(16, 3, False)
