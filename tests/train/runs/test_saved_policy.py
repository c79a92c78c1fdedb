"""Policies in worlds other than their own."""

from dataclasses import replace

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from tests.train.test_trainer import TINY, train
from train.play.players import PolicyPlayer, flatten_agents
from train.runs.saved_policy import load_policy


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("saved") / "run", replace(TINY, iterations=1)).path


def test_more_objects_than_it_learned_with(run):
    """Slots of boxes that are absent change no action."""
    scenario = TINY.scenario
    low, high = scenario.boxes
    known, fitted = load_policy(run), load_policy(run)
    fitted.fit(replace(scenario, boxes=(low, high + 2)))
    env = BatchEnv(scenario, 6, threads=1)
    obs = flatten_agents(env.reset())
    padded = dict(obs)
    for name, tensor in obs.items():
        if name.startswith("boxes"):
            absent = torch.zeros_like(tensor[:, :1])
            padded[name] = torch.cat([tensor, absent, absent], 1)
    resets = torch.ones(len(obs["self"]), dtype=torch.bool)
    actions = [
        saved.policy.act(seen, saved.policy.initial_state(len(resets)), resets, deterministic=True)[0]
        for saved, seen in ((known, obs), (fitted, padded))
    ]
    assert torch.equal(*actions)
    env.close()


def test_it_plays_with_more_of_everything(run):
    saved = load_policy(run)
    bigger = replace(TINY.scenario, hiders=3, seekers=2, boxes=(4, 5), ramps=2)
    saved.fit(bigger)
    env = BatchEnv(bigger, 2, threads=1)
    player = PolicyPlayer(saved.policy, 0)
    player.begin(env)
    obs, started = env.reset(), torch.ones(2, dtype=torch.bool)
    for _ in range(3):
        obs = env.step(player.act(obs, started)).obs
        started = torch.zeros(2, dtype=torch.bool)
    env.close()


def test_other_features_are_refused(run):
    with pytest.raises(UserError, match=r"input '.*' has .* features there, the policy expects"):
        load_policy(run).fit(replace(TINY.scenario, box_size_features=not TINY.scenario.box_size_features))


def test_networks_for_teams_need_the_same_agents(tmp_path):
    separate = train(tmp_path / "run", replace(TINY, iterations=1, separate_policies=True)).path
    with pytest.raises(UserError, match="its networks are for"):
        load_policy(separate).fit(replace(TINY.scenario, hiders=3))
