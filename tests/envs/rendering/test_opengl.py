"""Only pictures need OpenGL: whatever ``MUJOCO_GL`` names, all else works, and a picture works or is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import importlib, os, sys
importlib.import_module(sys.argv[1])  # Before anything else of the package.
assert os.environ["MUJOCO_GL"] == sys.argv[2]

import dataclasses
from envs.adapters.pettingzoo_env import parallel_env
from envs.errors import UserError
from train.config.ppo_config import PPOConfig
from train.config.presets import get_preset
from train.trainer import Trainer

env = parallel_env(render_mode="rgb_array")
env.reset(seed=0)
env.step({agent: env.action_space(agent).sample() for agent in env.agents})
ppo = PPOConfig(rollout_steps=10, minibatches=1, epochs=1)
trainer = Trainer(dataclasses.replace(get_preset("quickstart"), num_worlds=2, ppo=ppo))
trainer.begin()
trainer.iterate()
try:
    print("picture", env.render().shape)
except UserError as error:
    print("error", error)
"""
HINTS = {
    "osmesa": "libosmesa6",
    "egl": "libegl1",
    "glfw": "no display",
    "nonsense": "use egl, osmesa or glfw",
}
"""What the one line says where there is no picture."""


def run(*command, value):
    environment = {name: text for name, text in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["MUJOCO_GL"] = value
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)


@pytest.mark.parametrize("value", HINTS)
def test_nothing_but_pictures_needs_opengl(value):
    first = "envs" if value == "egl" else "train.rendering.renderer"
    done = run(sys.executable, "-c", PROGRAM, first, value, value=value)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "picture" in done.stdout or HINTS[value] in done.stdout
    assert done.stdout.count("\n") == 1


def test_the_command_line(tmp_path):
    file = tmp_path / "scene.xml"
    done = run(sys.executable, "-m", "train.cli", "scene", "shelter", "-o", str(file), value="osmesa")
    assert done.returncode == 0 and file.exists(), done.stderr


def test_optimizers_can_be_made_after_a_picture():
    """CUDA builds of torch load an LLVM for them, which does not come after that of Mesa."""
    program = """
import torch
from envs.errors import UserError
from envs.rendering.opengl import make_context
try:
    make_context(32, 32)
except UserError:
    pass
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]).step()
"""
    done = run(sys.executable, "-c", program, value="egl")
    assert done.returncode == 0, done.stderr[-2000:]
