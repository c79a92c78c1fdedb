"""Food for hiders (rule 7.2), in hand-made worlds: hiders at the left, food at their feet, the seeker turned away."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import generate
from envs.options.scenario_options import FoodOptions
from envs.scenarios import get
from tests.envs.worlds import NO_ACTION, needs_warp, small, world

EAST, WEST = math.pi / 2, -math.pi / 2


def start(
    hiders=((1.0, 3.0, EAST),), seeker=(5.0, 3.0, EAST), food=((1.3, 3.0),), prep=0.0, engine="mujoco", **options
):
    """An environment in which an episode has begun."""
    s = small(
        hiders=len(hiders),
        horizon=40,
        preparation_fraction=prep,
        food=FoodOptions(count=len(food), **({"health": 3.0, "respawn_steps": 2} | options)),
    )
    env = BatchEnv(s, 1, threads=1, engine=engine)
    places = torch.tensor([[[(x, y, 0.05)] for x, y in food]])
    places = places.repeat(1, 1, 32, 1) if env.scenario.food.moves else places
    places[:, :, 1:, 0] += 2.0
    scale = torch.tensor([env.scenario.food.reward_scale[0]])
    env.reset(dataclasses.replace(world(s, [*hiders, seeker]), food=places, food_scale=scale))
    return env


def steps(env, count):
    """Rewards (count, A) and health (count, F) of steps in which nobody acts."""
    rest = torch.tensor(NO_ACTION).expand(1, env.num_agents, 5).contiguous()
    rewards, health = [], []
    for _ in range(count):
        result = env.step(rest)
        rewards.append(result.reward[0])
        health.append(result.obs["food"][0, 0, :, 3])
    return torch.stack(rewards), torch.stack(health)


def test_one_unit_a_step_on_top_of_the_reward_and_back_after_the_respawn_time():
    env = start()
    rewards, health = steps(env, 7)
    assert health[:, 0].tolist() == [2, 1, 0, 0, 3, 2, 1]
    assert rewards[:, 0].tolist() == [2, 2, 2, 1, 1, 2, 2]
    assert rewards[:, 1].tolist() == [-1] * 7


def test_what_is_left_is_shared():
    env = start(hiders=((1.0, 3.0, EAST), (1.6, 3.0, WEST)), health=3.0, reward="selfish")
    rewards, health = steps(env, 2)
    assert health[:, 0].tolist() == [1, 0]
    assert rewards[:, :2].tolist() == [[2, 2], [1.5, 1.5]]


def test_joint_mean_shares_the_reward():
    env = start(hiders=((1.0, 3.0, EAST), (1.0, 1.0, EAST)), reward_scale=(3.0, 3.0))
    assert steps(env, 1)[0][0].tolist() == [2.5, 2.5, -1]


def test_foods_are_eaten_together():
    env = start(food=((1.3, 3.0), (1.3, 3.2)))
    rewards, health = steps(env, 1)
    assert health[0].tolist() == [2, 2]
    assert rewards[0, 0] == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"food": ((1.6, 3.0),)},
        {"hiders": ((1.0, 3.0, WEST),)},
        {"prep": 0.5},
        {"seeker": (5.0, 3.0, WEST)},
        {"seeker": (1.6, 3.0, WEST), "hiders": ((4.0, 3.0, EAST),)},
    ],
    ids=["out of reach", "not seen", "preparation", "caught", "seekers do not eat"],
)
def test_no_meal(changes):
    env = start(**changes)
    assert steps(env, 3)[1].min() == 3


def test_one_caught_hider_stops_the_team_unless_allowed():
    hiders = ((1.0, 3.0, EAST), (4.0, 5.0, EAST))
    seeker = (4.0, 4.0, math.pi)  # Looks north, at the second hider.
    assert steps(start(hiders=hiders, seeker=seeker), 1)[1].tolist() == [[3]]
    assert steps(start(hiders=hiders, seeker=seeker, eat_when_caught=True), 1)[1].tolist() == [[2]]


def test_starts_with_the_live_phase():
    env = start(prep=0.1, health=30.0)
    assert steps(env, 6)[1][:, 0].tolist() == [30, 30, 30, 30, 29, 28]


@pytest.mark.parametrize("respawn, health", [(0, [1, 2, 1, 2]), (None, [1, 0, 0, 0])])
def test_refilled_at_once_or_never(respawn, health):
    env = start(health=2.0, respawn_steps=respawn)
    assert steps(env, 4)[1][:, 0].tolist() == health


def test_moving_food_comes_back_elsewhere():
    env = start(health=1.0, respawn_steps=0, moves=True)
    assert env.observe()["food"][0, 0, 0, :3].tolist() == pytest.approx([1.3, 3.0, 0.05])
    rewards, _ = steps(env, 2)
    assert env.observe()["food"][0, 0, 0, :4].tolist() == pytest.approx([3.3, 3.0, 0.05, 1.0])
    assert rewards[:, 0].tolist() == [2, 1]


@pytest.mark.parametrize("engine", ["mujoco", pytest.param("warp", marks=(needs_warp, pytest.mark.warp))])
def test_food_that_has_moved_is_seen_where_it_is_now(engine):
    """Eaten at x = 1.3 by a hider that looks west, it comes back at 3.3, before another one that looks east."""
    hiders = ((1.6, 3.0, WEST), (2.95, 3.0, EAST))
    env = start(hiders, health=1.0, respawn_steps=0, moves=True, reward="selfish", engine=engine)
    assert env.observe()["food_visible"][0, :, 0].tolist() == [True, False, False]
    rest = torch.tensor(NO_ACTION).expand(1, 3, 5).contiguous()
    transition = env.advance(rest)
    assert transition.reward[0].tolist() == [2, 1, -1]  # Only the first one eats.
    for observation in (env.observe(), env.conclude(transition).obs):
        assert observation["food"][0, 0, 0, 0] == pytest.approx(3.3)
        assert observation["food_visible"][0, :, 0].tolist() == [False, True, False]
    assert env.step(rest).reward[0].tolist() == [1, 2, -1]  # What it saw there it eats.


def test_masks_and_statistics():
    env = start(food=((1.3, 3.0), (0.7, 3.0)))
    obs = env.observe()
    assert obs["food_visible"][0].tolist() == [[True, False], [False, False]]
    assert obs["food_present"].all()
    steps(env, 39)
    rest = torch.tensor(NO_ACTION).expand(1, 2, 5).contiguous()
    statistics = env.step(rest).statistics
    assert statistics["food_eaten"].item() == 24  # Three units every five steps.
    assert "food_eaten_prep" in statistics


def test_state_round_trip():
    env = start()
    steps(env, 2)
    everywhere = torch.tensor([0])
    state = env.get_state(everywhere)
    expected = steps(env, 4)
    env.set_state(everywhere, state)
    again = steps(env, 4)
    assert torch.equal(expected[0], again[0]) and torch.equal(expected[1], again[1])


def test_reward_scale_is_drawn_and_observed():
    s = get("hide-and-seek/food", food=FoodOptions(count=1, reward_scale=(2.0, 4.0)))
    env = BatchEnv(s, 8, threads=1)
    scale = env.reset()["food"][:, 0, 0, 4]
    assert 2 <= scale.min() < scale.max() <= 4


class TestPlaces:
    def test_in_the_middle(self):
        s = get("hide-and-seek/food")
        food = torch.cat([generate(s, np.random.default_rng(i)).food for i in range(100)])
        assert food[..., 2].unique().tolist() == pytest.approx([0.05])
        assert food[:, 0, 0, :2].min() > 2.2 and food[:, 0, 0, :2].max() < 3.4

    def test_clusters_lie_together(self):
        options = FoodOptions(count=4, clusters=2, central=False)
        s = get("hide-and-seek/food", food=options)
        food = torch.cat([generate(s, np.random.default_rng(i)).food for i in range(50)])[:, :, 0, :2]
        near = (food[:, 1::2] - food[:, ::2]).abs().amax(-1)
        assert near.max() < 0.65
        assert (food[:, 2] - food[:, 0]).abs().max() > 2

    def test_moving_food_has_many_places(self):
        s = get("hide-and-seek/dynamic-food")
        food = generate(s, np.random.default_rng(0)).food[0, 0]
        assert len(food.unique(dim=0)) > 20
        assert food[:, :2].min() > 2.2 and food[:, :2].max() < 3.4


@pytest.mark.parametrize(
    "options, words",
    [({"count": -1}, "food.count"), ({"count": 1, "radius": 0.0}, "food.radius"), ({"clusters": 0}, "food.clusters")],
)
def test_impossible_options(options, words):
    with pytest.raises(UserError, match=words):
        get("hide-and-seek/full", food=FoodOptions(**options))
