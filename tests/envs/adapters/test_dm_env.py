import copy
import os
import subprocess
import sys
import unittest
from pathlib import Path

import dm_env
import numpy as np
import pytest
from dm_env import test_utils

from envs.adapters.dm_env_adapter import HideSeekEnvironment
from envs.errors import UserError
from tests.envs.adapters.conftest import ALONE, SMALL, each_scenario

STILL = np.array([5, 5, 5, 0, 0])


class Suite(test_utils.EnvironmentTestMixin, unittest.TestCase):
    """dm_env's own tests, over two episodes and the step between."""

    __test__ = False
    scenario = SMALL
    horizon: dict = {"horizon": 7}  # noqa: RUF012

    def make_object_under_test(self):
        return HideSeekEnvironment(self.scenario, seed=0, **self.horizon)

    def make_action_sequence(self):
        for _ in range(18):
            yield self.make_action()


class TestTeams(Suite):
    __test__ = True


class TestAlone(Suite):
    __test__ = True
    scenario = ALONE


@pytest.mark.parametrize("name", each_scenario(fast=["hide-and-seek/full"]))
def test_dm_env_s_own_tests(name):
    kind = type("Named", (Suite,), {"scenario": name, "horizon": {}})
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
    assert result.testsRun >= 4
    assert result.wasSuccessful(), result.errors + result.failures


def test_the_end_has_discount_zero_and_the_next_step_starts_again():
    made = HideSeekEnvironment(SMALL, seed=0, horizon=2)
    steps = [made.step([STILL, STILL]) for _ in range(5)]
    kinds = dm_env.StepType
    assert [s.step_type for s in steps] == [kinds.FIRST, kinds.MID, kinds.LAST, kinds.FIRST, kinds.MID]
    assert (steps[1].discount, steps[2].discount) == (1.0, 0.0)


def test_seeds():
    first, second, other = (HideSeekEnvironment(SMALL, seed=s).reset().observation[0]["self"] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_new_environments_start_differently_without_a_seed():
    first, second = (HideSeekEnvironment(SMALL).reset().observation[0]["self"] for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("action", [STILL[:4], STILL.astype(np.float32), STILL + 10, STILL - 6])
def test_bad_actions_name_the_agent(action):
    made = HideSeekEnvironment(SMALL, seed=0)
    made.reset()
    with pytest.raises(ValueError, match="action of seeker_0"):
        made.step([STILL, action])


@pytest.mark.parametrize("actions", [[STILL], None, 5, [STILL, STILL, STILL]])
def test_the_wrong_number_of_actions(actions):
    made = HideSeekEnvironment(SMALL, seed=0)
    made.reset()
    with pytest.raises(ValueError, match="2 actions, for hider_0, seeker_0"):
        made.step(actions)


def test_unknown_options():
    with pytest.raises(UserError, match="unknown scenario option"):
        HideSeekEnvironment(SMALL, hidrs=1)


def test_the_physics_follows_the_world():
    made = HideSeekEnvironment(SMALL, seed=0)
    made.reset()
    physics, first = made.physics, made.physics.data.ptr
    assert (physics.time(), physics.timestep(), made.control_timestep()) == (0.0, 0.005, 0.075)
    made.step([STILL, STILL])
    assert physics.time() == pytest.approx(0.075)
    agent = made._world.batch.engine.pose[0, 0, :3].numpy()
    np.testing.assert_allclose(physics.data.body("agent0/body").xpos, agent, atol=1e-5)
    assert physics.model.id2name(1, "camera") == "top"
    assert copy.deepcopy(physics.data).time == physics.time()
    made.reset()
    assert made.physics is physics and physics.data.ptr is not first  # How the viewer tells a new episode.


def test_the_physics_draws(opengl):
    made = HideSeekEnvironment(SMALL, seed=0)
    made.reset()
    above, aside = (made.physics.render(48, 64, camera) for camera in ("top", "overview"))
    assert above.shape == (48, 64, 3) and above.std() > 5
    assert not np.array_equal(above, aside)
    assert made.physics.render(24, 32).shape == (24, 32, 3)
    made.close()
    made.close()


def test_the_spec_of_a_step():
    made = HideSeekEnvironment(ALONE, seed=0)
    step, spec = made.step(STILL), made.step_spec()
    spec.step_type.validate(np.int64(step.step_type))
    assert spec.reward == made.reward_spec()
    assert spec.observation.keys() == step.observation.keys()


@pytest.mark.filterwarnings("ignore")
def test_it_has_dm_control_s_interface(no_display):
    control = pytest.importorskip("dm_control.rl.control")
    made = HideSeekEnvironment(ALONE, seed=0)
    assert {name for name in dir(control.Environment) if not name.startswith("_")} <= set(dir(made))


@pytest.mark.filterwarnings("ignore")
def test_dm_control_s_viewer_can_run_it(no_display):
    runtime = pytest.importorskip("dm_control.viewer.runtime")
    made = HideSeekEnvironment(SMALL, seed=0, horizon=3)
    shown, changes, errors = runtime.Runtime(made), [], []
    shown.on_physics_changed += lambda: changes.append(made.physics)
    shown.on_error += errors.append
    for _ in range(6):
        shown.tick(0.1, False)
    assert not errors
    assert shown.get_time() == pytest.approx(3 * 0.075)
    pose = made.physics.data.qpos.reshape(-1, 4)[:2]
    np.testing.assert_allclose(pose, made._world.batch.engine.pose[0, :2].numpy(), atol=1e-5)
    shown.restart()
    shown.tick(0.1, False)
    assert len(changes) == 2  # Each episode has its own walls.


APPLICATION = """
from unittest.mock import MagicMock
from dm_control.viewer import application
from envs.adapters.dm_env_adapter import HideSeekEnvironment

class Window:
    def __init__(self, width, height, title):
        self.shape, self.mouse, self.keyboard = (width, height), MagicMock(), MagicMock()

    def event_loop(self, tick_func):
        app._pause_subject.toggle()
        for picture in range(40):
            tick_func()
            if picture == 20:
                app._restart_runtime()
            if picture == 30:
                app._viewer._camera_select.select_next()
        status = dict(app._status.get_columns())
        print(*tick_func().shape, env.physics.time() > 0, status["Camera"], status["Error"])

    def close(self):
        env.close()

application.gui.RenderWindow = Window
env = HideSeekEnvironment("hide-and-seek/full", seed=0)
app = application.Application(width=64, height=48)
app.launch(env)
"""


def test_dm_control_s_viewer_shows_it(opengl):
    """The whole application, in its own process, with a window that nobody sees."""
    pytest.importorskip("dm_control.viewer.runtime")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", APPLICATION],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"MUJOCO_GL": "egl"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.split() == ["48", "64", "3", "True", "overview", "--"], done.stderr[-2000:]
