"""The physics contract and its engines."""

from __future__ import annotations

import importlib.util
from typing import Literal

import torch

from ..errors import UserError
from ..scene.scene import Scene
from . import forks  # noqa: F401  # From here on, forked processes are safe.
from .engine import PhysicsEngine

__all__ = ["EngineName", "PhysicsEngine", "choose_engine", "make_engine"]

EngineName = Literal["auto", "mujoco", "warp"]
"""``mujoco``: MuJoCo in C, on the CPU. ``warp``: mujoco_warp, on a GPU or, slowly, on the CPU. ``auto``: by the
device."""


def choose_engine(engine: EngineName, device: str | torch.device) -> EngineName:
    """Return the engine that a name means on a device: ``auto`` is warp on cuda and mujoco on the cpu."""
    if engine != "auto":
        return engine
    return "warp" if torch.device(device).type == "cuda" else "mujoco"


def make_engine(
    scene: Scene, num_worlds: int, device: str | torch.device, threads: int = 0, engine: EngineName = "auto"
) -> PhysicsEngine:
    """Return an engine of ``num_worlds`` worlds.

    Args:
      scene: what the worlds are.
      num_worlds: W.
      device: ``cpu`` or ``cuda``.
      threads: of the mujoco engine; 0 uses all cores.
      engine: see ``choose_engine``.

    Raises:
      UserError: the engine does not run on the device, is not installed or finds too little memory; or no worlds.
    """
    if num_worlds < 1:
        raise UserError(f"num_worlds is {num_worlds}; it must be at least 1")
    kind = torch.device(device).type
    if kind not in ("cpu", "cuda"):
        raise UserError(f"device '{device}' is not supported; use 'cpu' or 'cuda'")
    if engine not in ("auto", "mujoco", "warp"):
        raise UserError(f"unknown engine '{engine}'; use auto, mujoco or warp")
    if choose_engine(engine, device) == "warp":
        if kind == "cuda" and not torch.cuda.is_available():
            raise UserError(f"device '{device}' asked for, but torch finds no CUDA GPU; use device 'cpu'")
        for package in ("warp", "mujoco_warp"):
            if importlib.util.find_spec(package) is None:
                raise UserError("the warp engine needs mujoco_warp; install it with: pip install 'hideseek[gpu]'")
        from .gpu import WarpEngine

        return WarpEngine(scene, num_worlds, device)
    if kind != "cpu":
        raise UserError(f"the mujoco engine does not run on '{device}'; use engine 'warp', or device 'cpu'")
    from .cpu import CpuEngine

    return CpuEngine(scene, num_worlds, threads)
