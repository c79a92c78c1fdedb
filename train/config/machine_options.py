"""Where a command's worlds and networks live."""

from __future__ import annotations

from dataclasses import dataclass

from envs.options.ranges import Threads
from envs.physics import EngineName


@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """Device and physics engine."""

    device: str = "cpu"
    """cpu, cuda, or auto: cuda where there is a GPU."""
    engine: EngineName = "auto"
    """Physics: mujoco (on the CPU), warp (on a GPU or, slowly, on the CPU), or auto: warp on cuda, else mujoco."""


@dataclass(frozen=True, kw_only=True)
class MachineOptions(DeviceOptions):
    """Device, physics engine and threads."""

    threads: Threads = 0
    """Physics threads; 0 uses all cores. Results do not depend on it."""
