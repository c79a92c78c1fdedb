"""The commands of the tutorial, one after the other, with fewer and smaller of everything."""

import pytest

from envs.errors import UserError
from envs.rendering.opengl import make_context
from tests.docs.pages import commands
from train.cli import main

TINY = [
    *("--iterations", "1", "--num-worlds", "2", "--scenario.horizon", "20", "--ppo.rollout-steps", "20"),
    *("--ppo.minibatches", "2", "--network.lstm-size", "8", "--network.hidden-size", "8", "--threads", "1"),
]
SHORTER = {
    "train": TINY,
    "evaluate": ["--episodes", "2", "--num-worlds", "2", "--threads", "1"],
    "video": ["--episodes", "1", "--width", "64", "--height", "64"],
    "record": ["--episodes", "2"],
}
WRITTEN = ("runs/first/config.json", "runs/no-boxes/config.json", "first.npz", "first-stats/heatmap.png", "first.mp4")


@pytest.fixture
def pictures():
    """Skip where there is no OpenGL or no matplotlib."""
    pytest.importorskip("matplotlib")
    try:
        make_context(64, 64).free()
    except UserError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("pictures")
def test_the_tutorial_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = []
    for words in commands("docs/tutorial.md"):
        if words[0] != "hideseek" or words[1] == "watch":  # A server that waits for a browser; it has its own tests.
            continue
        name, *rest = words[1:]
        more = ["--iterations", "2"] if "--resume" in rest else SHORTER.get(name, [])
        assert main([name, *rest, *more]) == 0, words
        done.append(name)
    assert {"list", "train", "evaluate", "video", "record", "stats"} <= set(done)
    for file in WRITTEN:
        assert (tmp_path / file).is_file(), file
