import pytest
import torch

from train.config.reward_config import RewardConfig
from train.learning.reward_sharing import share_rewards

REWARD = torch.tensor([[1.0, 4.0, 7.0, 10.0], [2.0, 0.0, 0.0, -2.0]])
EVERYONE = torch.ones(2, 4, dtype=torch.bool)


def test_a_quarter():
    """Agent 0 of world 0: 3/4 of 1, and 1/4 of the mean 7 of 4, 7 and 10."""
    shared = share_rewards(REWARD, EVERYONE, (4, 0), 0.25)
    torch.testing.assert_close(shared[0], torch.tensor([2.5, 4.5, 6.5, 8.5]))
    torch.testing.assert_close(shared.sum(1), REWARD.sum(1))


def test_half_of_two_is_one_reward():
    shared = share_rewards(REWARD[:, :2], EVERYONE[:, :2], (2, 0), 0.5)
    assert shared.tolist() == [[2.5, 2.5], [1.0, 1.0]]


def test_teams_do_not_mix():
    shared = share_rewards(REWARD, EVERYONE, (2, 2), 1.0)
    assert shared.tolist() == [[4.0, 1.0, 10.0, 7.0], [0.0, 2.0, -2.0, 0.0]]


def test_who_is_absent_has_no_part():
    present = torch.tensor([[True, True, False, True], [True, False, False, False]])
    shared = share_rewards(REWARD, present, (4, 0), 1.0)
    assert shared[0].tolist() == [7.0, 5.5, 7.0, 2.5]
    assert shared[1].tolist() == REWARD[1].tolist()  # The only one keeps its own.


def test_nothing_is_shared_by_default():
    assert share_rewards(REWARD, EVERYONE, (4, 0), RewardConfig().sharing) is REWARD


@pytest.mark.parametrize(("done", "expected"), [(0.0, 0.5), (0.5, 0.25), (1.0, 0.0)])
def test_sharing_may_end(done, expected):
    assert RewardConfig(sharing=0.5, final_sharing=0.0).sharing_after(done) == expected
    assert RewardConfig(sharing=0.5).sharing_after(done) == 0.5


def test_penalties_grow():
    ramp = RewardConfig(severity_iterations=10)
    assert [ramp.severity_after(iterations) for iterations in (0, 5, 10, 20)] == [0.0, 0.5, 1.0, 1.0]
    assert RewardConfig().severity_after(0) == 1.0
