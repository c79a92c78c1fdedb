"""Ladders: rung after rung, stopped and resumed."""

import dataclasses
import json
import signal

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

LOOKING = dataclasses.replace(
    TINY,
    num_worlds=1,
    threads=1,
    ppo=dataclasses.replace(TINY.ppo, rollout_steps=10, epochs=1, minibatches=1),
    report=ReportConfig(stage_interval=1, stage_episodes=1),
)


@pytest.fixture
def ladder(monkeypatch):
    """Two rungs; what strategies are played is said by the test: a share by iteration.

    After the iteration "stop" the command is asked to stop.
    """
    rungs = tuple(Rung(name=name, strategy="chasing", share=0.5, config=LOOKING) for name in ("one", "two"))
    monkeypatch.setitem(catalogue.LADDERS, "ladder/test", Ladder("a test", rungs))
    played = {}

    def look(self, policy, iteration, env_steps, say):
        if iteration == played.get("stop"):
            signal.raise_signal(signal.SIGTERM)
        self.shares.setdefault("chasing", []).append(played.get(iteration, 0.0))
        return {"stages/chasing": played.get(iteration, 0.0)}

    monkeypatch.setattr(StageWatch, "look", look)
    return played


def start_of(folder):
    return ["train", "ladder/test", "--run-dir", str(folder)]


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


def test_options_of_the_start_and_of_every_resume_stay(ladder, tmp_path, capsys):
    """What was changed on a resume is not undone by the next; rungs that begin later have all of it."""
    folder, file = tmp_path / "climb", tmp_path / "options.toml"
    file.write_text("ppo.gamma = 0.9\nppo.learning_rate = 2e-3")
    start = ["train", "ladder/test", "--run-dir", str(folder), "--override", str(file), "--iterations", "2"]
    assert main([*start, "--ppo.clip", "0.3"]) == 2
    file.unlink()
    ladder |= {3: 1.0, 4: 1.0}
    assert main(["train", "--resume", str(folder), "--iterations", "3", "--ppo.clip", "0.1"]) == 2
    assert main(["train", "--resume", str(folder), "--iterations", "4"]) == 0
    assert reached(folder) == {"one": 4, "two": 4}
    for run in (RunFolder(folder / "1-one"), RunFolder(folder / "2-two")):
        newest = load_checkpoint(run.checkpoints.file(run.checkpoints.iterations()[-1])).metadata["config"]
        assert newest["iterations"] == 4
        assert [newest["ppo"][name] for name in ("gamma", "learning_rate", "clip")] == [0.9, 2e-3, 0.1]


def test_options_that_are_refused_on_a_resume_are_not_kept(ladder, tmp_path, capsys):
    folder = tmp_path / "climb"
    assert main(["train", "ladder/test", "--run-dir", str(folder), "--iterations", "2"]) == 2
    for words in (["--seed", "7"], ["--report.stage-interval", "0"]):
        before = (folder / "ladder.json").read_bytes()
        assert main(["train", "--resume", str(folder), "--iterations", "4", *words]) == 2
        assert words[0] in capsys.readouterr().err
        assert (folder / "ladder.json").read_bytes() == before


def test_looks_before_a_stop_count_after_it(ladder, tmp_path):
    """Reached at iteration 4, in one go or in two."""
    ladder |= {3: 1.0, 4: 1.0, "stop": 3}
    folder = tmp_path / "climb"
    assert main(start_of(folder)) == 128 + signal.SIGTERM
    del ladder["stop"]
    assert main(["train", "--resume", str(folder)]) == 0
    assert reached(folder) == {"one": 4, "two": 4}


def test_a_rung_that_was_reached_as_the_ladder_was_killed(ladder, tmp_path, capsys):
    ladder |= {3: 1.0, 4: 1.0}
    folder = tmp_path / "climb"
    assert main(start_of(folder)) == 0
    state = json.loads((folder / "ladder.json").read_text())
    (folder / "ladder.json").write_text(json.dumps(state | {"reached": {"one": 4}}))
    assert main(["train", "--resume", str(folder)]) == 0
    assert reached(folder) == {"one": 4, "two": 4}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "laptop"], "is a ladder with presets of its own"),
        (["--ppo.gamma", "2"], "--ppo.gamma"),
        (["--ppo.rollout-steps", "33"], "--ppo.rollout-steps 33"),
        (["--report.stage-interval", "0"], "--report.stage-interval is 0; a ladder needs two looks in"),
        (["--report.stage-interval", "3"], "--report.stage-interval is 3; a ladder needs two looks in"),
        (["--scenario.game", "free_play"], "is not hide-and-seek"),
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
    for looks, reached in (([0.6, 0.4], False), ([0.6, 0.4, 0.5], False), ([0.6, 0.4, 0.5, 0.5], True)):
        assert Goal("chasing", 0.5).reached({"chasing": looks}) == reached
    assert not Goal("ramp use", 0.0).reached({"chasing": [1.0, 1.0]})


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
