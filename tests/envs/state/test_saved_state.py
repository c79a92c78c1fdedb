"""State in, state out."""

import dataclasses
import math

import pytest
import torch
from torch.testing import assert_close

from envs.batch_env import BatchEnv
from envs.scenarios import FULL, QUADRANT, get
from tests.envs.history import assert_same, play, rest
from tests.envs.worlds import body, small, world

TILTING = dataclasses.replace(FULL, name="tilting boxes", tilting_boxes=True, preparation_fraction=0.0)
SHORT = dataclasses.replace(QUADRANT, name="short", horizon=10)
EAST = math.pi / 2


def flatten(state):
    flat = {}
    for name, value in vars(state).items():
        if isinstance(value, torch.Tensor):
            flat[name] = value
        else:
            inner = value if isinstance(value, dict) else vars(value)
            flat |= {f"{name}.{key}": v for key, v in inner.items()}
    return flat


class TestSomeWorlds:
    @pytest.mark.parametrize("scenario", [FULL, TILTING], ids=lambda s: s.name)
    def test_round_trip(self, scenario):
        """What was written is read back, and shows in the observation; other worlds are left alone."""
        source, target = (BatchEnv(scenario, 4, seed=1, threads=1) for _ in range(2))
        source.reset()
        target.reset()
        seen = play(source, 20)[-1]
        play(target, 7, seed=9)
        untouched = target.get_state(torch.tensor([0, 2]))
        chosen = torch.tensor([1, 3])
        state = source.get_state(chosen)
        observation = target.set_state(chosen, state)
        back = target.get_state(chosen)
        for name, value in flatten(state).items():
            if name in ("pose", "velocity"):  # Rows of absent boxes are ignored.
                present = source._worlds.present[chosen]
                assert torch.equal(flatten(back)[name][present], value[present]), name
            else:
                assert torch.equal(flatten(back)[name], value), name
        for name, value in observation.items():
            assert_close(value[chosen], seen[name][chosen], rtol=0, atol=1e-5, msg=name)
        for name, value in flatten(target.get_state(torch.tensor([0, 2]))).items():
            assert torch.equal(value, flatten(untouched)[name]), name

    @pytest.mark.parametrize("scenario", [FULL, get("trade/lite")], ids=lambda s: s.name)
    def test_worlds_in_any_order(self, scenario):
        envs = [BatchEnv(scenario, 4, seed=1, threads=1) for _ in range(3)]
        for env in envs:
            env.reset()
        play(envs[0], 20)
        for env, order in ((envs[1], [0, 1, 2, 3]), (envs[2], [3, 1, 2, 0])):
            chosen = torch.tensor(order)
            env.set_state(chosen, envs[0].get_state(chosen))
        ordered, mixed = (flatten(env.get_state(torch.arange(4))) for env in envs[1:])
        for name, value in ordered.items():
            assert torch.equal(value, mixed[name]), name

    def test_continues_like_the_original(self):
        """To the precision of float32; the solver's warm start is not part of the state."""
        s = small(name="continue", boxes=(0, 1), horizon=50)
        layout = world(s, [(2.5, 3.0, EAST)], [body(3.0, 3.0)])
        source, target = BatchEnv(s, 1, threads=1), BatchEnv(s, 1, threads=1)
        source.reset(layout)
        target.reset(layout)
        actions = rest(source)
        actions[0, 0] = torch.tensor([8, 5, 6, 1, 0])
        for _ in range(5):
            source.step(actions)
        one = torch.tensor([0])
        target.set_state(one, source.get_state(one))
        for _ in range(3):
            expected, got = source.step(actions), target.step(actions)
            assert_close(got.obs["boxes"], expected.obs["boxes"], rtol=0, atol=1e-4)
            assert_close(got.obs["self"], expected.obs["self"], rtol=0, atol=1e-3)
        assert (source.get_state(one).pose[0, 2, 0] - 3.0).abs() > 0.05

    def test_states_are_copies(self):
        env = BatchEnv(QUADRANT, 2, threads=1)
        env.reset()
        play(env, 3)
        state = env.get_state(torch.arange(2))
        before = {name: value.clone() for name, value in flatten(state).items()}
        play(env, 3)
        env.reset()
        for name, value in flatten(state).items():
            assert torch.equal(value, before[name]), name


class TestAllWorlds:
    def test_state_from_before_boxes_could_tilt(self):
        """Upright is what it meant."""
        original, restored = (BatchEnv(SHORT, 2, seed=2, threads=1) for _ in range(2))
        original.reset()
        play(original, 5)
        saved = original.state_dict()
        del saved["grabs.tilt"]
        restored.load_state_dict(saved)
        assert_same([restored.state_dict()], [original.state_dict()])

    @pytest.mark.parametrize(
        "scenario",
        [dataclasses.replace(FULL, horizon=15), SHORT, dataclasses.replace(TILTING, horizon=15)],
        ids=lambda s: s.name,
    )
    def test_is_exact_in_the_middle_of_an_episode(self, scenario):
        """Observations, rewards and statistics, over the ends of episodes, in an environment with another past."""
        original = BatchEnv(scenario, 4, seed=2, threads=1, stagger=True)
        original.reset()
        play(original, 12)
        saved = {name: value.clone() for name, value in original.state_dict().items()}
        expected = [original.observe(), *play(original, 20, seed=1)]
        restored = BatchEnv(scenario, 4, seed=2, threads=1)
        restored.reset()
        play(restored, 3, seed=7)
        observation = restored.load_state_dict(saved)
        assert_same([observation, *play(restored, 20, seed=1)][1:], expected[1:])
        assert any("stat/length" in step for step in expected[1:])
        assert_same([restored.state_dict()], [original.state_dict()])
        assert torch.equal(restored._generator.get_state(), original._generator.get_state())
        # Loading left the dictionary alone: it can be used again.
        restored.load_state_dict(saved)
        assert_same(play(restored, 5, seed=1), expected[1:6])

    def test_the_state_is_a_copy(self):
        env = BatchEnv(SHORT, 2, threads=1)
        env.reset()
        saved = env.state_dict()
        before = {name: value.clone() for name, value in saved.items()}
        play(env, 12)
        assert all(torch.equal(saved[name], before[name]) for name in saved)

    def test_the_observation_is_restored(self):
        env = BatchEnv(SHORT, 2, threads=1)
        env.reset()
        play(env, 4)
        expected, saved = env.observe(), env.state_dict()
        other = BatchEnv(SHORT, 2, threads=1)
        assert_same([other.load_state_dict(saved)], [expected])
