"""Training needs few packages at import time: a GPU image has torch and numpy, and little else can be brought there."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LACKING = (
    "matplotlib pettingzoo gymnasium tensorboard imageio imageio_ffmpeg openskill scipy safetensors glfw OpenGL "
    "stable_baselines3 selenium warp mujoco_warp dm_control dm_env labmaze"
)
PROGRAM = """
import sys

class Lacking:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in blocked else self.finder.find_spec(name, path, target)

blocked = set(sys.argv[1].split())
sys.meta_path[:] = [Lacking(finder) for finder in sys.meta_path if hasattr(finder, "find_spec")]
import envs.batch_env, policies.teams, train.evaluation.matches, train.bench.measurements, train.cli
from train.trainer import Trainer

import dataclasses
from train.config.ppo_config import PPOConfig
from train.config.presets import get_preset

ppo = PPOConfig(rollout_steps=10, minibatches=1, epochs=1)
trainer = Trainer(dataclasses.replace(get_preset("quickstart"), num_worlds=2, ppo=ppo))
trainer.begin()
assert trainer.iterate()["losses/entropy"] > 0
assert not blocked & {name.partition(".")[0] for name in sys.modules}
"""


def test_training_needs_few_packages():
    command = [sys.executable, "-c", PROGRAM, LACKING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def test_nothing_imports_dm_control():
    """It is not there on Python 3.13; its viewer is for users and tests."""
    for package in ("assets", "envs", "policies", "train"):
        for file in (ROOT / package).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(file.read_text())))
            names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
            names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
            assert "dm_control" not in {name.partition(".")[0] for name in names}, file
