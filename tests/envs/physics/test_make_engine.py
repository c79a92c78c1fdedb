"""Which engine runs where, and what is said when it cannot."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.physics import make_engine
from envs.physics.cpu import CpuEngine
from tests.envs.worlds import build_scene, small

ROOT = Path(__file__).parents[3]


def test_the_cpu_gets_mujoco():
    for engine in ("auto", "mujoco"):
        assert isinstance(make_engine(build_scene(small()), 1, "cpu", 1, engine), CpuEngine)
    assert isinstance(BatchEnv(small(), 1, engine="mujoco").engine, CpuEngine)


def test_nothing_at_import_time_needs_warp():
    code = "import sys, envs.batch_env, train.cli; sys.exit('warp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_no_gpu():
    for engine in ("auto", "warp"):
        with pytest.raises(UserError, match="no CUDA GPU"):
            make_engine(build_scene(small()), 1, "cuda", engine=engine)


def test_mujoco_does_not_run_on_a_gpu():
    with pytest.raises(UserError, match="engine 'warp'"):
        make_engine(build_scene(small()), 1, "cuda", engine="mujoco")


def test_mujoco_warp_is_not_installed(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mujoco_warp" else find(name))
    with pytest.raises(UserError, match=r"pip install 'hideseek\[gpu\]'"):
        make_engine(build_scene(small()), 1, "cpu", engine="warp")


def test_unknown_engine():
    with pytest.raises(UserError, match="unknown engine 'bullet'"):
        make_engine(build_scene(small()), 1, "cpu", engine="bullet")
