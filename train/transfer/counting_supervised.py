"""A policy whose memory was trained to count: what any memory of its size can be measured against.

The policy's tower learns the labels end to end, through all steps of an episode. It is asked from the moment at which
boxes begin to move, when all of them are in sight and one look tells the label. Asked only after they are gone, it
learns nothing: gradients vanish on the way back to what was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Positive, PositiveOrInfinite, Threads, faults
from envs.scenarios import Scenario
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig

from .counting_episodes import CountingEpisodes, CountingWorlds


@dataclass(frozen=True, kw_only=True)
class CounterConfig:
    """How a policy is trained to count. The defaults take some minutes with ``object-counting/small``."""

    episodes: AtLeastOne = 2048
    """Episodes, recorded first: each takes some 40 kB of memory. None of them has a held-out layout."""
    num_worlds: AtLeastOne = 64
    """Worlds at the same time."""
    epochs: AtLeastOne = 12
    """Passes over all episodes."""
    batch_size: AtLeastOne = 32
    """Episodes in a gradient step."""
    learning_rate: Positive = 2e-3
    """Of Adam at first; falls linearly to 0."""
    max_grad_norm: PositiveOrInfinite = 1.0
    """Gradients are scaled down to this length."""
    threads: Threads = 0
    """Physics threads; 0 uses all cores. Results do not depend on it."""


def train_counter(
    scenario: Scenario,
    network: NetworkConfig,
    config: CounterConfig,
    seed: int,
    progress: Callable[[int, int, float], None] = lambda _done, _total, _loss: None,
) -> ActorCritic:
    """Train a fresh policy to count, and return it. Its critic and action head stay untrained.

    Args:
      scenario: a variant of ``object-counting``.
      network: sizes.
      config: how long and how fast.
      seed: decides layouts, weights and order. The same seed on the same machine gives the same policy.
      progress: is told of gradient steps done, those in all, and the mean cross-entropy over the latest epoch.

    Raises:
      UserError: an impossible number, or boxes that stay in sight.
    """
    for name, text in faults(config):
        raise UserError(f"counting: {name} {text}")
    with CountingWorlds(scenario, config.num_worlds, seed, False, threads=config.threads) as worlds:
        episodes, spec = worlds.record(config.episodes), worlds.observation_spec
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        observation_spec = ObservationSpec.from_dict(spec)
        policy = ActorCritic(observation_spec, scenario.action_bins, network)
        head = nn.Linear(network.lstm_size, scenario.max_boxes + 1)
        policy.observation_normalizer.update(episodes.observations)
        _fit(policy, head, episodes, scenario.counting.wait_steps, config, progress)
    return policy.eval()


def _fit(
    policy: ActorCritic,
    head: nn.Linear,
    episodes: CountingEpisodes,
    first_step: int,
    config: CounterConfig,
    progress: Callable[[int, int, float], None],
) -> None:
    """Minimise the cross-entropy of the labels at every step after ``first_step``."""
    number = len(episodes.labels)
    observations = policy.observation_normalizer(episodes.observations)
    parameters = [each for each in [*policy.actor.parameters(), *head.parameters()] if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, config.learning_rate)
    per_epoch = -(-number // config.batch_size)
    total, done = config.epochs * per_epoch, 0
    for _ in range(config.epochs):
        losses = []
        for batch in torch.randperm(number).split(config.batch_size):
            optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - done / total)
            features = _unroll(policy, {name: values[:, batch] for name, values in observations.items()})
            logits = head(features[first_step + 1 :])  # (T', N, K)
            labels = episodes.labels[batch].expand(len(logits), -1)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
            optimizer.step()
            losses.append(loss.item())
            done += 1
        progress(done, total, sum(losses) / len(losses))


def _unroll(policy: ActorCritic, observations: dict[str, Tensor]) -> Tensor:
    """Return the tower's features (T, N, H) for whole episodes of normalised observations."""
    steps, number = observations["self"].shape[:2]
    resets = torch.zeros(steps, number, dtype=torch.bool)
    resets[0] = True
    state = policy.initial_state(number)
    return policy.actor.unroll(observations, (state.actor_h, state.actor_c), resets)
