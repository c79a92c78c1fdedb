"""Ladders: rung after rung, stopped and resumed."""

import dataclasses
import json

import pytest

from tests.train.test_trainer import TINY
from train.cli import main
from train.config.train_config import ReportConfig
from train.ladder import catalogue
from train.ladder.catalogue import LADDERS
from train.ladder.rungs import Goal, Ladder, Rung
from train.runs.checkpoints import load_checkpoint
from train.runs.run_folder import RunFolder
from train.stages.stage_watch import StageWatch
from train.support.arguments import without_options

LOOKING = dataclasses.replace(TINY, report=ReportConfig(stage_interval=1, stage_episodes=1))


@pytest.fixture
def ladder(monkeypatch):
    """Two rungs; what strategies are played is said by the test: a share by iteration."""
    rungs = tuple(Rung(name=name, strategy="chasing", share=0.5, config=LOOKING) for name in ("one", "two"))
    monkeypatch.setitem(catalogue.LADDERS, "ladder/test", Ladder("a test", rungs))
    played = {}

    def look(self, policy, iteration, env_steps, say):
        self.shares.setdefault("chasing", []).append(played.get(iteration, 0.0))
        return {"stages/chasing": played.get(iteration, 0.0)}

    monkeypatch.setattr(StageWatch, "look", look)
    return played


def reached(folder):
    return json.loads((folder / "ladder.json").read_text())["reached"]


def test_each_rung_starts_from_the_weights_of_the_one_before(ladder, tmp_path, capsys):
    ladder |= {2: 0.5, 3: 0.6}
    folder = tmp_path / "climb"
    assert main(["train", "ladder/test", "--run-dir", str(folder), "--seed", "5"]) == 0
    assert reached(folder) == {"one": 3, "two": 3}
    assert "rung 2 of 2, two: until chasing is played in 50%" in capsys.readouterr().out
    config = RunFolder(folder / "2-two").read_config()
    assert config["init_from"] == str((folder / "1-one").resolve())
    assert config["seed"] == 5
    assert RunFolder(folder / "1-one").checkpoints.iterations()[-1] == 3


def test_a_rung_that_is_not_reached_ends_the_climb_and_can_be_gone_on_with(ladder, tmp_path, capsys):
    ladder |= {3: 0.9}
    folder = tmp_path / "climb"
    assert main(["train", "ladder/test", "--run-dir", str(folder)]) == 2
    error = capsys.readouterr().err
    assert "chasing is not played in 50% of episodes after 4 iterations" in error
    assert f"--resume {folder} --iterations 8" in error
    assert reached(folder) == {}
    ladder |= {2: 0.9, 5: 0.9, 6: 0.9}
    assert main(["train", "--resume", str(folder), "--iterations", "8"]) == 0
    assert reached(folder) == {"one": 6, "two": 3}
    assert load_checkpoint(RunFolder(folder / "1-one").checkpoints.file(6)).counters("").iteration == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "laptop"], "is a ladder with presets of its own"),
        (["--ppo.gamma", "2"], "--ppo.gamma"),
        (["--ppo.rollout-steps", "33"], "--ppo.rollout-steps 33"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(ladder, words, message, tmp_path, capsys):
    folder = tmp_path / "climb"
    assert main(["train", "ladder/test", "--run-dir", str(folder), *words]) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()


def test_a_folder_that_is_taken(ladder, tmp_path, capsys):
    ladder |= {1: 1.0, 2: 1.0}
    folder = tmp_path / "climb"
    assert main(["train", "ladder/test", "--run-dir", str(folder)]) == 0
    assert main(["train", "ladder/test", "--run-dir", str(folder)]) == 2
    assert "continue it with --resume" in capsys.readouterr().err
    assert main(["train", "--resume", str(folder)]) == 0
    assert "all rungs of ladder/test are reached" in capsys.readouterr().out


def test_a_damaged_or_unknown_ladder(tmp_path, capsys):
    (tmp_path / "ladder.json").write_text('{"ladder": "ladder/gone"}')
    assert main(["train", "--resume", str(tmp_path)]) == 2
    assert "a ladder 'ladder/gone', which this version does not know" in capsys.readouterr().err
    (tmp_path / "ladder.json").write_text("{")
    assert main(["train", "--resume", str(tmp_path)]) == 2
    assert "ladder.json" in capsys.readouterr().err


def test_goals():
    stages = type("Stages", (), {"shares": {"chasing": [0.6, 0.4]}})
    assert not Goal("chasing", 0.5).reached(stages)
    stages.shares["chasing"] += [0.5]
    assert not Goal("chasing", 0.5).reached(stages)
    stages.shares["chasing"] += [0.5]
    assert Goal("chasing", 0.5).reached(stages)
    assert not Goal("ramp use", 0.0).reached(stages)
    assert not Goal("chasing", 0.0).reached(None)


def test_words_without_options():
    assert without_options(["a", "--x", "1", "--y=2", "--z", "3"], "--x", "--y") == ["a", "--z", "3"]


def test_every_rung_is_a_run_that_looks_for_its_strategy():
    from train.config.train_config import validate
    from train.stages.strategies import strategies_of

    for ladder in LADDERS.values():
        for rung in ladder.rungs:
            assert rung.strategy in strategies_of(validate(rung.config).scenario)
            assert rung.config.report.stage_interval > 0
            assert 0 < rung.share <= 1
