"""Devices and threads: where tensors live and how many cores work on them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from envs.errors import UserError


def resolve_device(name: str) -> torch.device:
    """Return the device called ``cpu``, ``cuda`` or ``cuda:1``; ``auto`` is cuda where there is a GPU, else cpu.

    Raises:
      UserError: unknown name, or no such GPU.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"unknown device '{name}'; use auto, cpu or cuda") from None
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"device '{name}' is not supported; use auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device '{name}' asked for, but torch {torch.__version__} finds no CUDA GPU; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device '{name}' asked for, but there are only {torch.cuda.device_count()} CUDA GPUs")
    return device


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Let tensor operations use so many cores while the context lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
