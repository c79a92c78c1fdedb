"""The two networks of random network distillation."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from policies.observation import ObservationSpec

from .states import entity_kinds


def flatten_observation(observation: dict[str, Tensor]) -> Tensor:
    """Return observations (..., ...) as vectors (..., D): all features in a fixed order, zeros for what is not seen."""
    kinds = entity_kinds(observation)
    parts = [observation["self"], *([observation["lidar"]] if "lidar" in observation else [])]
    for kind in kinds:
        visible = observation[f"{kind}_visible"]
        parts += [(observation[kind] * visible[..., None]).flatten(-2), visible.to(observation[kind].dtype)]
    return torch.cat(parts, dim=-1)


def flat_size(spec: ObservationSpec) -> int:
    """Return D of ``flatten_observation``."""
    return spec.self_features + spec.lidar_rays + sum(number * (size + 1) for number, size in spec.entities.values())


class DistillationNetworks(nn.Module):
    """A random network that stays as it is, and a deeper one that learns to predict its outputs (Burda et al., 2018).

    Args:
      inputs: D.
      hidden: units of hidden layers.
      features: outputs.
      generator: source of the initial weights.
    """

    def __init__(self, inputs: int, hidden: int, features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.target = _mlp([inputs, hidden, features], generator).requires_grad_(False)
        self.predictor = _mlp([inputs, hidden, hidden, features], generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the mean squared error of the prediction for inputs (..., D): (...)."""
        return (self.predictor(inputs) - self.target(inputs)).square().mean(-1)


def _mlp(sizes: list[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with rectifiers between them; orthogonal weights, no initial bias."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layer = nn.Linear(inputs, outputs)
        nn.init.orthogonal_(layer.weight, 2**0.5, generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
