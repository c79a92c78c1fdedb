"""A rollout on mujoco_warp is collected without waiting for the device. Shown on the CPU."""

import dataclasses

import pytest
import torch

from tests.envs.worlds import needs_cuda, needs_warp
from tests.train.test_trainer import TINY
from tests.waiting import no_waiting
from train.config.league_config import LeagueConfig
from train.league.past_versions import VersionFolder
from train.trainer import Trainer

pytestmark = [needs_warp, pytest.mark.warp]


@pytest.mark.parametrize("separate", [False, True], ids=["one policy", "one for each team"])
def test_rollout(separate, tmp_path):
    """As if first episodes could still be cut short: then every step values its last observation."""
    scenario = dataclasses.replace(TINY.scenario, horizon=15)
    league = LeagueConfig(fraction=0.8, random_share=0.3, interval=1, rating_interval=0)
    config = dataclasses.replace(TINY, scenario=scenario, engine="warp", separate_policies=separate, league=league)
    trainer = Trainer(config)
    trainer.begin()
    trainer.iterate()  # Compiles, and fills the bank.
    trainer.league.open(VersionFolder(tmp_path, 1, 5, pytest.fail))
    trainer._keep_version()
    trainer.league.begin_rollout(1)  # It may wait, once in a rollout; the steps may not.
    assert trainer.league._players
    trainer.env._actions.check = lambda actions: None  # Looks at the actions' range, on the CPU only.
    trainer.env._cuts_left = 1000
    begin_rollout, trainer.league.begin_rollout = trainer.league.begin_rollout, lambda iteration: None
    with no_waiting():
        trainer.collect()
    trainer.league.begin_rollout = begin_rollout
    assert not trainer.league.own.all()
    assert trainer._episodes.pop()["charts/episodes"] == 2 * TINY.num_worlds


@needs_cuda
@pytest.mark.gpu
def test_rollout_on_a_gpu():
    """CUDA itself refuses to wait."""
    trainer = Trainer(dataclasses.replace(TINY, device="cuda"))
    trainer.begin()
    trainer.iterate()
    trainer.league.begin_rollout = lambda iteration: None
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.collect()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_same_run_twice():
    """Rollouts of the warp engine repeat to the bit on the CPU, with the layouts of the CPU engine."""
    config = dataclasses.replace(TINY, engine="warp", scenario=dataclasses.replace(TINY.scenario, horizon=20))
    runs = []
    for engine in ("warp", "warp", "mujoco"):
        trainer = Trainer(dataclasses.replace(config, engine=engine))
        trainer.begin()
        numbers = [trainer.iterate() for _ in range(3)]
        runs.append((trainer.policy.state_dict(), trainer.env._schedule.layouts.state_dict()["episodes"], numbers))
    (first, episodes, _), (second, _, _), (_, others, _) = runs
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(episodes, others)
