import dataclasses
from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode

from envs import scenarios
from envs.adapters.gymnasium_env import HideSeekEnv, HideSeekVectorEnv, environment_id
from envs.errors import UserError
from envs.layouts import generate
from envs.scenarios import SCENARIOS
from tests.envs.adapters.conftest import ALONE, ONE_AGENT, SMALL, each_scenario

UNBOUNDED = "ignore:.*A Box observation space (minimum|maximum) value"
STILL = np.array([5, 5, 5, 0, 0])


@pytest.fixture(scope="module")
def shared():
    return HideSeekEnv(ALONE)


@pytest.fixture
def alone(shared):
    shared.reset(seed=0)
    return shared


class TestSingle:
    @pytest.mark.filterwarnings(UNBOUNDED, "ignore:.*Not able to test alternative render modes")
    def test_gymnasium_s_own_check(self):
        check_env(HideSeekEnv(ALONE))

    @pytest.mark.filterwarnings(UNBOUNDED)
    @pytest.mark.parametrize("name", ONE_AGENT)
    def test_gymnasium_s_own_check_of_registered_tasks(self, name):
        check_env(gymnasium.make(environment_id(name)).unwrapped, skip_render_check=True)

    @pytest.mark.filterwarnings(UNBOUNDED)
    @pytest.mark.parametrize("name", ["trade/full", "trade/lite", "trade/haul", "trade/night-market"])
    def test_gymnasium_s_own_check_of_a_trader_alone(self, name):
        check_env(HideSeekEnv(scenarios.get(name, hiders=1)), skip_render_check=True)

    @pytest.mark.usefixtures("opengl")
    @pytest.mark.filterwarnings(UNBOUNDED, "ignore:.*Not able to test")
    def test_pictures(self):
        made = HideSeekEnv(ALONE, render_mode="rgb_array", size=(80, 60))
        check_env(made)
        assert made.render().shape == (60, 80, 3)
        made.close()

    def test_an_episode(self, alone):
        for step in range(20):
            _, reward, terminated, truncated, info = alone.step(STILL)
            assert (reward, terminated, truncated) == (0.0, step == 19, False)
        assert info["statistics"]["length"] == 20

    def test_max_steps_truncates(self):
        made = HideSeekEnv(ALONE, max_steps=2)
        made.reset()
        assert made.step(STILL)[2:4] == (False, False)
        assert made.step(STILL)[2:4] == (False, True)

    def test_seeds(self, alone):
        runs = [[alone.reset(seed=s), alone.step(STILL), alone.reset()] for s in (1, 1, 2)]
        assert data_equivalence(runs[0], runs[1], exact=True)
        assert not data_equivalence(runs[0], runs[2])

    @pytest.mark.parametrize("make", [partial(HideSeekEnv, ALONE), partial(HideSeekVectorEnv, ALONE)])
    def test_new_environments_start_differently(self, make):
        first, second = (make().reset()[0] for _ in range(2))
        assert not data_equivalence(first, second)

    @pytest.mark.parametrize("action", [STILL[:4], STILL.astype(float), STILL + 10, None])
    def test_bad_actions(self, alone, action):
        with pytest.raises(gymnasium.error.InvalidAction, match=r"hider_0.*MultiDiscrete"):
            alone.step(action)

    def test_step_before_reset_and_after_the_end(self):
        made = HideSeekEnv(ALONE, max_steps=1)
        with pytest.raises(gymnasium.error.ResetNeeded):
            made.step(STILL)
        made.reset()
        made.step(STILL)
        with pytest.raises(gymnasium.error.ResetNeeded):
            made.step(STILL)

    def test_several_agents(self):
        with pytest.raises(UserError, match=r"2 agents.*HideSeekVectorEnv or PettingZoo"):
            HideSeekEnv(SMALL)

    def test_unknown_options(self):
        with pytest.raises(UserError, match="did you mean 'horizon'"):
            HideSeekEnv(ALONE, horizn=3)
        with pytest.raises(gymnasium.error.UnsupportedMode):
            HideSeekEnv(ALONE, render_mode="ansi")


class TestVector:
    @pytest.mark.parametrize("name", each_scenario(fast=[SMALL, "hide-and-seek/food", "trade/lite", "trade/haul"]))
    def test_spaces_hold_to_the_end_and_beyond(self, name):
        agents = SCENARIOS[name].num_agents
        made = gymnasium.make_vec(environment_id(name), num_envs=2 * agents, horizon=SCENARIOS[name].horizon)
        observation, _ = made.reset(seed=0)
        made.action_space.seed(0)
        for _ in range(4):
            assert made.observation_space.contains(observation)
            observation, rewards, terminated, truncated, _ = made.step(made.action_space.sample())
            assert rewards.shape == terminated.shape == truncated.shape == (2 * agents,)
        assert terminated.dtype == truncated.dtype == np.bool_
        made.close()

    def test_autoreset_in_the_same_step(self):
        made = HideSeekVectorEnv(SMALL, num_envs=6, horizon=3, preparation_fraction=0.0)
        assert made.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        made.reset(seed=0)
        # The same world that goes on.
        same = HideSeekVectorEnv(SMALL, num_envs=6, horizon=80, preparation_fraction=0.0)
        same.reset(seed=0)
        actions = np.tile(STILL + np.array([5, 0, 0, 0, 0]), (6, 1))
        for _ in range(2):
            infos = made.step(actions)[4]
            same.step(actions)
            assert infos == {}
        observation, _, terminated, truncated, infos = made.step(actions)
        going_on, *_ = same.step(actions)
        assert terminated.all()
        assert not truncated.any()
        assert infos["_final_obs"].all()
        for row in range(6):
            assert made.single_observation_space.contains(infos["final_obs"][row])
            position = infos["final_obs"][row]["self"][:3]
            np.testing.assert_array_equal(position, going_on["self"][row, :3])
            assert not np.array_equal(position, observation["self"][row, :3])
        assert infos["final_info"]["length"].tolist() == [3.0] * 6
        assert infos["final_info"]["_length"].all()
        assert not made.step(actions)[2].any()

    @pytest.mark.parametrize("array", ["numpy", "torch"])
    def test_broken_physics_is_a_truncation(self, array):
        made = HideSeekVectorEnv(SMALL, num_envs=6, array=array)
        made.reset(seed=0)
        engine, middle = made.batch.engine, torch.tensor([False, True, False])
        engine.place(middle, engine.pose, engine.velocity + 1e4)
        _, _, terminated, truncated, infos = made.step(np.tile(STILL, (6, 1)))
        assert not terminated.any()
        assert truncated.tolist() == infos["_final_obs"].tolist() == [False, False, True, True, False, False]

    def test_numpy_and_torch_give_the_same(self):
        results = []
        for array in ("numpy", "torch"):
            made = HideSeekVectorEnv(SMALL, num_envs=4, array=array, horizon=2)
            observation, _ = made.reset(seed=4)
            steps = [made.step(np.tile(STILL, (4, 1))) for _ in range(2)]
            results.append((observation, [step[:4] for step in steps], steps[1][4]["final_obs"]))
        (obs_n, steps_n, final_n), (obs_t, steps_t, final_t) = results
        assert all(isinstance(values, torch.Tensor) for values in obs_t.values())
        assert data_equivalence(obs_n, {name: values.numpy() for name, values in obs_t.items()}, exact=True)
        for (_, *numbers), (_, *tensors) in zip(steps_n, steps_t, strict=True):
            assert all(np.array_equal(n, t.numpy()) for n, t in zip(numbers, tensors, strict=True))
        np.testing.assert_array_equal(final_n[3]["self"], final_t["self"][3].numpy())

    def test_rows_are_agents_of_worlds(self):
        made = HideSeekVectorEnv(SMALL, num_envs=6)
        observation, _ = made.reset(seed=0)
        hider = observation["self"][:, -2]
        assert hider.tolist() == [1, 0, 1, 0, 1, 0]
        own, other = observation["self"][::2, 0], made.batch.observe()["self"][:, 0, 0].numpy()
        np.testing.assert_array_equal(own, other)

    def test_random_team_sizes(self):
        made = HideSeekVectorEnv(SMALL, num_envs=24, hiders=2, seekers=2, random_team_sizes=True, horizon=1)
        _, infos = made.reset(seed=0)
        for _ in range(2):
            present = made.batch.present_agents.flatten().numpy()
            np.testing.assert_array_equal(infos["present"], present)
            assert not present.all()
            infos = made.step(np.tile(STILL, (24, 1)))[4]

    def test_gymnasium_s_statistics_wrapper(self):
        made = gymnasium.wrappers.vector.RecordEpisodeStatistics(HideSeekVectorEnv(SMALL, num_envs=2, horizon=3))
        made.reset(seed=0)
        for _ in range(3):
            infos = made.step(np.tile(STILL, (2, 1)))[4]
        assert infos["episode"]["l"].tolist() == [3, 3]

    @pytest.mark.parametrize(
        "actions",
        [
            np.zeros((4, 4), int),
            np.zeros((3, 5), int),
            np.zeros((4, 5)),
            np.zeros((4, 5), bool),
            "x",
            None,
            [[1], [2, 3]],
        ],
    )
    def test_bad_shapes_and_types(self, actions):
        made = HideSeekVectorEnv(SMALL, num_envs=4)
        made.reset()
        with pytest.raises(gymnasium.error.InvalidAction):
            made.step(actions)

    def test_bad_values_name_the_agent_and_the_space(self):
        made = HideSeekVectorEnv(SMALL, num_envs=4)
        made.reset()
        actions = np.tile(STILL, (4, 1))
        actions[3, 4] = 2
        with pytest.raises(gymnasium.error.InvalidAction, match=r"action 3 \(seeker_0 of world 1\).*MultiDiscrete"):
            made.step(actions)

    def test_step_before_reset(self):
        with pytest.raises(gymnasium.error.ResetNeeded):
            HideSeekVectorEnv(SMALL, num_envs=2).step(np.zeros((2, 5), int))

    def test_impossible_requests(self):
        with pytest.raises(UserError, match="multiple of its 2 agents"):
            HideSeekVectorEnv(SMALL, num_envs=3)
        with pytest.raises(UserError, match="'numpy' or 'torch'"):
            HideSeekVectorEnv(SMALL, num_envs=2, array="jax")
        with pytest.raises(UserError, match="reset_mask"):
            HideSeekVectorEnv(SMALL, num_envs=2).reset(options={"reset_mask": np.ones(2, bool)})
        with pytest.raises(UserError, match="unknown scenario option"):
            HideSeekVectorEnv(SMALL, num_envs=2, horizn=2)

    def test_one_agent(self):
        made = HideSeekVectorEnv(dataclasses.replace(ALONE, horizon=2), num_envs=3)
        assert "agents" not in made.single_observation_space.spaces
        made.reset(seed=0)
        made.step(np.tile(STILL, (3, 1)))
        assert made.step(np.tile(STILL, (3, 1)))[2].all()


@pytest.mark.parametrize(
    ("kind", "arguments"), [(HideSeekEnv, {"scenario": ALONE}), (HideSeekVectorEnv, {"scenario": SMALL, "num_envs": 4})]
)
def test_a_refused_reset_changes_nothing(kind, arguments):
    made, same = kind(**arguments), kind(**arguments)
    for each in (made, same):
        each.reset(seed=3)
    with pytest.raises(UserError, match="layout"):
        made.reset(seed=4, options={"layout": generate(scenarios.FULL, np.random.default_rng(0))})
    assert data_equivalence(made.reset(), same.reset(), exact=True)


def test_masks_have_a_whole_number_of_flags():
    """``MultiBinary((n,))`` has the same shape, but TorchRL takes n for a number."""
    space = HideSeekVectorEnv(SMALL, num_envs=2).single_observation_space["boxes_visible"]
    assert isinstance(space.n, int)


def test_every_scenario_is_registered():
    for name in scenarios.SCENARIOS:
        spec = gymnasium.spec(environment_id(name))
        assert spec.vector_entry_point is HideSeekVectorEnv
        assert spec.entry_point is HideSeekEnv


def test_one_environment_of_several_agents_says_what_to_use():
    with pytest.raises(UserError, match=r"has 2 agents and a Gymnasium environment one; use gymnasium\.make_vec"):
        gymnasium.make("hideseek/hide-and-seek-quickstart-v0")
