"""Tensors of several groups in one dictionary, by names such as ``grabs.yaw``."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def join_groups(**groups: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return all tensors, with the name of their group and a point before their own."""
    return {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}


def group(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return copies of the tensors of a group, by their own names."""
    start = f"{name}."
    return {key.removeprefix(start): tensor.clone() for key, tensor in tensors.items() if key.startswith(start)}
