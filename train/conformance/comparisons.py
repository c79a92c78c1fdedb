"""One compared quantity, and how it is compared."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

FEATURE_TOLERANCE = 1e-4  # Metres, radians, metres per second.


@dataclass
class Check:
    """One quantity of one recording."""

    quantity: str
    compared: int
    """Numbers compared."""
    agreement: float
    """Share that agrees within the tolerance."""
    required: float
    """Share that must agree."""
    worst: float
    """Largest difference."""
    left_out: int = 0
    """Numbers that cannot be compared."""

    @property
    def passed(self) -> bool:
        """Whether enough numbers agree."""
        return self.compared == 0 or self.agreement >= self.required


def close(
    quantity: str,
    ours: Tensor,
    theirs: Tensor,
    tolerance: float = FEATURE_TOLERANCE,
    required: float = 1.0,
    keep: Tensor | None = None,
) -> Check:
    """Compare numbers within a tolerance, only those that a mask keeps."""
    difference, left_out = (ours - theirs).abs(), 0
    if keep is not None:
        difference, left_out = difference[keep], int((~keep).sum())
    agreement = (difference <= tolerance).double().mean().item() if difference.numel() else 1.0
    worst = difference.max().item() if difference.numel() else 0.0
    return Check(quantity, difference.numel(), agreement, required, worst, left_out)


def equal(quantity: str, ours: Tensor, theirs: Tensor, required: float, keep: Tensor | None = None) -> Check:
    """Compare decisions, only those that a mask keeps."""
    same = ours == theirs
    left_out = 0
    if keep is not None:
        same, left_out = same[keep], int((~keep).sum())
    agreement = same.double().mean().item() if same.numel() else 1.0
    return Check(quantity, same.numel(), agreement, required, float(not same.all()), left_out)
