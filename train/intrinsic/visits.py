"""A table of visits: how often each code has been seen, in a fixed amount of memory."""

from __future__ import annotations

import torch
from torch import Tensor

from ..support.ranks import Ranks

_GOLDEN = -7046029254386353131  # 2**64 divided by the golden ratio, odd, as int64: multiplying by it mixes the bits.


class Visits:
    """Counts in ``2 ** bits`` slots, by multiplicative hashing of the code (Knuth, volume 3).

    Codes that fall into the same slot share its count. With n codes in m slots a new one does so with chance 1 - exp(-n
    / m).
    """

    def __init__(self, bits: int, device: torch.device | str, ranks: Ranks | None = None) -> None:
        self._shift, self._mask = 64 - bits, (1 << bits) - 1
        self._ranks = ranks or Ranks()
        self.counts = torch.zeros(1 << bits, dtype=torch.int64, device=device)
        """Visits by slot."""

    def slots(self, codes: Tensor) -> Tensor:
        """Return the slots of codes (...), int64."""
        return ((codes * _GOLDEN) >> self._shift) & self._mask

    def add(self, codes: Tensor, counted: Tensor) -> Tensor:
        """Count one visit to each code (...) where ``counted`` (...) is True, in all processes.

        Returns:
          Each code's visits (...), these included.
        """
        slots = self.slots(codes)
        visits = torch.zeros_like(self.counts).index_add_(0, slots.flatten(), counted.long().flatten())
        self.counts += self._ranks.add_up(visits)
        return self.counts[slots]

    @property
    def occupied(self) -> int:
        """Number of slots with visits: at most the number of different codes so far."""
        return int(self.counts.count_nonzero())

    def tensors(self) -> dict[str, Tensor]:
        """Return what has been counted: ``slots`` and their ``counts``."""
        slots = self.counts.nonzero()[:, 0]
        return {"slots": slots, "counts": self.counts[slots]}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what ``tensors`` returned, for a table of the same size."""
        self.counts.zero_()
        self.counts[tensors["slots"].to(self.counts.device)] = tensors["counts"].to(self.counts.device)
