"""Train one agent with the PPO of Stable-Baselines3, through the Gymnasium vector interface alone.

Usage: python examples/stable_baselines3_ppo.py [SCENARIO] [--steps N] [--worlds W] [--option horizon=80 ...]

Without a scenario it learns to find and lock a box in a small empty arena: about two minutes on two cores, from a
return of 1 to one of 6, of which the lock is 5.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

from envs.adapters.gymnasium_env import HideSeekVectorEnv

SMALL_TASK: dict[str, Any] = {
    "scenario": "lock-and-return",
    "layout": "empty",
    "floor_size": 4.0,
    "horizon": 80,
    "heading_features": "cos_sin",
}
"""What is learned without a scenario."""


class Worlds(VecEnv):
    """A Gymnasium vector environment that restarts episodes in the same step, as Stable-Baselines3 wants it."""

    def __init__(self, env: HideSeekVectorEnv, seed: int) -> None:
        self._env = env
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._seed: int | None = seed

    def reset(self) -> dict[str, NDArray[Any]]:
        """Start an episode in every world."""
        observation, _ = self._env.reset(seed=self._seed)
        self._seed = None
        return observation

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Remember the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        """Make the step."""
        observation, rewards, terminated, truncated, infos = self._env.step(self._actions)
        ended = terminated | truncated
        each: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.nonzero(ended)[0]:
            each[row] = {"terminal_observation": infos["final_obs"][row], "TimeLimit.truncated": bool(truncated[row])}
        return observation, rewards, ended, each

    def close(self) -> None:
        """Free the worlds."""
        self._env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, once per world."""
        return [getattr(self._env, attr_name, None)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not needed for training."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Not needed for training."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Nothing is."""
        return [False] * self.num_envs


class Returns(BaseCallback):
    """Keeps and prints the mean return of the last episodes after every rollout."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        episodes = self.model.ep_info_buffer
        if episodes:
            self.means.append(float(np.mean([episode["r"] for episode in episodes])))
            print(f"{self.num_timesteps:>9,} env steps: mean return {self.means[-1]:8.2f}", flush=True)


def train(scenario: str, steps: int, worlds: int = 64, seed: int = 0, **options: Any) -> list[float]:
    """Train and return the mean episode return after every rollout.

    Args:
      scenario: name of one with a single agent.
      steps: env steps.
      worlds: how many learn at once.
      seed: decides everything.
      options: fields of the scenario to replace.
    """
    torch.set_num_threads(1)
    env = HideSeekVectorEnv(scenario, num_envs=worlds, **options)
    features = [name for name, space in env.single_observation_space.spaces.items() if isinstance(space, spaces.Box)]
    scaled = VecNormalize(VecMonitor(Worlds(env, seed)), norm_obs_keys=features)
    returns = Returns()
    model = PPO(
        "MultiInputPolicy",
        scaled,
        learning_rate=5e-4,
        n_steps=80,
        batch_size=1280,
        n_epochs=6,
        ent_coef=0.01,
        policy_kwargs={"net_arch": [128, 128]},
        stats_window_size=2 * worlds,
        seed=seed,
        device="cpu",
    )
    model.learn(steps, callback=returns)
    scaled.close()
    return returns.means


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--worlds", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--option", action="append", default=[], metavar="FIELD=VALUE", help="change the scenario")
    given = parser.parse_args(arguments)
    pairs = [option.partition("=") for option in given.option]
    task = {"scenario": given.scenario} if given.scenario else SMALL_TASK
    options = task | {field: ast.literal_eval(value) for field, _, value in pairs}
    train(steps=given.steps, worlds=given.worlds, seed=given.seed, **options)


if __name__ == "__main__":
    main()
