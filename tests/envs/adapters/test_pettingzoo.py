import copy
import os
import types
from functools import partial

import gymnasium
import numpy as np
import pettingzoo
import pytest
import torch
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import max_cycles_test, parallel_api_test, parallel_seed_test, render_test, state_test

from envs import scenarios
from envs.adapters import pettingzoo_env
from envs.adapters.pettingzoo_env import env, environment_id, parallel_env
from envs.errors import UserError
from envs.layouts import generate
from envs.scenarios import SCENARIOS
from tests.envs.adapters.conftest import SMALL, each_scenario

UNBOUNDED = "ignore:Environment's (minimum|maximum) state space value"
STILL = np.array([5, 5, 5, 0, 0])


def make(name, **options):
    return pettingzoo.make("parallel", environment_id(name), **options)


@pytest.fixture(scope="module")
def shared():
    return parallel_env(scenario=SMALL)


@pytest.fixture
def small(shared):
    shared.reset(seed=0)
    return shared


def still(made, **replaced):
    return dict.fromkeys(made.agents, STILL) | replaced


class TestConformance:
    @pytest.mark.filterwarnings("ignore:No agents present")  # With random team sizes some never were.
    @pytest.mark.parametrize("name", each_scenario(fast=SCENARIOS))
    def test_parallel_api(self, name):
        parallel_api_test(make(name), num_cycles=8)

    @pytest.mark.parametrize("name", each_scenario(fast=[SMALL, "hide-and-seek/food", "trade/lite", "trade/haul"]))
    def test_same_seed_same_episode(self, name):
        parallel_seed_test(partial(make, name), num_cycles=5)

    @pytest.mark.filterwarnings(UNBOUNDED)
    @pytest.mark.parametrize("name", each_scenario(fast=[SMALL, "hide-and-seek/food", "trade/lite", "trade/haul"]))
    def test_state(self, name):
        state_test(env(scenario=name), make(name), num_cycles=5)

    @pytest.mark.parametrize("name", each_scenario(fast=[SMALL]))
    def test_max_cycles(self, name):
        max_cycles_test(
            types.SimpleNamespace(parallel_env=partial(parallel_env, scenario=name), env=partial(env, scenario=name))
        )

    @pytest.mark.usefixtures("opengl")
    @pytest.mark.parametrize("name", each_scenario(fast=[SMALL]))
    def test_render(self, name):
        """Every render mode if there is a display, else pictures only."""

        def make_env(**kwargs):
            made = env(scenario=name, **kwargs)
            if not os.environ.get("DISPLAY"):
                made.metadata["render_modes"] = ["rgb_array"]
            return made

        render_test(make_env)

    def test_observations_stay_in_their_spaces_to_the_end(self):
        made = make(SMALL, horizon=12)
        observations, _ = made.reset(seed=1)
        while made.agents:
            for agent, observation in observations.items():
                assert made.observation_space(agent).contains(observation)
            assert made.state_space.contains(made.state())
            observations, rewards, terminated, truncated, infos = made.step(
                {agent: made.action_space(agent).sample() for agent in made.agents}
            )
        assert all(terminated.values())
        assert not any(truncated.values())
        assert set(rewards) == set(infos) == {"hider_0", "seeker_0"}
        assert infos["hider_0"]["statistics"]["length"] == 12

    def test_the_default_length_is_the_scenario_s(self):
        made = make(SMALL, horizon=3)
        made.reset()
        lengths = 0
        while made.agents:
            made.step(still(made))
            lengths += 1
        assert lengths == 3


class TestEpisodes:
    def test_a_seed_gives_what_a_new_environment_gives_bit_for_bit(self):
        used, new = make("hide-and-seek/full"), make("hide-and-seek/full")
        used.reset(seed=3)
        for _ in range(7):
            used.step({agent: used.action_space(agent).sample() for agent in used.agents})
        actions = [{a: new.action_space(a).sample() for a in new.possible_agents} for _ in range(10)]
        results = []
        for made in (used, new):
            results.append([made.reset(seed=8), *[made.step(action) for action in actions], made.reset()])
        assert data_equivalence(*results, exact=True)

    def test_episodes_differ_without_a_seed(self, small):
        first, second = small.reset()[0]["hider_0"]["self"], small.reset()[0]["hider_0"]["self"]
        assert not np.array_equal(first, second)

    def test_new_environments_start_differently_without_a_seed(self):
        starts = [parallel_env(scenario=SMALL).reset()[0]["hider_0"]["self"][:2].tolist() for _ in range(3)]
        aec = env(scenario=SMALL)
        aec.reset()
        starts.append(aec.observe("hider_0")["self"][:2].tolist())
        assert len(set(map(tuple, starts))) == 4

    def test_with_a_seed_every_later_episode_is_decided(self):
        runs = []
        for _ in range(2):
            made = parallel_env(scenario=SMALL)
            runs.append([made.reset(seed=5), made.reset(), made.step(still(made)), made.reset()])
        assert data_equivalence(*runs, exact=True)

    def test_a_layout_decides_the_start(self, small):
        layout = generate(small.scenario, np.random.default_rng(5))
        observations, _ = small.reset(options={"layout": layout})
        torch.testing.assert_close(observations["seeker_0"]["self"][:2], layout.agent_pose[0, 1, :2].numpy())

    def test_what_an_agent_does_not_see_is_zero(self):
        made = make("hide-and-seek/full")
        observations, _ = made.reset(seed=2)
        hidden = 0
        for observation in observations.values():
            for kind in ("agents", "boxes", "ramps"):
                unseen = observation[f"{kind}_visible"] == 0
                assert not observation[kind][unseen].any()
                hidden += unseen.sum()
        assert hidden > 0

    def test_observations_are_the_user_s_to_keep(self, small):
        before, _ = small.reset(seed=0)
        kept = copy.deepcopy(before)
        for _ in range(3):
            small.step(still(small, hider_0=np.array([10, 10, 10, 1, 1])))
        assert data_equivalence(before, kept, exact=True)

    def test_random_team_sizes(self):
        made = parallel_env(scenario=SMALL, hiders=3, seekers=3, random_team_sizes=True, max_cycles=2)
        assert len(made.possible_agents) == 6
        teams = set()
        for _ in range(12):
            observations, infos = made.reset()
            teams.add(tuple(made.agents))
            assert observations.keys() == infos.keys() == set(made.agents)
            rest = [agent for agent in made.possible_agents if agent not in made.agents]
            if rest:
                with pytest.raises(AssertionError, match=f"unknown agent '{rest[0]}'"):
                    made.step(still(made, **{rest[0]: STILL}))
            assert made.step(still(made))[1].keys() == observations.keys()
        assert len(teams) > 3
        assert all("hider_0" in team and "seeker_0" in team for team in teams)

    @pytest.mark.filterwarnings(UNBOUNDED, "ignore:No agents present")
    def test_conformance_with_random_team_sizes(self):
        options = {"hiders": 2, "seekers": 2, "random_team_sizes": True}
        parallel_api_test(parallel_env(scenario=SMALL, **options), num_cycles=5)
        state_test(env(scenario=SMALL, **options), parallel_env(scenario=SMALL, **options), num_cycles=5)

    def test_a_custom_scenario_and_options(self):
        made = parallel_env(scenario=scenarios.QUICKSTART, seekers=2)
        assert made.possible_agents == ["hider_0", "seeker_0", "seeker_1"]
        assert str(made) == SMALL


BAD_ACTIONS = {
    "short": np.array([5, 5, 5, 0]),
    "deep": np.array([[5, 5, 5, 0, 0]]),
    "float": np.array([5.0, 5.0, 5.0, 0.0, 0.0]),
    "bool": np.array([True] * 5),
    "high": np.array([11, 5, 5, 0, 0]),
    "low": np.array([-1, 5, 5, 0, 0]),
    "high switch": np.array([5, 5, 5, 0, 2]),
    "none": None,
    "text": "left",
    "ragged": [[1, 2], [3]],
    "number": 5,
}


class TestMistakes:
    @pytest.mark.parametrize("action", BAD_ACTIONS.values(), ids=BAD_ACTIONS)
    def test_bad_actions_name_the_agent_and_the_space(self, small, action):
        message = r"action of seeker_0.*MultiDiscrete\(\[11, 11, 11, 2, 2\]\)"
        with pytest.raises(gymnasium.error.InvalidAction, match=message) as raised:
            small.step(still(small, seeker_0=action))
        assert isinstance(raised.value, AssertionError)
        assert isinstance(raised.value, ValueError)

    def test_a_bad_action_changes_nothing(self, small):
        before = small.state()
        with pytest.raises(AssertionError):
            small.step(still(small, seeker_0=BAD_ACTIONS["high"]))
        np.testing.assert_array_equal(small.state(), before)

    def test_a_refused_action_is_forgotten(self):
        """Also that of an agent who is absent from the episodes that follow."""
        made = parallel_env(scenario=SMALL, seekers=2, random_team_sizes=True, max_cycles=1)
        made.reset(seed=0)
        while "seeker_1" not in made.agents:
            made.reset()
        with pytest.raises(AssertionError, match="action of seeker_1"):
            made.step(still(made, seeker_1=BAD_ACTIONS["high"]))
        while "seeker_1" in made.agents:
            made.reset()
        made.step(still(made))

    @pytest.mark.parametrize("layout", ["x", generate(scenarios.FULL, np.random.default_rng(0))], ids=["text", "other"])
    def test_a_refused_reset_changes_nothing(self, layout):
        made, same = (parallel_env(scenario=SMALL) for _ in range(2))
        for each in (made, same):
            each.reset(seed=3)
        with pytest.raises(UserError, match="layout"):
            made.reset(seed=4, options={"layout": layout})
        assert data_equivalence(made.step(still(made)), same.step(still(same)), exact=True)
        assert data_equivalence(made.reset(), same.reset(), exact=True)

    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_impossible_seeds(self, small, seed):
        with pytest.raises(UserError, match=f"seed is {seed}"):
            small.reset(seed=seed)

    @pytest.mark.parametrize("action", [[5, 5, 5, 0, 0], STILL.astype(np.int8), STILL.astype(np.uint64)])
    def test_any_integers_will_do(self, small, action):
        small.step(still(small, seeker_0=action))

    def test_unknown_agents(self, small):
        with pytest.raises(AssertionError, match=r"unknown agent 'hider_7'.*hider_0.*seeker_0"):
            small.step(still(small, hider_7=STILL))

    def test_missing_agents(self, small):
        with pytest.raises(AssertionError, match=r"no action for agent 'seeker_0'.*MultiDiscrete"):
            small.step({"hider_0": STILL})

    @pytest.mark.parametrize("kind", [AssertionError, gymnasium.error.ResetNeeded])
    def test_step_before_reset(self, kind):
        with pytest.raises(kind, match=r"call reset\(\)"):
            parallel_env(scenario=SMALL).step({})

    def test_step_after_the_end(self):
        made = parallel_env(scenario=SMALL, max_cycles=1)
        made.reset()
        made.step(still(made))
        with pytest.raises(AssertionError, match=r"call reset\(\)"):
            made.step({})

    def test_unknown_options(self):
        with pytest.raises(UserError, match="unknown scenario option 'hidrs', did you mean 'hiders'"):
            parallel_env(scenario=SMALL, hidrs=2)
        with pytest.raises(UserError, match="unknown scenario option 'hidrs'"):
            parallel_env(scenario=scenarios.QUICKSTART, hidrs=2)
        with pytest.raises(UserError, match="unknown scenario"):
            parallel_env(scenario="hide-and-seek/ful")
        with pytest.raises(gymnasium.error.UnsupportedMode, match="rgb_array"):
            parallel_env(scenario=SMALL, render_mode="rgb")

    @pytest.mark.usefixtures("no_display")
    def test_human_without_a_display(self):
        made = parallel_env(scenario=SMALL, render_mode="human")
        with pytest.raises(UserError, match=r"needs a display.*rgb_array"):
            made.reset()
        with pytest.raises(gymnasium.error.ResetNeeded):
            made.step({})

    def test_render_without_a_mode(self, small):
        with pytest.warns(UserWarning, match="render_mode"):
            assert small.render() is None


@pytest.mark.usefixtures("opengl")
def test_pictures_follow_the_world():
    made = parallel_env(scenario=SMALL, render_mode="rgb_array", size=(96, 64))
    made.reset(seed=0)
    first = made.render()
    assert first.shape == (64, 96, 3)
    np.testing.assert_array_equal(made.render(), first)
    for _ in range(5):
        made.step(still(made, hider_0=np.array([10, 10, 10, 0, 0])))
    assert not np.array_equal(made.render(), first)
    made.reset()
    assert made.render().std() > 5  # Another layout, not an empty picture.
    made.close()
    made.close()


def test_scenarios_of_the_user_can_be_registered(monkeypatch):
    monkeypatch.setattr(pettingzoo_env, "SCENARIOS", {"mine/own": scenarios.QUICKSTART})
    pettingzoo_env.register_envs()
    pettingzoo_env.register_envs()
    assert "hideseek/mine-own-v0" in pettingzoo.parallel_registry
    del pettingzoo.parallel_registry["hideseek/mine-own-v0"], pettingzoo.aec_registry["hideseek/mine-own-v0"]


def test_the_version_may_be_left_out():
    assert pettingzoo.make("parallel", "hideseek/hide-and-seek-quickstart").scenario.name == SMALL
