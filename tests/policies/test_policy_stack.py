"""Policies that act side by side do what each does alone."""

import pytest
import torch

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.policy_stack import PolicyStack
from policies.tower import NetworkConfig

SPEC = ObservationSpec(4, 6, {"agents": (1, 5), "boxes": (3, 7)})
BINS = (5, 5, 2)
V, N, H = 3, 6, 8


def observe(*leading):
    shapes = SPEC.shapes.items()
    return {k: torch.rand(*leading, *s) < 0.5 if k in SPEC.masks else torch.randn(*leading, *s) for k, s in shapes}


@pytest.mark.parametrize("attention_layer_norm", [False, True])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_side_by_side(layer_norm, attention_layer_norm):
    torch.manual_seed(0)
    config = NetworkConfig(
        embedding_size=8,
        attention_heads=2,
        hidden_size=8,
        lstm_size=H,
        lidar_filters=2,
        layer_norm=layer_norm,
        attention_layer_norm=attention_layer_norm,
    )
    policies = [ActorCritic(SPEC, BINS, config).eval() for _ in range(V)]
    for policy in policies:
        torch.nn.init.normal_(policy.action_head.linear.weight)
        policy.observation_normalizer.update(observe(50))
    seen, memory, resets = observe(V, N), (torch.randn(V, N, H), torch.randn(V, N, H)), torch.rand(V, N) < 0.3
    stack = PolicyStack(policies)
    distribution, after = stack.step(seen, memory, resets)
    for v, policy in enumerate(policies):
        own = {key: values[v] for key, values in seen.items()}
        before = (memory[0][v], memory[1][v])
        features, expected = policy.actor.step(policy.observation_normalizer(own), before, resets[v])
        torch.testing.assert_close(distribution.log_probs[v], policy.action_head(features).log_probs)
        torch.testing.assert_close(after[0][v], expected[0])
        torch.testing.assert_close(after[1][v], expected[1])


def test_noise_of_a_sequence_is_its_own():
    """Whoever plays sequence 4 of 9 draws what it would draw among all nine."""
    from policies.heads import MultiCategorical

    torch.manual_seed(0)
    logits = torch.randn(9, 3, 5)
    everyone = MultiCategorical(logits).sample(torch.Generator().manual_seed(1))
    rows = torch.tensor([[4, 0], [8, 4]])
    some = MultiCategorical(logits[rows]).sample(torch.Generator().manual_seed(1), (rows, 9))
    assert torch.equal(some, everyone[rows])
