"""Agents without a policy wherever a command takes a player."""

import dataclasses
import json

import numpy as np
import pytest

from envs.errors import UserError
from envs.scenarios import get
from tests.train.test_trainer import TINY, train
from train.cli import main
from train.play.agents import agent_names, check_agent, is_agent, make_agent
from train.play.episode_files import load_episodes
from train.play.players import RandomPlayer, StillPlayer
from train.play.scripted import SCRIPTS, ScriptedPlayer
from train.viewer.live_world import LiveGame
from train.viewer.player_choice import PlayerChoice

QUICKSTART = get("hide-and-seek/quickstart")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "mine", dataclasses.replace(TINY, iterations=1)).path


def error_line(capsys, words):
    capsys.readouterr()
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


def test_words():
    kinds = {"random": RandomPlayer, "zero": StillPlayer}
    for word in agent_names():
        scenario = QUICKSTART if word not in SCRIPTS or SCRIPTS[word].game == "hide_and_seek" else get("trade/lite")
        player = make_agent(word, scenario, 0)
        assert is_agent(word) and type(player) is kinds.get(word, ScriptedPlayer) and player.name == word
    assert make_agent("chaser:0.25", QUICKSTART, 0).name == "chaser:0.25"
    assert not is_agent("runs/chaser") and not is_agent("chasers")


@pytest.mark.parametrize("word", ["chaser:", "chaser:1.1", "chaser:-0.1", "chaser:nan", "chaser:much", "random:0.5"])
def test_strengths_that_do_not_exist(word):
    with pytest.raises(UserError, match=r"a strength from 0 to 1 may follow a script, as in chaser:0\.5"):
        check_agent(word)


def test_record(tmp_path, capsys):
    words = ["record", "--agent", "blocker:0.8", "--scenario", "hide-and-seek/door", "-o", str(tmp_path / "a.npz")]
    assert main(words) == 0
    (episode,) = load_episodes(tmp_path / "a.npz")
    assert episode.title == "hide-and-seek/door, blocker:0.8" and episode.steps == 80
    assert main([*words[:-1], str(tmp_path / "b.npz")]) == 0
    assert np.array_equal(load_episodes(tmp_path / "b.npz")[0].actions, episode.actions)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--agent", "chasser"],
            "unknown agent 'chasser'; choose random, zero, chaser, blocker, climber, ramp-thief, defender, forager or "
            "trader",
        ),
        (["--agent", "chaser:7"], "unknown agent 'chaser:7'"),
        (["--agent", "blocker"], "the blocker cannot play in scenario 'hide-and-seek/full': no room with doors"),
        ([], "or --agent random, zero, chaser"),
    ],
)
def test_record_of_nobody(tmp_path, capsys, words, message):
    assert message in error_line(capsys, ["record", *words, "-o", str(tmp_path / "a.npz")])
    assert not (tmp_path / "a.npz").exists()


def test_watch():
    """Both teams by scripts, exchanged while the game goes on."""
    roster = PlayerChoice([])
    assert roster.names == [*agent_names()]
    game = LiveGame(QUICKSTART, 0, roster, ("blocker", "chaser:0.5"))
    for _ in range(40):
        game.step()
    game.set_player(0, "ramp-thief")
    game.step()
    assert game.steps == 41
    with pytest.raises(UserError, match="unknown agent 'chaser:2'"):
        game.set_player(1, "chaser:2")
    game.close()


def test_evaluate_against_a_script(run, tmp_path, capsys):
    file = tmp_path / "e.json"
    words = ["evaluate", str(run), "--against", "chaser:0.5", "--episodes", "3", "--num-worlds", "3"]
    assert main([*words, "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "x as often as the chaser:0.5's seekers" in out and "wanted" not in out
    result = json.loads(file.read_text())
    assert result["against"] == "chaser:0.5"
    assert [(m["seekers"], m["hiders"]) for m in result["matches"]] == [
        ("trained", "chaser:0.5"),
        ("chaser:0.5", "chaser:0.5"),
        ("chaser:0.5", "trained"),
        ("trained", "trained"),
    ]


def test_evaluate_among_several(run, tmp_path):
    file = tmp_path / "e.json"
    words = ["evaluate", str(run), "chaser", "blocker:0.9", "--episodes", "2", "--num-worlds", "2"]
    assert main([*words, "--json", str(file)]) == 0
    assert json.loads(file.read_text())["players"][1:] == ["chaser", "blocker:0.9"]


def test_evaluate_errors(run, capsys):
    assert "unknown agent 'chaser:7'" in error_line(capsys, ["evaluate", str(run), "--against", "chaser:7"])
    assert "unknown agent 'climber:x'" in error_line(capsys, ["evaluate", str(run), "climber:x"])
    assert "at least one of the players must be a run" in error_line(capsys, ["evaluate", "chaser", "random"])


def test_stages_of_an_agent(capsys):
    assert main(["stages", "--agent", "chaser", "--episodes", "3", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "chaser in hide-and-seek/quickstart" in out and "share of 3 episodes" in out
    assert next(line for line in out.splitlines() if line.startswith("chasing")).split()[1] == "100%"
    assert "give either a run, or --agent" in error_line(capsys, ["stages"])
    assert "give either a run, or --agent" in error_line(capsys, ["stages", "x", "--agent", "random"])
    assert "is not hide-and-seek" in error_line(capsys, ["stages", "--agent", "random", "--scenario", "shelter"])
