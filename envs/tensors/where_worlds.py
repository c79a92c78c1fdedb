"""Writing to some of W worlds without asking which: a choice per world in operations of fixed shape.

On a GPU an index of the chosen worlds would have a size that the host has to wait for.
"""

from __future__ import annotations

import torch
from torch import Tensor


def where_worlds(chosen: Tensor, new: Tensor | float, old: Tensor) -> Tensor:
    """Return new values in the chosen worlds and old ones in the others.

    Args:
      chosen: (W,) bool.
      new: (W, ...), something that broadcasts to it, or one number.
      old: (W, ...).
    """
    if not isinstance(new, Tensor):
        new = torch.full((), new, dtype=old.dtype, device=old.device)
    return torch.where(chosen.view(-1, *[1] * (old.ndim - 1)), new.to(old.dtype), old)
