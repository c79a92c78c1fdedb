"""Shelter construction (rule 7.5)."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.games.shelter import ray_origins
from envs.options.scenario_options import CylinderOptions, ShelterOptions
from envs.scenarios import get
from tests.envs.worlds import NO_ACTION, body, small, world

STILL = torch.tensor(NO_ACTION).expand(1, 1, 5).contiguous()


def rays_in(boxes=(), agent=(0.5, 0.5)):
    s = small(game="shelter", seekers=0, boxes=(0, len(boxes)), cylinders=CylinderOptions(fixed=1))
    env = BatchEnv(s, 1, threads=1)
    layout = dataclasses.replace(world(s, [agent], boxes), pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]]))
    env.reset(layout)
    reward = env.step(torch.tensor(NO_ACTION).expand(1, 1, 5).contiguous()).reward.item()
    return round(-reward / 0.001)


def test_rays_come_from_all_sides():
    origin = ray_origins(get("shelter"))
    assert origin.shape == (100, 3)
    assert len(origin.unique(dim=0)) == 100
    assert origin[:, :2].min() == pytest.approx(0.202) and origin[:, :2].max() == pytest.approx(5.798)
    assert not origin[:, 2].any()


def test_nothing_but_the_agent_in_the_way():
    assert rays_in(agent=(20.0, 20.0)) == 100
    assert 85 < rays_in(agent=(0.5, 0.5)) < 100


def test_boxes_keep_rays_out():
    along_x, along_y = (0.825, 0.075, 0.25), (0.075, 0.825, 0.25)
    south = body(3.0, 2.1, half=along_x)
    fence = [south, body(3.0, 3.9, half=along_x), body(2.1, 3.0, half=along_y), body(3.9, 3.0, half=along_y)]
    assert 70 < rays_in([south], agent=(20.0, 20.0)) < 80
    assert rays_in(fence, agent=(20.0, 20.0)) <= 8


def test_statistics():
    """A box south of the cylinder for three steps of four, then far away, so that all rays reach the cylinder."""
    s = small(game="shelter", seekers=0, boxes=(1, 1), horizon=4, cylinders=CylinderOptions(fixed=1))
    env = BatchEnv(s, 1, threads=1)
    south = world(s, [(20.0, 20.0)], [body(3.0, 2.1)])
    env.reset(dataclasses.replace(south, pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]])))
    rest = torch.tensor(NO_ACTION).expand(1, 1, 5).contiguous()
    rays = [round(-env.step(rest).reward.item() / 0.001) for _ in range(3)]
    assert max(rays) < 96
    worlds = torch.tensor([0])
    state = env.get_state(worlds)
    state.pose[0, 1, 0] = 30.0
    env.set_state(worlds, state)
    numbers = env.step(rest).statistics
    assert numbers["rays_at_end"].item() == 100
    assert numbers["rays_on_agents_at_end"].item() == 0
    assert numbers["rays_in"].item() == pytest.approx((sum(rays) + 100) / 4)


def test_rays_that_an_agent_stops():
    """Alone with the cylinder, the agent stops whatever does not reach it."""
    s = small(game="shelter", seekers=0, boxes=(0, 0), horizon=1, cylinders=CylinderOptions(fixed=1))
    env = BatchEnv(s, 1, threads=1)
    env.reset(dataclasses.replace(world(s, [(2.0, 2.0)]), pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]])))
    numbers = env.step(STILL).statistics
    assert numbers["rays_on_agents_at_end"].item() > 0
    assert numbers["rays_on_agents_at_end"].item() + numbers["rays_at_end"].item() == 100


def test_progress_is_paid_once():
    """A box comes into the way of n rays, stays, and goes: n tenths, nothing, minus n tenths; nothing in a first
    step."""
    options = ShelterOptions(scale=0.0, progress=0.1)
    s = small(game="shelter", seekers=0, boxes=(1, 1), cylinders=CylinderOptions(fixed=1), shelter=options)
    env = BatchEnv(s, 1, threads=1)
    away = world(s, [(20.0, 20.0)], [body(30.0, 2.1)])
    layout = dataclasses.replace(away, pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]]))
    worlds = torch.tensor([0])

    def put(x):
        state = env.get_state(worlds)
        state.pose[0, 1] = torch.tensor([x, 2.1, 0.25, 0.0])
        state.velocity[:] = 0
        env.set_state(worlds, state)

    for _ in range(2):  # A second episode knows nothing of the first.
        env.reset(layout)
        assert env.step(STILL).reward.item() == 0
        assert env.step(STILL).reward.item() == 0
        put(3.0)
        gained = env.step(STILL).reward.item()
        assert 0.3 < gained < 2.0
        assert env.step(STILL).reward.item() == pytest.approx(0, abs=0.21)
        put(30.0)
        assert env.step(STILL).reward.item() == pytest.approx(-gained, abs=0.21)


def test_approach_is_paid_by_the_metre():
    """At 2 per metre the nearest of two boxes counts, whichever that is; the absent third never does."""
    options = ShelterOptions(scale=0.0, approach=2.0)
    s = small(game="shelter", seekers=0, boxes=(2, 3), cylinders=CylinderOptions(fixed=1), shelter=options)
    env = BatchEnv(s, 1, threads=1)
    start = world(s, [(20.0, 20.0)], [body(3.0, 1.0), body(4.5, 3.0)])
    layout = dataclasses.replace(start, pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]]))
    worlds = torch.tensor([0])

    def put(first_y, second_x):
        state = env.get_state(worlds)
        state.pose[0, 1] = torch.tensor([3.0, first_y, 0.25, 0.0])
        state.pose[0, 2] = torch.tensor([second_x, 3.0, 0.25, 0.0])
        state.velocity[:] = 0
        env.set_state(worlds, state)
        return env.step(STILL).reward.item()

    for _ in range(2):  # A second episode knows nothing of the first.
        env.reset(layout)
        assert env.step(STILL).reward.item() == 0
        assert env.step(STILL).reward.item() == pytest.approx(0, abs=0.02)
        assert put(1.4, 4.5) == pytest.approx(0, abs=0.02)  # 1.6 m away, while the other is at 1.5 m
        assert put(1.7, 4.7) == pytest.approx(2.0 * (1.5 - 1.3), abs=0.02)
        assert put(1.0, 4.5) == pytest.approx(-2.0 * (1.5 - 1.3), abs=0.02)


@pytest.mark.parametrize("boxes", [(0, 0), (0, 1)])
def test_approach_without_boxes(boxes):
    options = ShelterOptions(scale=0.0, approach=2.0)
    s = small(game="shelter", seekers=0, boxes=boxes, cylinders=CylinderOptions(fixed=1), shelter=options)
    env = BatchEnv(s, 1, threads=1)
    env.reset(dataclasses.replace(world(s, [(20.0, 20.0)]), pillars=torch.tensor([[[3.0, 3.0, 0.8, 0.5]]])))
    assert [env.step(STILL).reward.item() for _ in range(3)] == [0, 0, 0]


def test_the_cylinder_is_part_of_the_arena():
    """It stops agents, hides things, and shows in the lidar alone."""
    env = BatchEnv(get("shelter"), 8, threads=1)
    obs = env.reset()
    assert "cylinders" not in obs
    assert (obs["lidar"] < 6).all()


@pytest.mark.parametrize("changes", [{"cylinders": CylinderOptions()}, {"min_floor_size": 4.0}])
def test_impossible(changes):
    with pytest.raises(UserError, match="shelter"):
        get("shelter", **changes)
