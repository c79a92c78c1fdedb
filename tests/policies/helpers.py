"""Small observations and networks for the tests of policies."""

from __future__ import annotations

import torch
from torch import Tensor

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig

SPEC = ObservationSpec(11, 30, {"agents": (1, 11), "boxes": (3, 13), "ramps": (2, 10)})
BINS = (11, 11, 11, 2, 2)
SMALL = NetworkConfig(embedding_size=16, attention_heads=2, hidden_size=24, lstm_size=20)


def random_observation(*leading: int, spec: ObservationSpec = SPEC) -> dict[str, Tensor]:
    """Return an observation of random features and masks; visible entities are present."""
    observation = {key: torch.randn(*leading, *shape) for key, shape in spec.shapes.items() if key not in spec.masks}
    for kind, (count, _) in spec.entities.items():
        present = torch.rand(*leading, count) < 0.8
        observation[f"{kind}_present"] = present
        observation[f"{kind}_visible"] = present & (torch.rand(*leading, count) < 0.6)
    return observation


def small_policy(seed: int = 0, config: NetworkConfig = SMALL) -> ActorCritic:
    """Return a small policy whose actions are far from uniform, so that differences show."""
    torch.manual_seed(seed)
    policy = ActorCritic(SPEC, BINS, config)
    torch.nn.init.normal_(policy.action_head.linear.weight, std=0.5)
    return policy


def mark(policy: ActorCritic, bin_: int) -> ActorCritic:
    """Make a policy say who it is: its first action is always the given bin."""
    head = policy.action_head.linear
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        head.bias[bin_] = 100.0
    return policy
