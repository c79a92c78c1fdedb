"""PPO in one file, in the manner of CleanRL: everything from the network to the loss, top to bottom.

Usage: python examples/cleanrl_ppo.py [SCENARIO] [--steps N] [--worlds W] [--seed S] [--option horizon=80 ...]

Every agent of every world is a row of Gymnasium's vector environment; one network plays all rows, so with two teams it
is self-play. Without a scenario it learns to find and lock a box in a small empty arena: in seconds, from a return of 1
to one of 5, which is what the lock is worth. Shapes: N rows, T steps of a rollout, F features, C components of an
action.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from envs import scenarios
from envs.adapters.gymnasium_env import HideSeekVectorEnv

SMALL_TASK: dict[str, Any] = {
    "scenario": "lock-and-return",
    "layout": "empty",
    "floor_size": 3.0,
    "horizon": 40,
    "movement_bins": 3,
    "heading_forces": True,
    "heading_features": "cos_sin",
    "bearing_features": True,
}
"""What is learned without a scenario."""

T = 40
"""Steps of a rollout."""
EPOCHS, MINIBATCHES, CLIP = 4, 4, 0.2
GAMMA, LAMBDA = 0.98, 0.95
LEARNING_RATE, ENTROPY, VALUE, MAX_NORM = 1e-3, 0.01, 0.5, 0.5


class Agent(nn.Module):
    """A policy and a critic on normalised features."""

    def __init__(self, features: int, bins: Sequence[int]) -> None:
        super().__init__()
        self.bins = [*bins]
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.policy = _mlp(features, sum(self.bins), 0.01)
        self.critic = _mlp(features, 1, 1.0)

    def forward(self, obs: Tensor) -> tuple[list[Categorical], Tensor]:
        """Return the distribution of each action component and the value (N,) for observations (N, F)."""
        scaled = ((obs - self.mean) / self.std).clamp(-5, 5)
        heads = [Categorical(logits=logits) for logits in self.policy(scaled).split(self.bins, dim=-1)]
        return heads, self.critic(scaled)[:, 0]


def _mlp(inputs: int, outputs: int, gain: float) -> nn.Sequential:
    layers = [nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)]
    for layer in layers[::2]:
        nn.init.orthogonal_(layer.weight, gain if layer is layers[-1] else 2**0.5)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def flat(obs: dict[str, Tensor]) -> Tensor:
    """Return all features of a row side by side, (N, F); what an agent does not see is zero already."""
    return torch.cat([values.flatten(1).float() for values in obs.values()], dim=1)


def log_prob(heads: list[Categorical], actions: Tensor) -> Tensor:
    """Return the logarithm of the probability of actions (N, C), (N,)."""
    return torch.stack([head.log_prob(actions[:, i]) for i, head in enumerate(heads)]).sum(0)


def train(scenario: str, steps: int, worlds: int = 64, seed: int = 0, **options: Any) -> list[float]:
    """Train and return the hiders' mean return of the episodes that ended in each rollout, where any did.

    Args:
      scenario: name of one whose team sizes do not vary.
      steps: env steps of all worlds.
      worlds: how many are stepped at once.
      seed: decides everything.
      options: fields of the scenario to replace.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    teams = scenarios.get(scenario, **options)
    rows = worlds * teams.num_agents
    hiders = torch.arange(rows) % teams.num_agents < teams.hiders
    env = HideSeekVectorEnv(scenario, num_envs=rows, array="torch", **options)
    obs = flat(env.reset(seed=seed)[0])
    agent = Agent(obs.shape[1], env.single_action_space.nvec.tolist())
    optimizer = torch.optim.Adam(agent.parameters(), lr=LEARNING_RATE, eps=1e-5)
    means, running = [], torch.zeros(rows)
    rollouts = max(steps // (worlds * T), 1)
    for number in range(rollouts):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - number / rollouts)

        # Collect: (T, N, ...) of observations, actions, their log-probabilities, values, rewards and ends.
        kept, ended = [], []
        for _ in range(T):
            with torch.no_grad():
                heads, value = agent(obs)
                actions = torch.stack([head.sample() for head in heads], dim=1)
                before = log_prob(heads, actions)
            following, reward, terminated, truncated, _ = env.step(actions)
            done = terminated | truncated
            kept.append((obs, actions, before, value, reward, done.float()))
            running += reward
            ended += running[done & hiders].tolist()
            running[done] = 0
            obs = flat(following)
        observations, actions, before, values, rewards, dones = (
            torch.stack(column) for column in zip(*kept, strict=True)
        )
        if number == 0:  # The scale of observations, from the first rollout, which is nearly random.
            agent.mean, agent.std = observations.mean((0, 1)), observations.std((0, 1)).clamp(min=0.01)
            values, before = _again(agent, observations, actions)

        # Estimate: generalised advantages, backwards in time.
        with torch.no_grad():
            after, advantage = agent(obs)[1], torch.zeros(rows)
        advantages = torch.zeros(T, rows)
        for t in reversed(range(T)):
            goes_on = 1 - dones[t]
            delta = rewards[t] + GAMMA * after * goes_on - values[t]
            advantages[t] = advantage = delta + GAMMA * LAMBDA * goes_on * advantage
            after = values[t]
        batch = [x.flatten(0, 1) for x in (observations, actions, before, advantages, advantages + values)]

        # Learn: epochs of minibatches.
        for _ in range(EPOCHS):
            for part in torch.randperm(T * rows).chunk(MINIBATCHES):
                o, a, old, advantage, target = (x[part] for x in batch)
                heads, value = agent(o)
                ratio = (log_prob(heads, a) - old).exp()
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                policy_loss = -torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
                value_loss = (value - target).square().mean()
                entropy = torch.stack([head.entropy() for head in heads]).sum(0).mean()
                loss = policy_loss + VALUE * value_loss - ENTROPY * entropy
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), MAX_NORM)
                optimizer.step()

        if ended:
            means.append(sum(ended) / len(ended))
            print(f"{(number + 1) * worlds * T:>9,} env steps: mean return of hiders {means[-1]:8.2f}", flush=True)
    env.close()
    return means


@torch.no_grad()
def _again(agent: Agent, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and log-probabilities (T, N) on the scale of now."""
    heads, values = agent(observations.flatten(0, 1))
    return values.view(T, -1), log_prob(heads, actions.flatten(0, 1)).view(T, -1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--steps", type=int, default=51_200)
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
