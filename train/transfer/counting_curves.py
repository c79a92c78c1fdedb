"""How many boxes went left? A classifier on the memory of a frozen policy (the paper's section 6.2, object counting).

The policy watches boxes drift out of sight and is never trained. From then on until the episode ends a small network
is asked at every step for the label, given nothing but the state of the policy's LSTM. It learns from a stream of fresh
episodes and is tested on arrangements of boxes that it never learned from.

The state is that of the policy's tower alone: the critic sees boxes behind walls, so that it need not remember. It is
the hidden and the cell state together. The hidden state is what the policy makes use of at a moment, and an output gate
shuts the rest away; what is remembered beyond that is in the cell state alone.

Shapes: T steps, N episodes, H features of the LSTM, D features that the classifier is given, K labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Positive, Threads, Whole, faults
from envs.physics import EngineName
from envs.scenarios import Scenario
from policies.actor_critic import ActorCritic

from ..evaluation.intervals import Estimate, bootstrap_mean
from .counting_classifier import Classifier, Memory, Samples
from .counting_episodes import CountingEpisodes, CountingWorlds, label_distribution

StatePart = Literal["both", "hidden", "cell"]
Progress = Callable[[int, int], None]
"""Is told how many episodes have been watched, and how many there are in all."""


@dataclass(frozen=True, kw_only=True)
class CountingConfig:
    """How a classifier is trained and tested. The defaults take about a minute with ``object-counting/small``."""

    episodes: AtLeastOne = 2048
    """Fresh episodes that the classifier learns from; rounded up to whole rounds of ``num_worlds``."""
    test_episodes: AtLeastOne = 512
    """Episodes of held-out layouts in which it is tested; more make the interval narrower."""
    num_worlds: AtLeastOne = 64
    """Worlds at the same time, and episodes between two rounds of learning."""
    curve_points: AtLeastOne = 8
    """Tests on the way, evenly spaced."""
    state: StatePart = "both"
    """Part of the LSTM's state that the classifier is given."""
    hidden_size: Whole = 128
    """Units of the classifier's hidden layer; 0 makes it linear."""
    updates: AtLeastOne = 60
    """Gradient steps after each round, on samples of all rounds so far."""
    batch_size: AtLeastOne = 1024
    """Samples in a gradient step; one sample is one step of one episode."""
    learning_rate: Positive = 3e-3
    """Of Adam at first; falls linearly to 0."""
    time_bin: AtLeastOne = 5
    """Steps that are put together in the accuracy by time."""
    threads: Threads = 0
    """Physics threads; 0 uses all cores. Results do not depend on it."""
    engine: EngineName = "auto"
    """Physics engine; auto takes the one that is made for the device."""


@dataclass
class CountingResult:
    """What a classifier knows in the end, all of it measured in the test episodes."""

    accuracy: Estimate
    """Share of right answers in an episode, averaged over episodes, with its interval over episodes."""
    chance: float
    """What always giving the most frequent label would be expected to reach."""
    curve: list[tuple[int, float]]
    """Episodes learned from, accuracy."""
    by_time: list[tuple[int, float]]
    """First of ``time_bin`` steps since the boxes vanished, accuracy in them. Only times that every episode has."""
    confusion: NDArray[np.int64]
    """(K, K): answers by true label (row) and given label (column)."""
    per_episode: NDArray[np.float64]
    """(N,): share of right answers in every test episode; the episodes are the same for any policy and the same
    seed."""

    def to_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "accuracy": self.accuracy.to_plain(),
            "chance": self.chance,
            "interval": "95 % percentile bootstrap over test episodes",
            "curve": [{"episodes": episodes, "accuracy": accuracy} for episodes, accuracy in self.curve],
            "by_time": [{"steps_since_vanished": steps, "accuracy": accuracy} for steps, accuracy in self.by_time],
            "confusion": self.confusion.tolist(),
            "accuracy_per_episode": [round(float(value), 6) for value in self.per_episode],
        }


def train_classifier(
    policy: ActorCritic,
    scenario: Scenario,
    config: CountingConfig,
    seed: int,
    progress: Progress = lambda _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> CountingResult | None:
    """Train a classifier on the memory of one policy; see ``train_classifiers``."""
    results = train_classifiers({"policy": policy}, scenario, config, seed, progress, stop)
    return None if results is None else results["policy"]


def train_classifiers(
    policies: Mapping[str, ActorCritic],
    scenario: Scenario,
    config: CountingConfig,
    seed: int,
    progress: Progress = lambda _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, CountingResult] | None:
    """Train a classifier on the memory of each policy, which itself stays as it is, and test it.

    All of them watch the same episodes, which are simulated once. A policy's result is the same as if it were alone.

    Args:
      policies: name -> policy. Each observes what the scenario shows; see ``same_inputs`` for policies from elsewhere.
      scenario: a variant of ``object-counting``.
      config: sizes.
      seed: decides layouts, the classifiers' first weights and their samples. The same seed on the same machine gives
        the same results, and any policy is tested in the same episodes.
      progress: is told of every round.
      stop: asked after every round; True ends it.

    Returns:
      Name -> result; None if it was stopped.

    Raises:
      UserError: a policy does not fit the scenario, an impossible number, or boxes that stay in sight.
    """
    memories = {name: partial(lstm_states, policy, part=config.state) for name, policy in policies.items()}
    device = next(iter(policies.values())).device
    return learn_to_count(memories, scenario, config, seed, progress, stop, device)


@torch.no_grad()
def lstm_states(policy: ActorCritic, episodes: CountingEpisodes, part: StatePart = "both") -> Tensor:
    """Return the state (T, N, D) of the policy's LSTM after each observation; memory starts empty. D is H or 2 H.

    Raises:
      UserError: the policy observes something else.
    """
    steps, number = episodes.asked.shape
    try:
        policy.spec.check(episodes.observations, (steps, number))
    except ValueError as error:
        raise UserError(f"the policy does not fit the scenario: {error}") from error
    state, states = policy.initial_state(number), []
    for step in range(steps):
        observation = {name: values[step] for name, values in episodes.observations.items()}
        resets = torch.full((number,), step == 0, device=policy.device)
        *_, state = policy.act(observation, state, resets, deterministic=True)
        parts = {"both": (state.actor_h, state.actor_c), "hidden": (state.actor_h,), "cell": (state.actor_c,)}[part]
        states.append(torch.cat(parts, dim=-1))
    return torch.stack(states)


def learn_to_count(
    memories: Mapping[str, Memory],
    scenario: Scenario,
    config: CountingConfig,
    seed: int,
    progress: Progress = lambda _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
    device: str | torch.device = "cpu",
) -> dict[str, CountingResult] | None:
    """Train a classifier on each of several things that remember episodes, and test it; see ``train_classifiers``.

    Args:
      memories: name -> what gives a classifier its inputs.
      scenario: a variant of ``object-counting``.
      config: sizes.
      seed: decides everything; what a memory learns does not depend on the others.
      progress: is told of every round.
      stop: asked after every round.
      device: where worlds and classifiers are.
    """
    validate(config)
    worlds, labels = config.num_worlds, scenario.max_boxes + 1
    rounds, test_rounds = -(-config.episodes // worlds), -(-config.test_episodes // worlds)
    tests: dict[str, Samples] = {}
    learners: dict[str, Classifier] = {}
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in memories}
    for done, episodes in enumerate(_rounds(test_rounds, True, scenario, config, seed, device), start=1):
        for name, memory in memories.items():
            samples = Samples.of(episodes, memory)
            tests[name] = Samples.join([tests[name], samples]) if name in tests else samples
        progress(done * worlds, (test_rounds + rounds) * worlds)
        if stop():
            return None
    for name, test in tests.items():
        sizes = (test.states.shape[-1], config.hidden_size, labels)
        learners[name] = Classifier(sizes, config.learning_rate, config.updates, config.batch_size, seed, device)
    test_after = {round((point + 1) * rounds / config.curve_points) for point in range(config.curve_points)}
    for done, episodes in enumerate(_rounds(rounds, False, scenario, config, seed, device), start=1):
        for name, memory in memories.items():
            learners[name].learn(Samples.of(episodes, memory), 1 - (done - 1) / rounds)
            if done in test_after:
                share = tests[name].per_episode(learners[name].answer(tests[name].states)).mean()
                curves[name].append((done * worlds, float(share)))
        progress((test_rounds + done) * worlds, (test_rounds + rounds) * worlds)
        if stop():
            return None
    return {
        name: _result(tests[name], learners[name].answer(tests[name].states), curves[name], scenario, config, seed)
        for name in memories
    }


def _rounds(
    number: int, held_out: bool, scenario: Scenario, config: CountingConfig, seed: int, device: str | torch.device
) -> Iterator[CountingEpisodes]:
    """Yield fresh episodes, ``num_worlds`` at a time."""
    with CountingWorlds(scenario, config.num_worlds, seed, held_out, device, config.threads, config.engine) as worlds:
        for _ in range(number):
            yield worlds.record(config.num_worlds)


def validate(config: CountingConfig) -> None:
    """Check a configuration.

    Raises:
      UserError: names the option that must be larger.
    """
    for name, text in faults(config):
        raise UserError(f"counting: {name} {text}")


def _result(
    test: Samples,
    answers: Tensor,
    curve: list[tuple[int, float]],
    scenario: Scenario,
    config: CountingConfig,
    seed: int,
) -> CountingResult:
    labels, right = scenario.max_boxes + 1, (answers == test.labels).double()
    per_episode = test.per_episode(answers)
    steps = int(np.bincount(test.episode.cpu().numpy()).min())  # Later times are of early episodes alone.
    by_time = []
    for first in range(0, steps, config.time_bin):
        within = (test.since >= first) & (test.since < min(first + config.time_bin, steps))
        by_time.append((first, float(right[within].mean())))
    cells = torch.bincount(test.labels * labels + answers, minlength=labels**2)
    return CountingResult(
        accuracy=bootstrap_mean(per_episode, seed),
        chance=float(label_distribution(scenario).max()),
        curve=curve,
        by_time=by_time,
        confusion=cells.view(labels, labels).cpu().numpy(),
        per_episode=per_episode,
    )
