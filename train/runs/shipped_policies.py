"""The trained policies that come with the project: a small checkpoint and a card for each, found by name alone.

Such a file is a checkpoint with nothing but the policy, in half precision where that plays as well: enough to play and
to start a run from, not to resume one.
"""

from __future__ import annotations

from pathlib import Path

import torch

import assets
from envs.errors import UserError, did_you_mean

from .checkpoints import Checkpoint, save_checkpoint

FOLDER = Path(assets.__file__).parent / "policies"
"""``<name>.safetensors``, and the card ``<name>.md``, whose first lines are a title and what the policy does."""
_SUFFIX = ".safetensors"


def shipped_policies() -> dict[str, Path]:
    """Return the files by name."""
    return {file.name.removesuffix(_SUFFIX): file for file in sorted(FOLDER.glob(f"*{_SUFFIX}"))}


def find_shipped(path: Path) -> Path:
    """Return the file of the policy of this name; the path itself if there is none, or if something lies there."""
    return path if path.exists() else shipped_policies().get(str(path), path)


def find_run(path: Path) -> Path:
    """Return the file of the shipped policy of this name, or the path of a run or file of somebody's own.

    Raises:
      UserError: neither is there; a shipped policy of nearly that name is suggested.
    """
    found = find_shipped(path)
    if not found.exists():
        raise UserError(f"no run or checkpoint at {path}{did_you_mean(str(path), shipped_policies())}")
    return found


def card_line(file: Path) -> str:
    """Return in a line what a shipped policy does: the first one under its card's title; empty without a card."""
    card = file.with_suffix(".md")
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    return next((line for line in lines if line and not line.startswith("#")), "")


def ship(checkpoint: Checkpoint, path: Path, half: bool = True) -> None:
    """Write the policy of a checkpoint alone.

    Args:
      checkpoint: any.
      path: the file.
      half: weights as float16; statistics of normalisers stay as they are.

    Raises:
      UserError: it cannot be written.
    """
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if name.startswith("policy.")}
    if half:
        tensors = {name: tensor if _is_statistic(name) else _halved(tensor) for name, tensor in tensors.items()}
    save_checkpoint(path, Checkpoint(tensors, checkpoint.metadata))


def full_precision(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint with float32 in place of float16."""
    tensors = {n: t.float() if t.dtype == torch.float16 else t for n, t in checkpoint.tensors.items()}
    return Checkpoint(tensors, checkpoint.metadata)


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.dtype == torch.float32 else tensor


def _is_statistic(name: str) -> bool:
    return "normalizer" in name
