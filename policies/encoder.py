"""From observation tensors to one embedding per entity (environment 8.2, layers 1 to 8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .observation import MaskSuffix, ObservationSpec


class CircularConv(nn.Module):
    """One-dimensional convolution on a ring of lidar rays, with relu; (B, rays) -> (B, filters * rays)."""

    def __init__(self, filters: int, kernel: int) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"lidar kernel must be odd to keep the number of rays, got {kernel}")
        self.kernel = kernel
        self.weight = nn.Parameter(torch.empty(filters, 1, kernel))
        self.bias = nn.Parameter(torch.zeros(filters))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, lidar: Tensor) -> Tensor:
        """Return the features of every ray, flattened."""
        margin = self.kernel // 2
        ring = F.pad(lidar.unsqueeze(1), (margin, margin), mode="circular")
        return F.conv1d(ring, self.weight, self.bias).relu().flatten(1)


class EntityEncoder(nn.Module):
    """Embed the agent itself and every entity; each embedding knows the agent's own features and its lidar.

    The original concatenates x_self (own features and lidar features) onto each entity before the dense layer of its
    kind. The same numbers come cheaper as ``W_self x_self + W_entity x_entity``: x_self passes the dense layers once
    instead of once per entity, in a single product for all kinds.
    """

    def __init__(self, spec: ObservationSpec, embedding: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.kinds = list(spec.entities)
        self.embedding = embedding
        own = spec.self_features
        self.lidar_conv: CircularConv | None = None
        if spec.lidar_rays:
            self.lidar_conv = CircularConv(filters, kernel)
            own += filters * spec.lidar_rays

        # One dense layer of the original per kind, on (x_self, x_entity), its columns split over two modules. The rows
        # of own_dense hold the kinds in the order of `kinds`, then the agent itself, which has no second part.
        self.own_dense = nn.Linear(own, embedding * (len(self.kinds) + 1))
        self.entity_dense = nn.ModuleDict()
        nn.init.zeros_(self.own_dense.bias)
        *own_blocks, self_block = self.own_dense.weight.detach().split(embedding)
        nn.init.xavier_uniform_(self_block)
        for own_block, (kind, (_, features)) in zip(own_blocks, spec.entities.items(), strict=True):
            whole = nn.init.xavier_uniform_(torch.empty(embedding, own + features))
            entity_dense = nn.Linear(features, embedding, bias=False)
            own_block.copy_(whole[:, :own])
            entity_dense.weight.detach().copy_(whole[:, own:])
            self.entity_dense[f"of_{kind}"] = entity_dense

    def forward(self, observation: dict[str, Tensor], suffix: MaskSuffix) -> tuple[Tensor, Tensor]:
        """Embed normalised observations with one leading dimension B.

        Returns:
            Embeddings (B, E + 1, embedding) of all entities with the agent itself as the last one, and their mask
            (B, E + 1), in which the agent itself is always True.
        """
        own = observation["self"]
        if self.lidar_conv is not None:
            own = torch.cat([own, self.lidar_conv(observation["lidar"])], dim=-1)
        *shares, self_share = self.own_dense(own).unsqueeze(1).split(self.embedding, dim=-1)
        parts = [
            self.entity_dense[f"of_{kind}"](observation[kind]) + share
            for kind, share in zip(self.kinds, shares, strict=True)
        ]
        embeddings = torch.cat([*parts, self_share], dim=1).relu()
        visible = [observation[f"{kind}_{suffix}"] for kind in self.kinds]
        mask = torch.cat([*visible, torch.ones_like(embeddings[:, :1, 0], dtype=torch.bool)], dim=1)
        return embeddings, mask
