"""A call that is refused leaves nothing of itself behind: check all, then write."""

import dataclasses

import numpy as np
import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import LayoutStream, generate, stream
from envs.scenarios import DYNAMIC_FOOD, FULL, QUICKSTART, get
from tests.envs.history import assert_same, play

WORLDS = torch.tensor([0, 2])


def one_layout(scenario):
    return generate(scenario, np.random.default_rng(0))


@pytest.fixture
def env():
    made = BatchEnv(dataclasses.replace(DYNAMIC_FOOD, horizon=12), 3, seed=1, threads=1)
    made.reset()
    play(made, 5)
    return made


def refused(env, call, message):
    """The call is refused, and the world goes on as if it had never been made."""
    before = env.state_dict()
    with pytest.raises(UserError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert_same([env.state_dict()], [before])


def part(state, path):
    *owners, name = path.split(".")
    for owner in owners:
        state = getattr(state, owner)
    return (state, name) if isinstance(state, dict) else (vars(state), name)


@pytest.mark.parametrize(
    "path",
    [
        "pose",
        "velocity",
        "visible",
        "steps",
        "grabs.holding",
        "grabs.tilt",
        "locks.locked",
        "locks.pose",
        "game.food/place",
    ],
)
def test_a_state_of_the_wrong_shape(env, path):
    state = env.get_state(WORLDS)
    owner, name = part(state, path)
    owner[name] = owner[name][:1]
    refused(env, lambda: env.set_state(WORLDS, state), f"'{name}' of the state.* has shape")


@pytest.mark.parametrize(("path", "value"), [("grabs.holding", 99), ("grabs.holding", -2), ("locks.locker", 4)])
def test_a_state_that_names_what_does_not_exist(env, path, value):
    state = env.get_state(WORLDS)
    owner, name = part(state, path)
    owner[name] = torch.full_like(owner[name], value)
    refused(env, lambda: env.set_state(WORLDS, state), "do not exist")


def test_a_state_of_another_game(env):
    state = env.get_state(WORLDS)
    state.game["site/points"] = torch.zeros(2, 1)
    refused(env, lambda: env.set_state(WORLDS, state), "'game.site/points'")


@pytest.mark.parametrize(
    "worlds",
    [torch.tensor([0, 3]), torch.tensor([-1, 0]), torch.tensor([True, False]), WORLDS[None], torch.tensor([1, 1])],
)
def test_worlds_that_do_not_exist(env, worlds):
    state = env.get_state(WORLDS)
    refused(env, lambda: env.set_state(worlds, state), r"integers in 0\.\.2")


@pytest.mark.parametrize("other", [BatchEnv(DYNAMIC_FOOD, 2, threads=1), BatchEnv(QUICKSTART, 3, threads=1)])
def test_a_saved_state_of_other_worlds(env, other):
    refused(env, lambda: env.load_state_dict(other.state_dict()), "another scenario")


@pytest.mark.parametrize("layout", [3, one_layout(DYNAMIC_FOOD), one_layout(FULL)], ids=["number", "one", "other"])
def test_a_layout_that_does_not_fit(env, layout):
    refused(env, lambda: env.reset(layout), "layout")


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_a_seed_out_of_range(env, seed):
    refused(env, lambda: env.reseed(seed), f"seed is {seed}")
    expected, given = BatchEnv(env.scenario, 3, seed=2**32 - 1, threads=1), BatchEnv(env.scenario, 3, threads=1)
    given.reseed(2**32 - 1)
    assert_same([given.reset()], [expected.reset()])


def test_layouts_that_cannot_be_made_use_up_none(monkeypatch):
    """The second world's layout fails: the first world's is not lost."""
    made, real = [], stream.draw_start

    def fail_once(*args):
        made.append(args)
        if len(made) == 2:
            raise UserError("no room")
        return real(*args)

    monkeypatch.setattr(stream, "draw_start", fail_once)
    layouts = LayoutStream(get("hide-and-seek/quickstart"), seed=4, num_worlds=3)
    everywhere = torch.arange(3)
    with pytest.raises(UserError, match="no room"):
        layouts.draw(everywhere)
    expected = LayoutStream(get("hide-and-seek/quickstart"), seed=4, num_worlds=3).draw(everywhere)
    assert torch.equal(layouts.draw(everywhere).agent_pose, expected.agent_pose)
