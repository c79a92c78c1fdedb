"""Where the time of one step of all worlds goes, and how much memory it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from ..trainer import Trainer

PARTS = {
    "physics": "all substeps",
    "rays": "lidar, lines of sight, food",
    "observations": "features and masks",
    "rules": "grabs, locks, rewards, resets, layouts",
    "policy": "the policy and its critic acting",
    "rest": "storing the rollout, the league, statistics",
    "learning": "the update, divided by the steps of a rollout",
}
"""What is told apart, in the order of a step."""


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done what was queued; nothing on the CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_parts(trainer: Trainer, iterations: int = 1) -> dict[str, float]:
    """Return milliseconds per step of all worlds by part, over some iterations of training.

    A GPU is waited for before and after every part, so the sum is more than a step takes when nothing waits.
    """
    seconds: dict[str, float] = {}
    device, env = trainer.env.device, trainer.env

    def timed(part: str, work: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            synchronize(device)
            start = time.perf_counter()
            result = work(*args, **kwargs)
            synchronize(device)
            seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - start
            return result

        return call

    watched: list[tuple[Any, str, str]] = [
        (env.engine, "step", "physics"),
        (env.engine, "rays", "rays"),
        (env._worlds, "observe", "observations"),
        (env, "advance", "environment"),
        (env, "conclude", "environment"),
        (trainer.policy, "act", "policy"),
        (trainer.critic_pass, "follow", "policy"),
        (trainer, "collect", "rollout"),
        (trainer.learners, "update", "learning"),
    ]
    for owner, name, part in watched:
        setattr(owner, name, timed(part, getattr(owner, name)))
    try:
        for _ in range(iterations):
            trainer.iterate()
    finally:
        for owner, name, _ in watched:
            delattr(owner, name)  # The method of the class is found again.
    return split(seconds, iterations * trainer.config.ppo.rollout_steps)


def split(seconds: dict[str, float], steps: int) -> dict[str, float]:
    """Return milliseconds per step by part from seconds of nested parts: what is left of each is a part of its own."""
    physics, rays, observations = (seconds.get(part, 0.0) for part in ("physics", "rays", "observations"))
    environment, policy = seconds.get("environment", 0.0), seconds.get("policy", 0.0)
    parts = {
        "physics": physics,
        "rays": rays,
        "observations": observations,
        "rules": environment - physics - rays - observations,
        "policy": policy,
        "rest": seconds.get("rollout", 0.0) - environment - policy,
        "learning": seconds.get("learning", 0.0),
    }
    return {part: 1000 * value / steps for part, value in parts.items()}


def reset_peak_memory(device: torch.device) -> None:
    """Forget earlier peaks of a GPU's memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> dict[str, int] | None:
    """Return the bytes of a GPU that torch held at most, and that are in use now, physics included; None on the CPU."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return {"torch_peak_bytes": torch.cuda.max_memory_allocated(device), "in_use_bytes": total - free}
