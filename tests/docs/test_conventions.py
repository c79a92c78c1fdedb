"""What docs/api.md says that numbers mean."""

import math

import pytest
import torch

from envs.batch_env import BatchEnv
from tests.docs.pages import ROOT, blocks
from tests.envs.worlds import body, small, world

NONE = [5, 5, 5, 0, 0]


def table():
    rows = [
        line.strip("|").split("|")
        for line in (ROOT / "docs" / "api.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    return {name.strip(): text.strip() for name, text, *_ in rows}


def place(*agents, **more):
    """An environment with agents at (x, y, yaw), and its first observation."""
    scenario = small(floor_size=6.0, **more.pop("fields", {}))
    env = BatchEnv(scenario, 1, threads=1)
    return env, env.reset(world(scenario, agents, **more))


def after(env, first, steps=1):
    """Step with an action of the first agent; return the pose of all bodies."""
    for _ in range(steps):
        env.step(torch.tensor([[first, *[NONE] * (env.num_agents - 1)]]))
    return env.engine.pose[0]


@pytest.mark.parametrize("yaw", [0.0, math.pi / 2, 2.0, -4.0])
def test_heading(yaw):
    names = {"torch": torch}
    (code,) = [code for code in blocks("docs/api.md", "python") if "def heading" in code]
    exec(code, names)
    x, y = names["heading"](torch.tensor(yaw)).tolist()
    assert (x, y) == pytest.approx((math.cos(yaw - math.pi / 2), math.sin(yaw - math.pi / 2)), abs=1e-6)
    for side in (1, -1):
        _, observation = place((3.0, 3.0, yaw), (3.0 + side * x, 3.0 + side * y, 0.0))
        assert observation["agents_visible"][0, 0].tolist() == [side == 1]
    assert "yaw - pi/2" in table()["**heading**"]


@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_forces_act_along_the_world_s_axes(yaw):
    env, _ = place((3.0, 3.0, yaw), (1.0, 1.0, 0.0))
    x, y, _, turned = after(env, [10, 5, 5, 0, 0])[0, :4].tolist()
    assert x > 3.1 and y == pytest.approx(3.0, abs=1e-3) and turned == pytest.approx(yaw, abs=1e-3)
    x, y, *_ = after(env, [5, 0, 5, 0, 0], 3)[0].tolist()
    assert y < 2.9


def test_bins():
    env, _ = place((3.0, 3.0, 0.0), (1.0, 1.0, 0.0))
    forces = []
    for b in range(11):
        actions = torch.tensor([[[b, 5, 5, 0, 0], [5, 5, 5, 0, 0]]])
        forces.append(100 * env._actions.commands(actions, torch.zeros(1, 2))[0, 0, 0].item())
    assert forces == pytest.approx([(b - 5) * 18 for b in range(11)], abs=1e-4)
    assert env.engine.scene.model.actuator_gear[0, 0] == 100
    assert after(env, [5, 5, 10, 0, 0])[0, 3] > 0.01
    assert "(b - 5) * 18 N" in table()["force bins"] and "(b - 5) * 18 N m" in table()["torque bins"]


def test_yaw_is_never_wrapped():
    env, observation = place((3.0, 3.0, 4 * math.pi), (1.0, 1.0, 0.0))
    assert observation["self"][0, 0, 3] == pytest.approx(4 * math.pi, abs=1e-5)
    assert env.engine.pose[0, 0, 2] == pytest.approx(0.15, abs=1e-3)


def test_own_features():
    env, _ = place((2.0, 3.0, 1.0), (1.0, 1.0, 0.0), fields={"preparation_fraction": 0.5, "horizon": 8})
    result = env.step(torch.tensor([[[10, 5, 10, 0, 0], NONE]]))
    own, pose, velocity = result.obs["self"][0, 0], env.engine.pose[0, 0], env.engine.velocity[0, 0]
    assert own.tolist() == pytest.approx([*pose.tolist(), *velocity.tolist(), 1.0, 0.25], abs=1e-4)
    assert velocity[0] > 1 and velocity[3] > 0.1
    assert result.obs["self"][0, 1, -2] == 0


def test_lidar_rays_go_around_from_the_world_s_x_axis():
    for yaw in (0.0, 1.5):
        _, observation = place(
            (3.0, 3.0, yaw),
            (1.0, 1.0, 0.0),
            fields={"lidar_rays": 4},
            walls=[(4.0, 3.0, 0.1, 0.5, 1.0), (3.0, 5.0, 0.5, 0.1, 1.0)],
        )
        assert observation["lidar"][0, 0].tolist() == pytest.approx([0.9, 1.9, 6.0, 6.0], abs=1e-3)


def test_order_of_agents_and_objects():
    places = [(1.0, 1.0, 0.0), (2.0, 1.0, 0.0), (3.0, 1.0, 0.0), (4.0, 1.0, 0.0)]
    fields = {"hiders": 2, "seekers": 2, "boxes": (1, 1), "ramps": 1}
    env, observation = place(*places, fields=fields, boxes=[body(1.0, 4.0)], ramps=[body(4.0, 4.0)])
    assert observation["self"][0, :, 0].tolist() == [1, 2, 3, 4]
    assert observation["self"][0, :, -2].tolist() == [1, 1, 0, 0]
    for agent in range(4):
        expected = [(agent - 1 - k) % 4 + 1 for k in range(3)]
        assert observation["agents"][0, agent, :, 0].tolist() == expected
    assert env.engine.pose[0, 4:, 0].tolist() == pytest.approx([1, 4])


def test_reach_and_letting_go():
    for gap, held in ((0.26, -1), (0.24, 0)):
        env, _ = place(
            (2.0, 3.0, math.pi / 2), (1.0, 1.0, 0.0), fields={"boxes": (1, 1)}, boxes=[body(2.25 + gap, 3.0)]
        )
        after(env, [5, 5, 5, 1, 0])
        assert env.get_state(torch.tensor([0])).grabs.holding[0, 0] == held
    after(env, NONE)
    assert env.get_state(torch.tensor([0])).grabs.holding[0, 0] == -1


def test_every_listed_scenario_has_the_documented_step():
    from envs.scenarios import SCENARIOS

    seconds = {name: round(scenario.step_seconds, 6) for name, scenario in SCENARIOS.items()}
    others = {"hide-and-seek/door": "`hide-and-seek/door`"} | {
        name: "`trade/...`" for name in seconds if name.startswith("trade/")
    }
    assert {name for name, value in seconds.items() if value != 0.075} == {*others}
    assert "0.075 s" in table()["units"]
    assert all(f"{seconds[name]:g} s in {words}" in table()["units"] for name, words in others.items())
