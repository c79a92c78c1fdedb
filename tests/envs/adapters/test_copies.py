"""A pickled or deep-copied environment continues exactly as the original."""

import copy
import pickle

import gymnasium
import numpy as np
import pettingzoo
import pytest
import torch
from gymnasium.utils.env_checker import data_equivalence

from envs.adapters.dm_env_adapter import HideSeekEnvironment
from envs.adapters.gymnasium_env import HideSeekEnv, HideSeekVectorEnv, environment_id
from envs.adapters.pettingzoo_env import env, parallel_env
from envs.batch_env import BatchEnv
from envs.scenarios import QUICKSTART, SCENARIOS, replace
from tests.envs.adapters.conftest import ALONE, SMALL, each_scenario
from tests.envs.history import assert_same, play

COPIES = {"pickle": lambda value: pickle.loads(pickle.dumps(value)), "deepcopy": copy.deepcopy}
GO = np.array([9, 3, 6, 1, 1])


@pytest.mark.parametrize("name", each_scenario(fast=[SMALL, "hide-and-seek/dynamic-food", "shelter"]))
def test_batch_env(name):
    original = BatchEnv(
        replace(SCENARIOS[name], horizon=12), 3, seed=1, threads=1, stagger=True, first_world=4, all_worlds=9
    )
    original.reseed(5)
    original.reset()
    play(original, 7)
    copied = pickle.loads(pickle.dumps(original))
    assert copied.first_world == 4 and copied.all_worlds == 9
    assert_same([copied.observe(), *play(copied, 20, seed=2)], [original.observe(), *play(original, 20, seed=2)])
    assert_same([copied.reset(), copied.state_dict()], [original.reset(), original.state_dict()])


def test_a_copy_before_the_first_reset():
    copied = copy.deepcopy(BatchEnv(QUICKSTART, 2, seed=3, threads=1))
    with pytest.raises(RuntimeError, match="call reset"):
        copied.step(torch.zeros(2, 2, 5, dtype=torch.int64))
    assert_same([copied.reset()], [BatchEnv(QUICKSTART, 2, seed=3, threads=1).reset()])


def rolled(made, step):
    """Some steps in the episode that runs, and the next two episodes' starts."""
    return [step(made) for _ in range(3)] + [made.reset(), step(made), made.reset()]


def step_parallel(made):
    return (*made.step(dict.fromkeys(made.agents, GO)), made.state())


def step_dm_env(made):
    outcome = made.step([GO, GO])
    return outcome.observation, outcome.reward, outcome.discount


def start_dm_env():
    made = HideSeekEnvironment(SMALL, seed=2)
    made.physics  # noqa: B018  # What the viewer looks at is no part of a copy.
    return made


KINDS = {
    "pettingzoo": (lambda: parallel_env(scenario=SMALL), step_parallel),
    "teams": (lambda: parallel_env(scenario=SMALL, seekers=3, random_team_sizes=True), step_parallel),
    "gymnasium": (lambda: HideSeekEnv(ALONE), lambda made: made.step(GO)),
    "vector": (lambda: HideSeekVectorEnv(SMALL, num_envs=4), lambda made: made.step(np.tile(GO, (4, 1)))),
    "made": (lambda: gymnasium.make(environment_id("blueprint")), lambda made: made.step(GO)),
    "dm_env": (start_dm_env, step_dm_env),
}


@pytest.mark.parametrize("make_copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize(("make", "step"), KINDS.values(), ids=KINDS)
def test_adapters(make, step, make_copy):
    original = make()
    original.reset()
    step(original)
    copied = make_copy(original)
    given, expected = (rolled(each, step) for each in (copied, original))
    if isinstance(original, HideSeekEnvironment):
        given, expected = ([tuple(part) for part in parts] for parts in (given, expected))
    assert data_equivalence(given, expected, exact=True)


def test_agents_who_choose_one_after_the_other():
    original = env(scenario=SMALL)
    original.reset(seed=1)
    original.step(GO)
    copied = pickle.loads(pickle.dumps(original))
    for made in (original, copied):
        made.step(GO)
    assert original.agent_selection == copied.agent_selection
    assert data_equivalence(original.last(), copied.last(), exact=True)


@pytest.mark.usefixtures("opengl")
def test_a_copy_draws_its_own_pictures():
    original = parallel_env(scenario=SMALL, render_mode="rgb_array", size=(64, 48))
    original.reset(seed=0)
    expected = original.render()
    copied = copy.deepcopy(original)
    original.close()
    np.testing.assert_array_equal(copied.render(), expected)
    copied.close()


def test_spaces_go_on_sampling():
    original = pettingzoo.make("parallel", environment_id(SMALL))
    original.action_space("hider_0").seed(3)
    copied = copy.deepcopy(original)
    np.testing.assert_array_equal(*(made.action_space("hider_0").sample() for made in (original, copied)))
