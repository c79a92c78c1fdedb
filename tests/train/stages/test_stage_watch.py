"""Strategies told while a run goes on."""

import dataclasses
import json

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.scenarios import get
from tests.train.test_trainer import TINY, assert_same, numbers, resume, train
from train.cli import main
from train.config.train_config import ReportConfig
from train.play.scripted import ScriptedPlayer
from train.play.teams_player import OtherTeam
from train.rendering.video import VideoOptions
from train.runs.run_folder import RunFolder
from train.stages import stage_watch
from train.stages.stage_watch import StageWatch
from train.stages.study import StudyOptions

DOOR = get("hide-and-seek/door")


class Script(torch.nn.Module):
    """Stands where the newest policy would."""


@pytest.fixture
def blocker(monkeypatch):
    """What plays in place of a policy: the scripted blocker."""
    monkeypatch.setattr(stage_watch, "PolicyPlayer", lambda _policy, seed: ScriptedPlayer("blocker", DOOR, 1.0, seed))
    return Script()


def watch(folder, iteration=0, episodes=16):
    options = StudyOptions(episodes=episodes, seed=5, num_worlds=episodes, threads=1)
    return StageWatch(DOOR, options, OtherTeam(None, None, DOOR), RunFolder(folder), iteration)


def test_a_strategy_appears_once(blocker, tmp_path, monkeypatch):
    monkeypatch.setattr(stage_watch, "VideoOptions", lambda **_: VideoOptions(width=160, height=120))
    lines = []
    stages = watch(tmp_path)
    metrics = stages.look(blocker, 40, 9000, lines.append)
    assert metrics["stages/door_blocking"] > 0.9
    assert [line for line in lines if "door blocking has appeared" in line]
    assert stages.iterations == {40}
    assert (RunFolder(tmp_path).videos / "appeared-door-blocking.mp4").is_file()
    assert json.loads((tmp_path / "stages.json").read_text())["door blocking"]["env_steps"] == 9000
    stages.look(blocker, 50, 9900, lines.append)
    appeared = [line.partition(" has appeared")[0] for line in lines if "has appeared" in line]
    assert appeared == ["door blocking", "shelter"]  # A blocked door is a shelter, too.


def test_after_a_resume_what_came_later_is_forgotten(blocker, tmp_path, monkeypatch):
    monkeypatch.setattr(StageWatch, "_film", lambda *_: None)
    watch(tmp_path).look(blocker, 40, 9000, lambda _: None)
    assert set(watch(tmp_path, iteration=40).appeared) == {"door blocking", "shelter"}
    assert not watch(tmp_path, iteration=39).appeared
    (tmp_path / "stages.json").write_text('{"door blocking": 7}')
    assert not watch(tmp_path, iteration=39).appeared


def test_shares_of_looks_are_read_again_from_the_curves(tmp_path):
    lines = [{"iteration": n, "env_steps": n, "stages/door_blocking": n / 10, "stages/chasing": 1.0} for n in (2, 4, 6)]
    lines.insert(1, {"iteration": 3, "env_steps": 3})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert watch(tmp_path, iteration=5).shares == {"door blocking": [0.2, 0.4], "chasing": [1.0, 1.0]}
    assert watch(tmp_path / "new").shares == {}


def test_random_play_does_not_appear(tmp_path, monkeypatch):
    monkeypatch.setattr(
        stage_watch, "PolicyPlayer", lambda _policy, seed: stage_watch.make_agent("random", DOOR, seed + 100)
    )
    stages = watch(tmp_path, episodes=32)
    stages.look(Script(), 1, 1, pytest.fail)
    assert not stages.appeared


def test_looking_changes_nothing_of_a_run(tmp_path):
    plain = train(tmp_path / "a")
    looking = dataclasses.replace(TINY, report=ReportConfig(stage_interval=2, stage_episodes=2))
    run = train(tmp_path / "b", looking, stop_after=3)
    resume(run, looking)
    found = [{k: v for k, v in line.items() if not k.startswith("stages/")} for line in numbers(run)]
    assert found == numbers(plain)
    assert sum("stages/chasing" in line for line in numbers(run)) == 2
    assert_same(run, train(tmp_path / "c", looking))


def test_the_checkpoint_at_which_it_appeared_stays(blocker, tmp_path, monkeypatch):
    def first_only(self, policy, iteration, env_steps, say):
        self.appeared |= {"door blocking": stage_watch.Appearance(1, 1, 1.0)}
        return {}

    monkeypatch.setattr(StageWatch, "look", first_only)
    config = dataclasses.replace(
        TINY, checkpoint_interval=1, keep_checkpoints=1, report=ReportConfig(stage_interval=1, stage_episodes=1)
    )
    assert train(tmp_path / "a", config).checkpoints.iterations() == [1, 4]


def test_looks_have_the_engine_of_the_run(tmp_path, monkeypatch):
    engines = []

    class Worlds(BatchEnv):
        def __init__(self, *args, engine="auto", **options):
            engines.append(engine)
            super().__init__(*args, engine=engine, **options)

    monkeypatch.setattr(stage_watch, "BatchEnv", Worlds)
    report = ReportConfig(stage_interval=1, stage_episodes=1)
    train(tmp_path / "a", dataclasses.replace(TINY, engine="mujoco", iterations=1, report=report))
    assert engines == ["mujoco"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--report.stage-hiders", "no-such-run"], "no-such-run"),
        (["--report.stage-seekers", "climber"], "the climber cannot play"),
        (["--report.stage-hiders", "zero", "--report.stage-seekers", "zero"], "give one of them"),
    ],
)
def test_opponents_that_cannot_play_are_refused_before_a_folder_is_made(words, message, tmp_path, capsys):
    folder = tmp_path / "run"
    start = ["train", "hide-and-seek/door", "--num-worlds", "2", "--iterations", "1", "--report.stage-interval", "1"]
    assert main([*start, *words, "--run-dir", str(folder)]) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()
