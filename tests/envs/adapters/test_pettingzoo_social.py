import types
from functools import partial

import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, max_cycles_test, parallel_api_test, parallel_seed_test, render_test, state_test

from envs.adapters.pettingzoo_social import SocialParallelEnv, environment_id, social_env, social_parallel_env
from envs.adapters.spaces import InvalidActionError, ResetNeededError
from envs.errors import UserError
from envs.social.catalogue import GAMES

VARIANTS = [
    *((name, {}) for name in GAMES),
    ("donation-game", {"judges": True, "pairing": "one"}),
    ("cleanup", {"apples": "level"}),
]
each_variant = pytest.mark.parametrize("name, options", VARIANTS)


def make(name, **options):
    return pettingzoo.make("parallel", environment_id(name), **options)


@each_variant
class TestConformance:
    def test_parallel_api(self, name, options):
        parallel_api_test(make(name, **options), num_cycles=50)

    def test_aec_api(self, name, options):
        api_test(pettingzoo.make("aec", environment_id(name), **options), num_cycles=50)

    def test_same_seed_same_episode(self, name, options):
        parallel_seed_test(partial(make, name, **options), num_cycles=20)

    def test_state(self, name, options):
        state_test(social_env(game=name, **options), make(name, **options), num_cycles=20)

    def test_max_cycles(self, name, options):
        made = {"parallel_env": social_parallel_env, "env": social_env}
        max_cycles_test(
            types.SimpleNamespace(**{key: partial(value, game=name, **options) for key, value in made.items()})
        )

    def test_render(self, name, options):
        render_test(partial(social_env, game=name, **options))

    def test_observations_stay_in_their_spaces_to_the_end(self, name, options):
        made = make(name, **options)
        observations, _ = made.reset(seed=1)
        steps = 0
        while made.agents:
            for agent, seen in observations.items():
                assert made.observation_space(agent).contains(seen)
            observations, *_, truncated, _ = made.step(
                {agent: made.action_space(agent).sample() for agent in made.agents}
            )
            steps += 1
        assert steps == made.game.horizon and all(truncated.values())


def test_observations_and_state_are_copies():
    made = make("donation-game")
    observations, _ = made.reset(seed=0)
    kept = {agent: seen.copy() for agent, seen in observations.items()}
    state = made.state()
    made.step(dict.fromkeys(made.agents, 1))
    assert all(np.array_equal(kept[agent], seen) for agent, seen in observations.items())
    assert np.array_equal(state, np.concatenate(list(kept.values())))


def test_human_mode_prints_every_step(capsys):
    made = make("donation-game", render_mode="human")
    made.reset(seed=0)
    made.step(dict.fromkeys(made.agents, 1))
    assert capsys.readouterr().out.count("reputation ") == 2


def test_a_donation_pays():
    made = make("donation-game", agents=2, benefit=7.0, cost=2.0)
    made.reset(seed=0)
    assert made.step({"agent_0": 1, "agent_1": 0})[1] == {"agent_0": -2.0, "agent_1": 7.0}


def test_mistakes_are_told():
    made = SocialParallelEnv("donation-game", agents=4)
    with pytest.raises(ResetNeededError):
        made.step({})
    made.reset()
    with pytest.raises(InvalidActionError, match="no action for agent 'agent_3'"):
        made.step({"agent_0": 0, "agent_1": 0, "agent_2": 0})
    with pytest.raises(InvalidActionError, match="action for unknown agent 'me'"):
        made.step(dict.fromkeys([*made.agents, "me"], 0))
    with pytest.raises(InvalidActionError, match="action of agent_2 is 2"):
        made.step({"agent_0": 0, "agent_1": 0, "agent_2": 2, "agent_3": 0})
    with pytest.raises(UserError, match="unknown social game 'donations'"):
        SocialParallelEnv("donations")
    with pytest.raises(UserError, match="max_cycles is 0"):
        SocialParallelEnv(max_cycles=0)
