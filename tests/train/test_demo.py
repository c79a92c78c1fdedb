"""What ``make demo`` does with and without OpenGL, with commands that take no time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envs.errors import UserError
from envs.rendering.opengl import make_context

ROOT = Path(__file__).parents[2]
HIDESEEK = """#!/bin/sh
echo "hideseek $*"
"""


@pytest.fixture
def demo(tmp_path):
    """A folder with the Makefile, where Python is this one and ``hideseek`` says what it is asked for."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "hideseek").write_text(HIDESEEK)
    (tools / "python").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    (tools.parent / ".installed").touch()

    def run(**variables):
        done = subprocess.run(
            ["make", "-s", "demo"],
            cwd=tmp_path,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_without_opengl_it_trains_and_judges_and_says_how_to_film_later(demo):
    done = demo(MUJOCO_GL="disable")
    assert done.stderr.startswith("OpenGL is switched off")
    said = done.stdout.splitlines()
    assert said[0] == "The demo goes on without a video."
    assert [line.split()[:2] for line in said[1:3]] == [["hideseek", "train"], ["hideseek", "evaluate"]]
    assert said[3].startswith("No video") and "hideseek video runs/demo" in said[3]


def test_with_opengl_it_films(demo):
    try:
        make_context(32, 32).free()
    except UserError as error:
        pytest.skip(str(error))
    said = demo().stdout.splitlines()
    assert [line.split()[:2] for line in said[:3]] == [["hideseek", name] for name in ("train", "evaluate", "video")]
    assert "Watch runs/demo/videos/demo.mp4" in said[3]
