"""What a policy sees: the names and shapes of its observation tensors.

An observation is a ``dict[str, Tensor]`` with any leading dimensions, such as (N, ...) or (T, N, ...):

    self              (..., D)      features of the agent itself
    lidar             (..., rays)   absent without lidar
    <kind>            (..., E, D)   features of the E entities of one kind: agents, boxes, ramps, food, ...
    <kind>_visible    (..., E)      bool: what the agent sees, the mask of the policy
    <kind>_present    (..., E)      bool: what exists, the mask of the omniscient critic
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

MaskSuffix = Literal["visible", "present"]
"""Which masks a network obeys: ``visible`` for the policy, ``present`` for the critic."""


@dataclass(frozen=True)
class ObservationSpec:
    """Names and sizes of the observation tensors. Plain data: it is saved with every checkpoint."""

    self_features: int
    """Number of features of the agent itself."""
    lidar_rays: int
    """Number of lidar rays; 0 means that observations have no ``lidar``."""
    entities: dict[str, tuple[int, int]]
    """For each kind of entity, its largest count E and its number of features D."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        entities = {kind: list(shape) for kind, shape in self.entities.items()}
        return {"self_features": self.self_features, "lidar_rays": self.lidar_rays, "entities": entities}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ObservationSpec:
        """Build it from what :meth:`to_dict` returned, or from an environment's ``observation_spec``."""
        entities = {kind: (int(count), int(features)) for kind, (count, features) in values["entities"].items()}
        return cls(int(values["self_features"]), int(values["lidar_rays"]), entities)

    @cached_property
    def features(self) -> dict[str, int]:
        """Number of features of every kind of input: what networks depend on, however many entities there are."""
        rays = {"lidar": self.lidar_rays} if self.lidar_rays else {}
        return {"self": self.self_features, **rays, **{kind: size for kind, (_, size) in self.entities.items()}}

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every observation tensor without its leading dimensions."""
        shapes: dict[str, tuple[int, ...]] = {"self": (self.self_features,)}
        if self.lidar_rays:
            shapes["lidar"] = (self.lidar_rays,)
        for kind, (count, features) in self.entities.items():
            shapes[kind] = (count, features)
            shapes[f"{kind}_visible"] = (count,)
            shapes[f"{kind}_present"] = (count,)
        return shapes

    @cached_property
    def masks(self) -> frozenset[str]:
        """Names of the boolean observation tensors."""
        return frozenset(f"{kind}_{suffix}" for kind in self.entities for suffix in ("visible", "present"))

    def check(self, observation: dict[str, Tensor], leading: tuple[int, ...]) -> None:
        """Check names, shapes and mask types of an observation with the given leading dimensions.

        Tensors that the specification does not name are ignored.

        Raises:
            ValueError: If a tensor is missing, or has another shape or type than expected; the message names it.
        """
        for key, shape in self.shapes.items():
            if key not in observation:
                raise ValueError(
                    f"observation lacks {key!r}: expected shape {(*leading, *shape)}, got only {sorted(observation)}"
                )
            tensor = observation[key]
            if tensor.shape != (*leading, *shape):
                raise ValueError(f"observation {key!r}: expected shape {(*leading, *shape)}, got {tuple(tensor.shape)}")
            if (tensor.dtype == torch.bool) != (key in self.masks):
                expected = "bool" if key in self.masks else "a float type"
                raise ValueError(f"observation {key!r}: expected {expected}, got {tensor.dtype}")
