"""The physics contract and its engines."""

from __future__ import annotations

import torch

from ..errors import UserError
from ..scene import Scene
from .engine import PhysicsEngine

__all__ = ["PhysicsEngine", "make_engine"]


def make_engine(scene: Scene, num_worlds: int, device: str | torch.device, threads: int = 0) -> PhysicsEngine:
    """Return the engine of a device: mujoco.batch on the CPU.

    Raises:
      UserError: the device is not supported, or there are no worlds.
    """
    if num_worlds < 1:
        raise UserError(f"num_worlds is {num_worlds}; it must be at least 1")
    if torch.device(device).type != "cpu":
        raise UserError(f"device '{device}' is not supported by a physics engine yet; use 'cpu'")
    from .cpu import CpuEngine

    return CpuEngine(scene, num_worlds, threads)
