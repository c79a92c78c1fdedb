"""The options --engine and --device of every command that steps worlds."""

import importlib.util
from pathlib import Path

import pytest
import torch

from envs.errors import UserError
from envs.physics.cpu import CpuEngine
from tests.envs.worlds import needs_cuda, needs_warp
from train.cli import main
from train.play.episode_files import load_episodes

QUICKSTART = "hide-and-seek/quickstart"
SMALL = [
    "--num-worlds", "2", "--ppo.rollout-steps", "10", "--ppo.minibatches", "1", "--ppo.epochs", "1",
    "--scenario.horizon", "10", "--network.embedding-size", "8", "--network.attention-heads", "2",
    "--network.hidden-size", "8", "--network.lstm-size", "8",
]  # fmt: skip


def commands(run, folder):
    """A call of every command that steps worlds."""
    return {
        "train": ["train", "quickstart", "--run-dir", str(folder / "other"), "--iterations", "1", *SMALL],
        "evaluate": ["evaluate", str(run), "--episodes", "2"],
        "cross-play": ["evaluate", str(run), "random", "--episodes", "2"],
        "stages": ["stages", str(run), "--episodes", "2", "--no-videos"],
        "record": ["record", str(run), "-o", str(folder / "episode.npz")],
        "video": ["video", "--agent", "zero", "-o", str(folder / "video.mp4"), "--scenario", "shelter/small"],
        "transfer": ["transfer", str(run), "--run-dir", str(folder / "study")],
        "watch": ["watch", str(run), "--port", "0"],
        "bench": ["bench", "--scenario", QUICKSTART, "--num-worlds", "2", "--seconds", "0.1", "--turns", "1"],
    }  # fmt: skip


NAMES = [*commands(None, Path())]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", "quickstart", "--run-dir", str(folder), "--iterations", "1", *SMALL]) == 0
    return folder


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
@pytest.mark.parametrize("name", NAMES)
def test_no_gpu_is_one_line(name, run, tmp_path, capsys):
    assert main([*commands(run, tmp_path)[name], "--device", "cuda"]) == 2
    assert "finds no CUDA GPU; use --device cpu" in the_line(capsys)


@pytest.mark.parametrize("name", NAMES)
def test_mujoco_warp_is_not_installed(name, run, tmp_path, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "mujoco_warp" else find(n, *a))
    assert main([*commands(run, tmp_path)[name], "--engine", "warp"]) == 2
    assert "pip install 'hideseek[gpu]'" in the_line(capsys)
    assert list(tmp_path.iterdir()) == []


def the_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


def test_auto_is_what_there_is(run, capsys):
    assert main(["evaluate", str(run), "--episodes", "2", "--device", "auto"]) == 0


@pytest.mark.parametrize("name", ["evaluate", "cross-play", "stages", "record", "bench"])
def test_dropped_contacts_are_an_error(name, run, tmp_path, capsys, monkeypatch):
    def overflow(engine):
        raise UserError("raise it: --scenario.max-contacts 90")

    monkeypatch.setattr(CpuEngine, "check_overflow", overflow)
    assert main(commands(run, tmp_path)[name]) == 2
    assert "--scenario.max-contacts 90" in the_line(capsys)


@needs_warp
@pytest.mark.warp
class TestWarp:
    @pytest.mark.parametrize("name", ["evaluate", "cross-play", "stages", "bench"])
    def test_plays(self, name, run, tmp_path, capsys):
        assert main([*commands(run, tmp_path)[name], "--engine", "warp"]) == 0

    def test_records(self, run, tmp_path):
        assert main([*commands(run, tmp_path)["record"], "--engine", "warp"]) == 0
        assert load_episodes(tmp_path / "episode.npz")[0].steps == 10

    def test_trains_and_resumes(self, run, tmp_path):
        """The GPU engine's room for contacts may grow; a resume on it continues."""
        assert main([*commands(run, tmp_path)["train"], "--engine", "warp"]) == 0
        resume = ["train", "--resume", str(tmp_path / "other"), "--iterations", "2", "--scenario.max-contacts", "70"]
        assert main(resume) == 0


@needs_cuda
@needs_warp
@pytest.mark.gpu
def test_scripts_and_start_states_on_a_gpu(tmp_path, capsys):
    """Everything that a rung of a ladder uses, and once more from its checkpoint."""
    league = "--league.fraction 1 --league.random-share 0 --league.scripted chaser=0.9"
    starts = "--starts.share 0.9 --starts.scripts blocker --starts.every 5 --starts.neighbours 4"
    looks = "--starts.script-states 50 --report.stage-interval 1 --report.stage-episodes 2"
    options = f"{league} {starts} {looks}".split()
    run = str(tmp_path / "run")
    train = ["train", "hide-and-seek/door", "--preset", "quickstart", "--run-dir", run, "--iterations", "2"]
    assert main([*train, *SMALL, "--scenario.horizon", "20", *options, "--device", "cuda"]) == 0
    assert main(["train", "--resume", run, "--iterations", "3"]) == 0
    assert "done: 60 env steps" in capsys.readouterr().out
