"""A rollout of random play: what agents observe before anyone has learned anything."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from policies.actor_critic import LSTMState

from ..learning.rollouts import RolloutBuffer
from .players import Observations, flatten_agents


def random_actions(bins: Tensor, worlds: int, agents: int, part: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return equally likely actions (n, A, 5) of some of W worlds; each is the same whoever has the world.

    Args:
      bins: (5,) int64: choices of each component.
      worlds: W, those of all processes.
      agents: A.
      part: first world and number n of those wanted.
      generator: on the device of ``bins``; draws for all worlds.
    """
    draws = torch.rand(worlds, agents, len(bins), generator=generator, device=bins.device).narrow(0, *part)
    return (draws * bins).long().minimum(bins - 1)  # A draw just below 1 may round up.


def record_random_play(env: BatchEnv, buffer: RolloutBuffer, seed: int) -> Observations:
    """Fill a buffer with a rollout of random play that begins like the worlds' first episodes, then begin those.

    Of the rollout only observations mean anything, and whose they are: absent agents' are not own.

    Args:
      env: W worlds that have not begun; nothing is left of the rollout in them.
      buffer: of W * A sequences.
      seed: of the actions.

    Returns:
      The first observations, (W, A, ...).
    """
    obs = env.reset()
    start = env.state_dict()
    bins = torch.tensor(env.action_bins, device=env.device)
    generator = torch.Generator(env.device).manual_seed(seed)
    zeros = torch.zeros(buffer.sequences, device=env.device)
    never, memory = zeros.bool(), LSTMState(*(torch.zeros_like(tensor[0]) for tensor in buffer.state))
    for _ in range(buffer.steps):
        own = env.present_agents.flatten()
        part = (env.first_world, env.num_worlds)
        actions = random_actions(bins, env.all_worlds, env.num_agents, part, generator)
        buffer.add(flatten_agents(obs), actions.flatten(0, 1), zeros, memory, never, zeros, never, own=own)
        obs = env.step(actions).obs
    return env.load_state_dict(start)
