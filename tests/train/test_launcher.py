"""A user's project whose folders and files have the names of this project's packages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
import multiprocessing, pickle, sys
import gymnasium, pettingzoo
from envs.mine import Mine
import hideseek.envs.adapters.pettingzoo_env

if __name__ == "__main__":
    world = gymnasium.make("hideseek.envs.adapters.gymnasium_env:hideseek/explore-v0")
    world.reset(seed=0)
    world.step(world.action_space.sample())
    game = pettingzoo.make("parallel", "hideseek/hide-and-seek-quickstart-v0")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        observations, _ = pool.apply(game.reset, (0,))
    print(Mine.name, sorted(observations), "train" in sys.modules)
"""


@pytest.fixture
def project(tmp_path):
    """Files and folders, by what is in them."""
    files = {
        "train.py": "print('mine')",
        "policies.py": "",
        "envs/__init__.py": "",
        "envs/mine.py": "class Mine:\n    name = 'mine'",
        "play.py": PLAY,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project, *words, path=(), **variables):
    """Run Python in the project, with this project's packages after the user's, as installed ones are."""
    environment = (
        os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT, ROOT / "train" / "launcher"]))} | variables
    )
    result = subprocess.run(
        [sys.executable, *map(str, words)], cwd=project, env=environment, capture_output=True, text=True, timeout=240
    )
    return result.returncode, result.stdout, result.stderr


def test_environments_beside_the_user_s_own(project):
    status, out, err = run(project, "play.py")
    assert (status, out) == (0, "mine ['hider_0', 'seeker_0'] False\n"), err


@pytest.mark.parametrize("words", [["-m", "hideseek"], ["-c", "import hideseek; hideseek.main()"]])
def test_the_command_beside_the_user_s_own(project, words):
    """Also where the user's project comes first for every program."""
    status, out, err = run(project, *words, "--version", path=[project])
    assert (status, out) == (0, "hideseek 0.1.0\n"), err


@pytest.mark.parametrize(
    ("code", "rest", "in_the_way"),
    [
        ("import train", "train.py", "envs/__init__.py"),
        ("import hideseek.envs", "", "assets.py"),
        ("import hideseek.train", "", "envs/__init__.py"),
    ],
)
def test_what_is_in_the_way_is_named_in_one_line(project, code, rest, in_the_way):
    (project / rest).unlink() if rest else None
    (project / in_the_way).touch()
    status, _, err = run(project, "-c", code)
    last = err.splitlines()[-1]
    assert status == 1
    assert last.startswith(f"ImportError: 'import {Path(in_the_way).parts[0].removesuffix('.py')}' finds")
    assert str(project / in_the_way) in last and "hideseek.envs" in last


def test_folders_without_python_are_in_nobody_s_way(tmp_path):
    for name in ("assets", "envs", "policies", "train"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    status, _, err = run(tmp_path, "-c", "import train, envs.batch_env, policies.teams")
    assert status == 0, err


def command(project):
    """The installed command, if there is one."""
    script = Path(sys.executable).with_name("hideseek")
    if not script.exists():
        pytest.skip("the command is not installed")
    return ["--no-python", script]


@pytest.mark.slow
@pytest.mark.parametrize("program", [lambda _: ["-m", "hideseek"], command], ids=["module", "command"])
def test_torchrun_beside_the_user_s_own(project, program):
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *program(project)]
    tiny = "train quickstart --num-worlds 4 --iterations 1 --ppo.rollout-steps 20 --ppo.minibatches 2 --run-dir run"
    status, _, err = run(project, *torchrun, *tiny.split())
    assert status == 0, err
    assert (project / "run" / "checkpoints").is_dir()
