import json

import pytest
import torch

from envs.errors import UserError
from envs.social.catalogue import GAMES, make_game
from envs.social.cleanup import DOWN, LEFT, RIGHT, STAY, UP
from train.cli import main
from train.social.schelling.diagram import measure_payoffs
from train.social.schelling.strategies import clean_first, harvest, strategies_of


def silent(share, words=""):
    pass


def seen_at(column, row, apples=(), dirt=()):
    """Return what a player of CleanUp-lite sees, (1, 1, 50)."""
    seen = torch.zeros(1, 1, 50)
    seen[..., column + 5 * row] = 1.0
    seen[..., [40 + apple for apple in apples] + [44 + patch for patch in dirt]] = 1.0
    return seen


def error_line(capsys, words):
    capsys.readouterr()
    assert main(["reproduce", "schelling", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


def test_payoffs_of_the_donation_game_are_those_of_its_rules():
    payoffs = measure_payoffs("donation-game", {"benefit": 3.0, "agents": 4}, 400, 0, silent)
    for others in range(4):
        gets = 3.0 * others / 3  # Any of the three others is met as often.
        mean = {name: sum(rows[others]) / 400 for name, rows in payoffs.items()}
        assert mean == pytest.approx({"cooperating": gets - 1.0, "defecting": gets}, abs=0.05)


def test_payoffs_of_the_dilemma_are_its_matrix():
    payoffs = measure_payoffs("prisoners-dilemma", {}, 3, 0, silent)
    assert payoffs == {"cooperating": [[-1.0] * 3, [1.0] * 3], "defecting": [[0.0] * 3, [2.0] * 3]}


@pytest.mark.parametrize("game", GAMES)
def test_every_game_is_a_dilemma(game, tmp_path, capsys):
    words = [game, "--quick", "--run-dir", str(tmp_path / "run"), "--json", str(tmp_path / "out.json")]
    assert main(["reproduce", "schelling", *words]) == 0
    assert "others who cooperate" in capsys.readouterr().out
    assert (tmp_path / "run" / "figures" / "01.png").is_file()
    plain = json.loads((tmp_path / "out.json").read_text())
    agents = make_game(game, 1, torch.Generator()).agents
    assert len(plain["data"]["cooperating"]) == len(plain["data"]["defecting"]) == agents
    holds = {row[0].split(":")[0]: row[3] for row in plain["sections"]["Is it a dilemma?"]["table"][1:]}
    assert list(holds.values())[:2] == ["yes", "yes"] and "yes" in (holds["greed"], holds["fear"])


@pytest.mark.parametrize(
    "seen, cleaner, harvester",
    [
        (seen_at(2, 1, apples=[3], dirt=[1, 2]), RIGHT, LEFT),
        (seen_at(4, 1, dirt=[3, 2]), DOWN, LEFT),  # The nearer patch.
        (seen_at(4, 1, dirt=[0, 1]), STAY, LEFT),  # On one.
        (seen_at(0, 3, apples=[0], dirt=[2]), UP, UP),  # One patch is tolerated.
        (seen_at(0, 3), STAY, STAY),
    ],
)
def test_players_of_cleanup(seen, cleaner, harvester):
    assert clean_first(seen).item() == cleaner and harvest(seen).item() == harvester


def test_a_game_without_strategies_is_refused():
    class Odd:
        name, action_names = "odd", ("left", "right")

    with pytest.raises(UserError, match="odd has no action called 'cooperate'"):
        strategies_of(Odd())


def test_bad_requests_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "did you mean 'cleanup'" in error_line(capsys, ["cleanu"])
    assert "did you mean 'benefit'" in error_line(capsys, ["donation-game", "--rules", "benefits=2"])
    assert "write NAME=VALUE" in error_line(capsys, ["donation-game", "--rules", "benefit"])
    assert "benefit is x; it must be a number" in error_line(capsys, ["donation-game", "--rules", "benefit=x"])
    assert "--seeds is 0" in error_line(capsys, ["donation-game", "--seeds", "0"])
    assert not list(tmp_path.iterdir())
