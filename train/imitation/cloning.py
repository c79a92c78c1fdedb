"""Behaviour cloning: the policy is taught the actions of recorded episodes, its critic their returns."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Positive, Seed, Share
from policies.actor_critic import ActorCritic

from .demonstrations import Demonstrations

_VALUE_COEFFICIENT = 0.5
_MAX_GRAD_NORM = 5.0


@dataclass(frozen=True, kw_only=True)
class CloningOptions:
    """Numbers of behaviour cloning."""

    epochs: AtLeastOne = 40
    """Times that every recorded step is used; of all epochs that with the best held-out actions is kept."""
    batch: AtLeastOne = 16
    """Sequences (an agent in an episode) of a gradient step, each from its first step to its last."""
    learning_rate: Positive = 3e-3
    """Step size of Adam at the start; it falls to a tenth on a straight line."""
    held_out: Share = 0.1
    """Share of episodes that are not learned from, by which the policy is judged."""
    seed: Seed = 0
    """Seed of the first weights, of which episodes are held out, and of the order of sequences."""


@dataclass(frozen=True)
class Score:
    """How well actions of held-out episodes are known."""

    nats: float
    """Mean negative log-likelihood of an action, all components together."""
    accuracy: tuple[float, ...]
    """By component: share of steps in which the most likely bin is the one that was chosen."""


@dataclass(frozen=True)
class Cloned:
    """What was learned; the policy holds the weights of the best epoch."""

    epoch: int
    """Which that was, from 1 on."""
    score: Score
    """Of the best epoch."""
    commonest: tuple[float, ...]
    """By component: the accuracy of always choosing the bin that is the commonest in training."""
    stopped: bool
    """Somebody asked to stop before the last epoch."""


def clone(
    policy: ActorCritic,
    learned: Demonstrations,
    held_out: Demonstrations,
    options: CloningOptions,
    gamma: float,
    tell: Callable[[int, float, Score], None],
    stop: Callable[[], bool] = lambda: False,
) -> Cloned:
    """Teach a fresh policy.

    Args:
      policy: on the CPU; normalisers without statistics are fitted.
      learned: what it learns from.
      held_out: by what it is judged.
      options: how.
      gamma: discount of the returns that the critic learns.
      tell: is given each epoch's number, its training loss of actions in nats, and its score.
      stop: asked after every epoch.

    Raises:
      UserError: an epoch ended with weights that are no numbers.
    """
    targets = learned.returns(gamma)
    policy.observation_normalizer.fit({key: values[learned.running] for key, values in learned.observation.items()})
    policy.update_value_normalizer(targets[learned.running])
    optimizer = torch.optim.Adam(policy.parameters(), lr=options.learning_rate, eps=1e-5)
    generator = torch.Generator().manual_seed(options.seed)
    number = learned.actions.shape[1]
    best: tuple[Score, int, dict[str, Tensor]] | None = None
    for epoch in range(1, options.epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * (1.0 - 0.9 * (epoch - 1) / options.epochs)
        policy.train()
        total, steps = 0.0, 0
        for sequences in torch.randperm(number, generator=generator).split(options.batch):
            nats, count = _learn(policy, optimizer, learned.select(sequences), targets[:, sequences])
            total, steps = total + nats, steps + count
        score = judge(policy, held_out)
        if not math.isfinite(score.nats):
            raise UserError(f"the clone became NaN in epoch {epoch}; lower --learning-rate {options.learning_rate:g}")
        tell(epoch, total / max(steps, 1), score)
        if best is None or score.nats < best[0].nats:
            best = score, epoch, copy.deepcopy(policy.state_dict())
        if stop():
            break
    assert best is not None
    policy.load_state_dict(best[2])
    return Cloned(best[1], best[0], _commonest(learned, held_out), epoch < options.epochs)


@torch.no_grad()
def judge(policy: ActorCritic, demonstrations: Demonstrations) -> Score:
    """Tell how well a policy knows the actions of some episodes, each seen from its beginning."""
    policy.eval()
    distribution = policy.action_distribution(demonstrations.observation, *_beginning(policy, demonstrations))
    steps, actions = demonstrations.steps, demonstrations.actions
    nats = -distribution.log_prob(actions)[steps].mean()
    accuracy = (distribution.mode() == actions)[steps].float().mean(0)
    return Score(float(nats), tuple(accuracy.tolist()))


def _learn(policy: ActorCritic, optimizer: Any, batch: Demonstrations, targets: Tensor) -> tuple[float, int]:
    """Make a gradient step. Returns the summed nats of the actions, and how many there were."""
    beginning = _beginning(policy, batch)
    distribution = policy.action_distribution(batch.observation, *beginning)
    values = policy.evaluate_values(batch.observation, *beginning)
    count = int(batch.steps.sum())
    nats = -(distribution.log_prob(batch.actions) * batch.steps).sum()
    errors = (values - policy.value_normalizer.normalize(targets)).square() * batch.running
    loss = nats / max(count, 1) + _VALUE_COEFFICIENT * errors.sum() / batch.running.sum().clamp(min=1)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), _MAX_GRAD_NORM)
    optimizer.step()
    return float(nats.detach()), count


def _beginning(policy: ActorCritic, demonstrations: Demonstrations) -> tuple[Any, Tensor]:
    """Return empty memories, and that no episode begins later."""
    resets = torch.zeros(demonstrations.steps.shape, dtype=torch.bool)
    return policy.initial_state(resets.shape[1]), resets


def _commonest(learned: Demonstrations, held_out: Demonstrations) -> tuple[float, ...]:
    chosen, wanted = learned.actions[learned.steps], held_out.actions[held_out.steps]
    return tuple(float((wanted[:, c] == chosen[:, c].mode().values).float().mean()) for c in range(chosen.shape[1]))
