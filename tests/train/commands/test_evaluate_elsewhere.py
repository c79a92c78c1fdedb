"""``evaluate --scenario``: policies in other worlds than their own, and agents without a policy among themselves."""

import json

import pytest

from train.cli import main

FEW = ["--episodes", "2", "--num-worlds", "2", "--threads", "1"]
DOOR = ["--scenario", "hide-and-seek/door"]


def test_agents_meet_without_a_run(tmp_path, capsys):
    file = tmp_path / "a.json"
    assert main(["evaluate", "chaser", "blocker", *DOOR, *FEW, "--json", str(file)]) == 0
    assert "2 players in hide-and-seek/door: 4 matches of 2 episodes" in capsys.readouterr().out
    assert json.loads(file.read_text())["scenario"] == "hide-and-seek/door"


def test_agents_of_one_team_play_side_by_side(capsys):
    assert main(["evaluate", "random", "zero", "--scenario", "lock-and-return/small", *FEW]) == 0
    assert "lock-and-return/small: 2 episodes of each player" in capsys.readouterr().out


def test_a_policy_plays_elsewhere(tmp_path, capsys):
    file = tmp_path / "a.json"
    assert main(["evaluate", "quickstart", *DOOR, *FEW, "--json", str(file)]) == 0
    assert "in hide-and-seek/door" in capsys.readouterr().out
    assert json.loads(file.read_text())["scenario"] == "hide-and-seek/door"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["quickstart", "--scenario", "hide-and-seek/full"], "does not fit scenario 'hide-and-seek/full'"),
        (["quickstart", "random", "--scenario", "hide-and-seek/full"], "does not fit scenario 'hide-and-seek/full'"),
        (["quickstart", "--scenario", "hide-and-seek/dor"], "unknown scenario 'hide-and-seek/dor', did you mean"),
        (["chaser", "random", "--scenario", "explore"], "the chaser cannot play in scenario 'explore'"),
        (["chaser", "random"], "or say where with --scenario"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    assert main(["evaluate", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
