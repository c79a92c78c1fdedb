"""Codes of sets of objects: close sets have the same code or nearly the same, and the order of objects has no effect.

Every object is embedded by random Fourier features, cos(frequency . x + phase) (Rahimi and Recht, 2007), which are
added up over the objects: the kernel mean embedding of the set. The signs of the sums are the code (Raginsky and
Lazebnik, 2009, for single points), as SimHash in count-based exploration (Tang et al., 2017), without a grid whose
borders matter.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .states import Objects

_STEPS = 1 << 20  # A feature is rounded to a whole number of these, so that no order of addition changes a sum.


class SetHash(nn.Module):
    """Random features of each kind of object, fixed by a seed.

    Frequencies are normal with a deviation of 1 / (resolution * sqrt(D)): objects count as different when their D
    features differ by ``resolution`` in the root mean square. So a rich description is not finer for having many
    features.

    Args:
      sizes: kind -> D.
      bits: bits of a code, at most 62.
      resolution: length scale of all features, in their own units.
      seed: of frequencies and phases.
    """

    def __init__(self, sizes: dict[str, int], bits: int, resolution: float, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for kind, size in sizes.items():
            frequencies = torch.randn(size, bits, generator=generator) / (resolution * math.sqrt(size))
            self.register_buffer(f"frequencies_{kind}", frequencies)
            self.register_buffer(f"phases_{kind}", 2 * math.pi * torch.rand(bits, generator=generator))
        self.register_buffer("powers", 2 ** torch.arange(bits), persistent=False)

    def forward(self, objects: Objects) -> Tensor:
        """Return the codes (W,) int64, from 0 on, of W sets."""
        sums = torch.stack([self._embed(kind, *given) for kind, given in objects.items()])
        return ((sums.sum(0) > 0) * self.get_buffer("powers")).sum(1)

    def _embed(self, kind: str, features: Tensor, there: Tensor) -> Tensor:
        """Return the sums (W, bits) int64 of the random features of objects (W, n, D)."""
        phase = features @ self.get_buffer(f"frequencies_{kind}") + self.get_buffer(f"phases_{kind}")
        return (phase.cos() * there[..., None] * _STEPS).round().long().sum(1)
