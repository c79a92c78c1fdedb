"""Roll out whole episodes of hide-and-seek with TorchRL, through its PettingZoo wrapper.

Usage: python examples/torchrl_rollout.py [SCENARIO] [--episodes N] [--seed S]

Every team is a group of a TensorDict, in which a policy of TorchRL would take the place of random play.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from torchrl.envs import PettingZooWrapper, check_env_specs

from envs.adapters.pettingzoo_env import parallel_env


def returns(scenario: str, episodes: int, seed: int = 0) -> dict[str, list[float]]:
    """Play randomly and return the mean return of a team's members in every episode: team -> (episodes,).

    Args:
      scenario: name of one whose team sizes do not vary, which the wrapper asks for.
      episodes: how many to play.
      seed: decides everything.
    """
    env = PettingZooWrapper(parallel_env(scenario=scenario))
    check_env_specs(env)
    torch.manual_seed(seed)  # Of the random actions.
    env.set_seed(seed)
    played = [env.rollout(env.scenario.horizon) for _ in range(episodes)]
    env.close()
    return {team: [float(p["next", team, "reward"].sum(0).mean()) for p in played] for team in env.group_map}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="hide-and-seek/quickstart")
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    for team, values in returns(given.scenario, given.episodes, given.seed).items():
        print(f"{team}: returns {', '.join(f'{value:.0f}' for value in values)}")


if __name__ == "__main__":
    main()
