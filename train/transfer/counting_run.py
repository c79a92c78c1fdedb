"""The run of object counting in a study: the policy stays as it is, and a classifier learns to read its memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from envs import observations
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec

from ..config.train_config import TrainConfig
from ..support.files import make_folder, write_json
from .counting_curves import CountingConfig, train_classifier
from .counting_episodes import CountingWorlds
from .study_plan import StudyPlan, Unit
from .weights import transfer_weights

_NORMALISING_SEED = 2_000_003
"""Seed of the episodes from which an untrained policy gets the scale of its inputs."""
_PAPER_EPISODES = 50_000


def counting_config(plan: StudyPlan) -> CountingConfig:
    """Return the classifier's sizes in a study."""
    base = CountingConfig()
    episodes = base.episodes if plan.request.preset == "small" else _PAPER_EPISODES
    wanted = max(base.num_worlds, round(episodes * plan.request.scale))
    engine = plan.request.engine
    return dataclasses.replace(base, episodes=wanted, test_episodes=plan.request.episodes, engine=engine)


def count(
    plan: StudyPlan, unit: Unit, config: TrainConfig, tell: Callable[[int, int], None], stop: Callable[[], bool]
) -> bool:
    """Train and test a classifier on the frozen policy of a start, and write the result.

    An untrained policy gets the normalisers that fit the task, so that it is worse for want of learning and not of
    scale.

    Args:
      plan: the study.
      unit: the run.
      config: its scenario, network, seed and device.
      tell: is told how many env steps are done, and how many there are.
      stop: asked now and then; True gives up.

    Returns:
      Whether it is done; if not, the next call begins anew.
    """
    make_folder(plan.run_folder(unit).path)
    torch.manual_seed(unit.seed)
    described = observations.spec(config.scenario)
    spec = ObservationSpec.from_dict(described)
    policy = ActorCritic(spec, config.scenario.action_bins, config.network).to(config.device)
    start = plan.read_start(unit.start)
    if start is None:
        _normalise(policy, config)
    else:
        moved = transfer_weights(policy, start.tensors, start.spec, start.file)
        policy.load_state_dict(moved.tensors)
        write_json(plan.weights_file(unit), {"from": start.file, **moved.to_plain()})
    horizon = config.scenario.horizon
    result = train_classifier(
        policy,
        config.scenario,
        dataclasses.replace(counting_config(plan), threads=config.threads),
        unit.seed,
        lambda done, total: tell(done * horizon, total * horizon),
        stop,
    )
    if result is None:
        return False
    plain = result.to_plain()
    statistics = {"accuracy": plain.pop("accuracy_per_episode")}
    about = {"task": unit.task, "start": unit.start, "seed": unit.seed}
    write_json(plan.result_file(unit), {**about, "statistics": statistics, "counting": plain})
    return True


def _normalise(policy: ActorCritic, config: TrainConfig) -> None:
    """Give a policy the means and deviations of what is observed in one round of episodes."""
    worlds = CountingConfig().num_worlds
    where = (config.device, config.threads, config.engine)
    with CountingWorlds(config.scenario, worlds, _NORMALISING_SEED, False, *where) as recorder:
        policy.observation_normalizer.update(recorder.record(worlds).observations)
