"""Teams of random size: who is absent takes no part in anything."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.games.hide_and_seek import visibility_reward
from envs.scenarios import get
from tests.envs.worlds import NO_ACTION, small, world


@pytest.fixture(scope="module")
def env():
    env = BatchEnv(get("hide-and-seek/random-teams", preparation_fraction=0.0), 64, seed=3, threads=1)
    env.reset()
    return env


def test_sizes_are_drawn_uniformly_and_apart(env):
    present = env.present_agents
    sizes = torch.stack([present[:, :3].sum(1), present[:, 3:].sum(1)], dim=1)
    assert sizes.min() == 1 and sizes.max() == 3
    assert len(sizes.unique(dim=0)) == 9
    assert torch.equal(present[:, :3], torch.arange(3) < sizes[:, :1])  # The first of each team are there.


def test_they_change_with_the_episode():
    env = BatchEnv(get("hide-and-seek/random-teams", horizon=3), 16, seed=3, threads=1)
    env.reset()
    before = env.present_agents
    for _ in range(3):
        env.step(torch.tensor(NO_ACTION).expand(16, 6, 5).contiguous())
    assert not torch.equal(before, env.present_agents)


def test_absent_agents_are_masked_everywhere(env):
    obs, present = env.observe(), env.present_agents
    others = torch.tensor([[(i - 1 - k) % 6 for k in range(5)] for i in range(6)])
    assert torch.equal(obs["agents_present"], present[:, others] & present[..., None])
    assert not (obs["agents_visible"] & ~obs["agents_present"]).any()
    assert not obs["agents"][~present[:, others]].any()
    for kind in ("agents", "boxes", "ramps"):
        assert not obs[f"{kind}_visible"][~present].any()
    assert torch.equal(env.frozen_agents, ~present)


def test_they_earn_nothing(env):
    result = env.step(torch.tensor(NO_ACTION).expand(64, 6, 5).contiguous())
    assert not result.reward[~env.present_agents].any()
    assert result.reward[env.present_agents].abs().min() == 1


def test_out_of_bounds_is_not_for_them():
    """They wait outside of any bounds."""
    s = small(hiders=2, seekers=1, bounds=(0.0, 0.0, 6.0, 6.0))
    env = BatchEnv(s, 1, threads=1)
    layout = world(s, [(1.0, 5.0), (1.0, 4.0), (5.0, 1.0)])
    env.reset(dataclasses.replace(layout, agent_present=torch.tensor([[True, False, True]])))
    assert env.step(torch.tensor(NO_ACTION).expand(1, 3, 5).contiguous()).reward.tolist() == [[1, 0, -1]]


def test_means_are_over_those_present():
    sees = torch.tensor([[[True, False, False]]])
    present = torch.tensor([[True, True, False, True]])
    assert visibility_reward(sees, "joint_mean", present)[0, :2].tolist() == [0.0, 0.0]


def test_five_against_five():
    env = BatchEnv(get("hide-and-seek/five-v-five", random_team_sizes=True), 8, seed=1, threads=1)
    obs = env.reset()
    assert obs["self"].shape == (8, 10, 10)
    assert env.present_agents.sum(1).float().std() > 0
