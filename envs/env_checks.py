"""Whether an environment keeps its word: shapes, types, masks and finite numbers of everything that a step returns.

For tests of scenarios, also of those that are registered from outside the package.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .batch_env import BatchEnv, StepResult
from .observations import Observation


def random_actions(env: BatchEnv, generator: torch.Generator) -> Tensor:
    """Draw (W, A, K) actions, each bin equally likely."""
    shape = (env.num_worlds, env.num_agents)
    bins = [torch.randint(n, shape, generator=generator) for n in env.action_bins]
    return torch.stack(bins, dim=-1).to(env.device)


def play_randomly(env: BatchEnv, steps: int, seed: int = 0) -> None:
    """Reset, step with random actions and check every step.

    Raises:
      AssertionError: says what does not hold.
      UserError: physics dropped contacts or constraints.
    """
    generator = torch.Generator().manual_seed(seed)
    check_observation(env, env.reset())
    for _ in range(steps):
        check_step(env, env.step(random_actions(env, generator)))
    env.engine.check_overflow()


def check_step(env: BatchEnv, result: StepResult) -> None:
    """Check what ``step`` returned, before the next call.

    Raises:
      AssertionError: says what does not hold.
    """
    worlds, agents = env.num_worlds, env.num_agents
    check_observation(env, result.obs)
    _check_tensor("reward", result.reward, (worlds, agents), torch.float32)
    for name in ("done", "live", "hiders_seen"):
        _check_tensor(name, getattr(result, name), (worlds,), torch.bool)
    absent = ~env.present_agents & ~result.done[:, None]
    _require(not result.reward[absent].any(), "an absent agent has a reward")
    _require(bool((env.frozen_agents | env.present_agents).all()), "an absent agent is not frozen")
    ended = int(result.done.sum())
    for name, values in result.statistics.items():
        _require(values.ndim == 1 and len(values) <= ended, f"statistic {name} has shape {tuple(values.shape)}")
        _check_tensor(f"statistic {name}", values, tuple(values.shape), torch.float32)


def check_observation(env: BatchEnv, observation: Observation) -> None:
    """Check an observation of the present state against the environment's specification.

    Raises:
      AssertionError: says what does not hold.
    """
    spec, leading = env.observation_spec, (env.num_worlds, env.num_agents)
    shapes: dict[str, tuple[int, ...]] = {"self": (spec["self_features"],)}
    if spec["lidar_rays"]:
        shapes["lidar"] = (spec["lidar_rays"],)
        _require(bool((observation["lidar"] >= 0).all()), "lidar is negative")
    masks: dict[str, tuple[int, ...]] = {}
    for kind, (number, features) in spec["entities"].items():
        shapes[kind] = (number, features)
        masks[f"{kind}_visible"] = masks[f"{kind}_present"] = (number,)
    names = shapes.keys() | masks.keys()
    _require(observation.keys() == names, f"observation has {sorted(observation)}, the specification {sorted(names)}")
    for name, shape in shapes.items():
        _check_tensor(name, observation[name], (*leading, *shape), torch.float32)
    for name, shape in masks.items():
        _check_tensor(name, observation[name], (*leading, *shape), torch.bool)
    for kind in spec["entities"]:
        ghosts = observation[f"{kind}_visible"] & ~observation[f"{kind}_present"]
        _require(not ghosts.any(), f"{kind}: something absent is visible")
    _require(not observation["self"][~env.present_agents].any(), "an absent agent has features")


def _check_tensor(name: str, value: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    _require(tuple(value.shape) == shape, f"{name} has shape {tuple(value.shape)}, not {shape}")
    _require(value.dtype == dtype, f"{name} is {value.dtype}, not {dtype}")
    if dtype.is_floating_point:
        _require(bool(value.isfinite().all()), f"{name} holds numbers that are not finite")


def _require(passed: bool, message: str) -> None:
    if not passed:
        raise AssertionError(message)
