"""What actions mean: bins of forces along the world's axes or the agent's heading."""

import math

import pytest
import torch

from envs.actions import Actions
from envs.adapters.dm_env_adapter import HideSeekEnvironment
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scenarios import get
from tests.envs.worlds import ACTION_BINS, NO_ACTION, small, world

EAST, NORTH, WEST, SOUTH = math.pi / 2, math.pi, -math.pi / 2, 0.0  # Yaw of an agent that looks there.


def commands(bins, yaw=0.0, **options):
    """Motor commands of one agent for (first force, second force, torque)."""
    actions = Actions(small(hiders=1, seekers=0, **options), 1, torch.device("cpu"))
    return actions.commands(torch.tensor([[[*bins, 0, 0]]]), torch.tensor([[yaw]]))[0, 0]


def test_the_default_is_the_originals():
    scenario = small()
    assert scenario.action_bins == ACTION_BINS and scenario.no_action == NO_ACTION
    for bin_ in range(11):
        expected = torch.linspace(-0.9, 0.9, 11)[bin_].expand(3)
        assert torch.equal(commands((bin_,) * 3, yaw=0.7), expected)


@pytest.mark.parametrize(("bins", "values"), [(3, [-0.9, 0.0, 0.9]), (5, [-0.9, -0.45, 0.0, 0.45, 0.9])])
def test_fewer_bins_span_the_same_forces_and_the_middle_is_none(bins, values):
    found = torch.stack([commands((b, b, b), movement_bins=bins) for b in range(bins)])
    assert torch.allclose(found, torch.tensor(values)[:, None].expand(-1, 3))
    scenario = small(movement_bins=bins)
    assert scenario.action_bins == (bins, bins, bins, 2, 2) and scenario.no_action == (bins // 2,) * 3 + (0, 0)
    assert found[bins // 2].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("bins", [1, 4, 7, 12])
def test_other_numbers_are_refused(bins):
    with pytest.raises(UserError, match=f"movement_bins is {bins}; it must be one of 3, 5, 11"):
        get("hide-and-seek/full", movement_bins=bins)


@pytest.mark.parametrize(
    ("yaw", "ahead", "left"),
    [(EAST, (1, 0), (0, 1)), (NORTH, (0, 1), (-1, 0)), (WEST, (-1, 0), (0, -1)), (SOUTH, (0, -1), (1, 0))],
)
def test_forces_along_the_heading(yaw, ahead, left):
    options = {"heading_forces": True, "movement_bins": 3}
    for bins, direction in (((2, 1, 1), ahead), ((1, 2, 1), left), ((0, 1, 1), tuple(-x for x in ahead))):
        expected = torch.tensor([0.9 * direction[0], 0.9 * direction[1], 0.0])
        assert torch.allclose(commands(bins, yaw, **options), expected, atol=1e-6)
    assert commands((1, 1, 2), yaw, **options).tolist()[2] == pytest.approx(0.9)


def drive(actions, yaw, steps=3, **options):
    """Where an agent that starts in the middle looking along ``yaw`` gets to, and its yaw."""
    scenario = small(hiders=1, seekers=0, **options)
    env = BatchEnv(scenario, 1, threads=1)
    env.reset(world(scenario, [(3.0, 3.0, yaw)]))
    for _ in range(steps):
        env.step(torch.tensor([[actions]]))
    return env.get_state(torch.tensor([0])).pose[0, 0]


def test_a_push_ahead_goes_where_the_agent_looks():
    """By as much as the same force along an axis of the world. (Friction is another at an angle to the axes.)"""
    along_x = float(drive([8, 5, 5, 0, 0], SOUTH)[0]) - 3.0
    assert along_x > 0.5
    for yaw in (EAST, NORTH, WEST):
        x, y, _, after = drive([8, 5, 5, 0, 0], yaw, heading_forces=True)[:4].tolist()
        assert x - 3.0 == pytest.approx(along_x * math.sin(yaw), abs=1e-3)
        assert y - 3.0 == pytest.approx(-along_x * math.cos(yaw), abs=1e-3)
        assert after == pytest.approx(yaw, abs=1e-4)


def test_longer_steps_go_farther():
    """Two steps of 0.075 s are one of 0.15 s."""
    short, long = drive([8, 5, 6, 0, 0], EAST, steps=4), drive([8, 5, 6, 0, 0], EAST, steps=2, substeps=30)
    assert torch.allclose(short, long, atol=1e-5)
    assert small(substeps=20, timestep=0.0075).step_seconds == pytest.approx(0.15)


def test_frozen_seekers_rest_whatever_the_bins():
    scenario = small(preparation_fraction=0.5, movement_bins=3, heading_forces=True)
    env = BatchEnv(scenario, 1, threads=1)
    env.reset(world(scenario, [(2.0, 3.0, EAST), (4.0, 3.0, EAST)]))
    start = env.get_state(torch.tensor([0])).pose
    for _ in range(5):
        env.step(torch.tensor([[[2, 1, 2, 1, 1], [2, 2, 2, 1, 1]]]))
    pose = env.get_state(torch.tensor([0])).pose
    assert torch.allclose(pose[0, 1], start[0, 1], atol=1e-3) and pose[0, 0, 0] > start[0, 0, 0] + 0.5


@pytest.mark.parametrize(("bin_", "allowed"), [(2, True), (3, False), (10, False), (-1, False)])
def test_bins_that_do_not_exist_are_refused(bin_, allowed):
    env = BatchEnv(small(movement_bins=3), 1, threads=1)
    env.reset()
    actions = torch.tensor([[[bin_, 1, 1, 0, 0], [1, 1, 1, 0, 0]]])
    if allowed:
        env.step(actions)
    else:
        with pytest.raises(ValueError, match=r"n = \(3, 3, 3, 2, 2\)"):
            env.step(actions)


def test_adapters_have_the_scenarios_actions():
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("pettingzoo")
    from envs.adapters.gymnasium_env import HideSeekEnv, HideSeekVectorEnv
    from envs.adapters.pettingzoo_env import HideSeekParallelEnv

    duel, alone = small(movement_bins=5), small(movement_bins=5, hiders=1, seekers=0)
    expected = gymnasium.spaces.MultiDiscrete([5, 5, 5, 2, 2])
    assert HideSeekEnv(alone).action_space == expected
    assert HideSeekVectorEnv(duel, num_envs=2).single_action_space == expected
    many = HideSeekParallelEnv(duel)
    assert many.action_space("hider_0") == expected
    assert [spec.maximum.tolist() for spec in HideSeekEnvironment(duel).action_spec()] == [[4, 4, 4, 1, 1]] * 2
    many.reset(seed=0)
    many.step({name: [4, 4, 4, 1, 1] for name in many.agents})
    with pytest.raises(AssertionError, match=r"MultiDiscrete\(\[5, 5, 5, 2, 2\]\)"):
        many.step({name: [5, 4, 4, 1, 1] for name in many.agents})
