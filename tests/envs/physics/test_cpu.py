"""What the CPU engine promises beyond the contract."""

import math

import mujoco
import pytest
import torch

from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.physics import make_engine
from envs.physics.cpu import CpuEngine
from envs.scenarios import FULL
from envs.scene import build
from tests.envs.worlds import Driver, build_scene, small


def test_thread_counts_give_the_same_bits():
    generator = torch.Generator().manual_seed(0)
    bins = torch.randint(-5, 6, (12, 6, FULL.num_agents, 3), generator=generator).float()
    drivers = [Driver(CpuEngine(build_scene(FULL), 6, threads)) for threads in (1, 2)]
    for driver in drivers:
        driver.engine.reset(torch.arange(6), LayoutStream(FULL, 3, 6).draw(torch.arange(6)))
        driver.lock(1, 0)
        driver.grab(2, 0, 0)
    for step in bins:
        one, two = (driver.drive(step) for driver in drivers)
        assert torch.equal(one, two)
    assert torch.equal(drivers[0].engine.velocity, drivers[1].engine.velocity)


@pytest.fixture
def no_handler():
    """MuJoCo as it is at first: dm_control sets a handler when it is imported."""
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(None)
    yield
    mujoco.set_mju_user_warning(before)


def test_warnings_of_mujoco_are_logged_and_no_file_is_written(tmp_path, monkeypatch, caplog, no_handler):
    monkeypatch.chdir(tmp_path)
    engine = CpuEngine(build(small()), 4, 2)
    pose = engine.pose
    pose[:, 0, 0] = math.nan
    engine.set_bodies(torch.arange(4), pose, engine.velocity)
    engine.step(torch.zeros(4, 2, 3))
    assert engine.diverged.all()
    assert "simulation is unstable" in caplog.text and {r.name for r in caplog.records} == {"mujoco"}
    assert not list(tmp_path.iterdir())


def test_two_engines_of_one_scene_do_not_share_worlds():
    scene = build_scene(small(boxes=(0, 1)))
    before = scene.model.geom_size.copy()
    first, second = (CpuEngine(scene, 2, 1) for _ in range(2))
    stream = LayoutStream(scene.scenario, 0, 2)
    first.reset(torch.arange(2), stream.draw(torch.arange(2)))
    pose = first.pose
    second.reset(torch.arange(2), stream.draw(torch.arange(2)))
    assert torch.equal(first.pose, pose)
    assert (scene.model.geom_size == before).all()


@pytest.mark.parametrize("worlds, device, word", [(0, "cpu", "num_worlds"), (2, "tpu:0", "tpu"), (2, "meta", "meta")])
def test_impossible_engines_are_refused(worlds, device, word):
    with pytest.raises((UserError, RuntimeError), match=word):
        make_engine(build_scene(small()), worlds, device)
