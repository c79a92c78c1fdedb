import gc

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.scenarios import QUICKSTART
from tests.envs.forking import in_a_fork
from tests.envs.worlds import NO_ACTION


@pytest.fixture(autouse=True)
def parent_with_threads():
    """The parent has computed in a pool of torch's threads, as every program has that stepped an environment."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.rand(2000, 200).min(dim=1)
    yield
    torch.set_num_threads(before)


def push(env, steps=3):
    """Return the rewards and the last observation of some steps with the same actions."""
    actions = torch.tensor(NO_ACTION).repeat(env.num_worlds, env.num_agents, 1) + torch.tensor([5, -5, 1, 1, 1])
    results = [env.step(actions) for _ in range(steps)]
    return torch.stack([r.reward for r in results]).numpy(), {n: v.numpy() for n, v in results[-1].obs.items()}


def begun():
    env = BatchEnv(QUICKSTART, num_worlds=300, seed=3, threads=2)  # Enough for torch to use its threads.
    env.reset()
    return env


def assert_same(given, expected):
    assert (given[0] == expected[0]).all()
    assert all((given[1][name] == values).all() for name, values in expected[1].items())


def test_a_forked_child_can_have_an_environment_of_its_own():
    expected = push(begun())
    assert_same(in_a_fork(lambda: push(begun())), expected)


def test_an_environment_goes_on_in_a_forked_child_bit_for_bit():
    """From where it was saved; else bodies that slept are awake in the child, and last digits differ."""
    env = begun()
    push(env)
    env.state_dict()
    given = in_a_fork(lambda: push(env))
    assert_same(given, push(env))


@pytest.mark.parametrize("call", ["reset", "state_dict", "observe"])
def test_the_first_call_in_the_child_may_be_any(call):
    env = begun()
    assert in_a_fork(lambda: getattr(env, call)() is not None)


def test_a_child_of_a_child():
    env = begun()

    def pushed_and_saved():
        push(env)
        return bool(env.state_dict())

    given = in_a_fork(lambda: pushed_and_saved() and in_a_fork(lambda: push(env)))
    pushed_and_saved()
    assert_same(given, push(env))


def test_an_inherited_environment_can_be_closed():
    env = begun()

    def close():
        env.close()
        return gc.collect()

    in_a_fork(close)
    push(env)
