"""Object counting: what the agent sees, where boxes go, and the label."""

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.errors import UserError
from envs.scenarios import get


@pytest.fixture(scope="module")
def episode():
    """64 worlds: observations of one episode, labels, and the statistics at its end."""
    env = BatchEnv(get("object-counting"), 64, seed=2, threads=1)
    observations = [env.reset()]
    label = env.game.state["label"].clone()
    generator = torch.Generator().manual_seed(0)
    for _ in range(120):
        result = env.step(random_actions(env, generator))
        observations.append(result.obs)
    return observations[:-1], label, result


def test_the_agent_is_pinned(episode):
    own = torch.stack([o["self"] for o in episode[0]])
    assert (own - own[0])[..., :4].abs().max() < 1e-3


def test_all_boxes_are_in_view_at_first_and_none_at_last(episode):
    observations = episode[0]
    for obs in observations[:10]:
        assert obs["boxes_visible"].all()
    for obs in observations[70:]:
        assert not obs["boxes_visible"].any()
        assert obs["boxes_present"].all()


def test_the_label_is_the_number_that_went_left(episode):
    observations, label, result = episode
    x = observations[-1]["boxes"][:, 0, :, 0]
    assert torch.equal((x < 3).sum(1), label)
    assert torch.equal(result.statistics["count_left"], label.float())
    assert result.statistics["hidden_steps"].min() > 40


def test_all_answers_occur(episode):
    assert set(episode[1].tolist()) == set(range(7))


def test_boxes_drift_along_lanes(episode):
    boxes = torch.stack([o["boxes"][:, 0] for o in episode[0]])
    moved = (boxes - boxes[0])[..., :2].abs()
    assert moved[..., 1].max() < 0.01
    assert moved[:10, ..., 0].max() < 0.01
    assert boxes.diff(dim=0)[..., 0].abs().max() < 0.09
    assert boxes[..., 3:5].diff(dim=0).abs().max() < 0.02  # They do not turn.


def test_no_reward_and_nothing_to_do(episode):
    assert not episode[2].reward.any()
    env = BatchEnv(get("object-counting"), 2, threads=1)
    env.reset()
    assert env.frozen_agents.all()


@pytest.mark.parametrize(
    "changes", [{"boxes": (6, 7)}, {"hiders": 2}, {"layout": "empty"}, {"grid_cells": 20}, {"ramps": 1}]
)
def test_impossible(changes):
    with pytest.raises(UserError, match="counting"):
        get("object-counting", **changes)
