"""Episodes that begin in kept states."""

import copy

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.scenarios import get
from envs.starts import FRESH, Starts
from tests.envs.worlds import needs_warp

W = 4
ENGINES = ["mujoco", pytest.param("warp", marks=[needs_warp, pytest.mark.warp])]


def make(name="hide-and-seek/quadrant", engine="mujoco", seed=3, **fields):
    env = BatchEnv(get(name, horizon=30, **fields), W, seed, engine=engine)
    env.keep_starts()
    env.reset()
    return env


def play(env, steps, generator):
    return [env.step(random_actions(env, generator)) for _ in range(steps)]


def end_episode(env, generator):
    while not env.step(random_actions(env, generator)).done.any():
        pass


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["hide-and-seek/quadrant", "hide-and-seek/food"])
def test_an_episode_goes_on_as_the_one_that_was_left(name, engine):
    """Other worlds, other layouts, another clock: what follows is the same but for the solver's rounding."""
    generator = torch.Generator().manual_seed(0)
    first, second = make(name, engine), make(name, engine, seed=8)
    play(first, 12, generator)
    states = first.capture(torch.arange(W))
    second.starts.offer(torch.arange(W)[:, None] + 5, states)
    end_episode(second, generator)
    assert second.starts.origin.tolist() == [5, 6, 7, 8]
    ours, theirs = second.capture(torch.arange(W)), states
    for part, tensor in theirs.tensors.items():
        assert torch.allclose(ours.tensors[part].float(), tensor.float(), atol=1e-5), part
    for _ in range(2):  # Contacts let them part later.
        actions = random_actions(first, generator)
        a, b = first.step(actions), second.step(actions)
        for kind, values in a.obs.items():
            assert torch.allclose(values.float(), b.obs[kind].float(), atol=1e-3), kind
        assert torch.equal(a.reward, b.reward)


def test_the_clock_goes_on_and_the_episode_ends_at_the_horizon():
    generator = torch.Generator().manual_seed(0)
    env = make("hide-and-seek/quickstart")
    play(env, 25, generator)
    states = env.capture(torch.arange(W))
    end_episode(env, generator)
    env.starts.offer(torch.tensor([[1], [FRESH], [2], [FRESH]]), states)
    end_episode(env, generator)
    done = torch.stack([step.done for step in play(env, 30, generator)])
    assert done[4].tolist() == [True, False, True, False]
    assert done[29].tolist() == [False, True, False, True]


def test_starts_are_used_once_each_and_then_episodes_begin_fresh():
    generator = torch.Generator().manual_seed(0)
    env = make("hide-and-seek/quickstart")
    play(env, 20, generator)
    states = env.capture(torch.arange(W).repeat_interleave(2))
    numbers = torch.arange(2 * W).view(W, 2)
    env.starts.offer(numbers, states)
    origins = [env.starts.origin]
    for _ in range(45):
        play(env, 1, generator)
        if not torch.equal(env.starts.origin, origins[-1]):
            origins.append(env.starts.origin)
    assert [o.tolist() for o in origins] == [[FRESH] * W, [0, 2, 4, 6], [1, 3, 5, 7], [FRESH] * W]


def test_worlds_that_are_offered_nothing_play_as_ever():
    generator = torch.Generator().manual_seed(0)
    plain = BatchEnv(get("hide-and-seek/quickstart", horizon=10), W, 3, stagger=True)
    plain.reset()
    kept = BatchEnv(plain.scenario, W, 3, stagger=True)
    kept.keep_starts()
    kept.reset()
    kept.starts.offer(torch.full((W, 1), FRESH), kept.capture(torch.arange(W)))
    for _ in range(25):
        actions = random_actions(plain, generator)
        a, b = plain.step(actions), kept.step(actions)
        assert all(torch.equal(values, b.obs[kind]) for kind, values in a.obs.items())


def test_copies_and_saved_states_know_where_episodes_began():
    generator = torch.Generator().manual_seed(0)
    env = make("hide-and-seek/quickstart")
    play(env, 20, generator)
    env.starts.offer(torch.arange(W)[:, None], env.capture(torch.arange(W)))
    end_episode(env, generator)
    twin = copy.deepcopy(env)
    assert twin.starts.origin.tolist() == [0, 1, 2, 3]
    twin.step(actions := random_actions(env, generator))
    env.step(actions)
    ours, theirs = (each.capture(torch.arange(W)) for each in (env, twin))
    assert all(torch.equal(tensor, theirs.tensors[name]) for name, tensor in ours.tensors.items())


def test_rows_of_starts():
    env = make("hide-and-seek/quickstart")
    states = env.capture(torch.arange(W))
    again = Starts.of(states.layout, states.state)
    assert again.tensors.keys() == states.tensors.keys()
    room = states.room_for(10)
    room.put(torch.tensor([9, 2]), states.select(torch.tensor([1, 3])))
    pose = room.tensors["state.pose"]
    assert torch.equal(pose[9], states.tensors["state.pose"][1])
    assert torch.equal(pose[2], states.tensors["state.pose"][3])
    assert len(room) == 10 and len(Starts.join([room, states])) == 10 + W


@pytest.mark.parametrize("name", ["hide-and-seek/quadrant", "hide-and-seek/full"])
def test_ten_thousand_take_less_than_100_mb(name):
    env = BatchEnv(get(name), 1)
    env.keep_starts()
    states = env.capture(torch.arange(1))
    assert 10_000 * sum(tensor.nbytes for tensor in states.tensors.values()) < 100e6
