"""Environments in other processes and threads."""

import threading

import gymnasium
import numpy as np
import pytest
import torch

from envs.adapters.gymnasium_env import environment_id
from envs.adapters.pettingzoo_env import parallel_env
from envs.errors import UserError
from tests.envs.adapters.conftest import SMALL
from tests.envs.forking import in_a_fork


@pytest.fixture
def drawn(opengl):
    made = parallel_env(scenario=SMALL, render_mode="rgb_array", size=(64, 48))
    made.reset(seed=0)
    return made, made.render()


def test_gymnasium_s_async_environments_fork():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.rand(2000, 200).min(dim=1)
    try:
        made = gymnasium.make_vec(
            environment_id("blueprint"),
            num_envs=2,
            vectorization_mode="async",
            vector_kwargs={"context": "fork", "shared_memory": False},
        )
        made.reset_async(seed=0)
        made.reset_wait(timeout=60)
        made.step_async(np.tile([5, 5, 5, 0, 0], (2, 1)))
        observation, *_ = made.step_wait(timeout=60)
        assert len(observation["self"]) == 2
        made.close_extras(timeout=60)
    finally:
        torch.set_num_threads(before)


def test_pictures_in_another_thread(drawn):
    made, expected = drawn
    pictures = []
    thread = threading.Thread(target=lambda: pictures.append(made.render()))
    thread.start()
    thread.join(60)
    np.testing.assert_array_equal(pictures[0], expected)
    np.testing.assert_array_equal(made.render(), expected)
    thread = threading.Thread(target=made.close)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_no_pictures_after_a_fork_and_how_to_get_them(drawn):
    made, expected = drawn

    def inherited():
        with pytest.raises(UserError, match=r"forked.*'spawn' or 'forkserver'"):
            made.render()
        made.close()

    def own():
        child_s = parallel_env(scenario=SMALL, render_mode="rgb_array", size=(64, 48))
        child_s.reset()
        with pytest.raises(UserError, match=r"forked.*'spawn' or 'forkserver'"):
            child_s.render()

    in_a_fork(inherited)
    in_a_fork(own)
    np.testing.assert_array_equal(made.render(), expected)
