"""Scripts of one's own stand beside those that come with the project."""

import dataclasses

import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.games import Game
from tests.docs.pages import blocks, registers
from tests.envs.worlds import small, world
from train.league.scripted_seats import read_anchor
from train.play.agents import agent_choices, check_player, is_agent, make_agent
from train.play.scripted import SCRIPTS, register_script
from train.viewer.player_choice import PlayerChoice


@pytest.fixture(autouse=True)
def runner():
    """The script of the page, for one test."""
    with registers():
        exec(compile(blocks("docs/scripted_players.md", "python")[0], "runner.py", "exec"), {"__name__": "page"})
        yield SCRIPTS["runner"]


def test_it_is_known_by_name():
    assert is_agent("runner") and is_agent("runner:0.5")
    check_player("runner:0.5")
    assert agent_choices().endswith("trader or runner")
    assert PlayerChoice([]).names[-1] == "runner"
    assert read_anchor("runner:0.5=0.1").strength == 0.5


def test_it_runs_away():
    """The seeker stands west of the hider: the hider goes east."""
    scenario = small(preparation_fraction=0.0)
    env = BatchEnv(scenario, 1, threads=1)
    obs = env.reset(world(scenario, [(3.0, 3.0), (2.0, 3.0)]))
    player = make_agent("runner", scenario, seed=0)
    player.begin(env)
    for _ in range(5):
        obs = env.step(player.act(obs, torch.zeros(1, dtype=torch.bool))).obs
    assert obs["self"][0, 0, 0] > 3.1
    env.close()


def test_it_plays_the_game_that_it_is_for(runner, monkeypatch):
    class Own(Game):
        pass

    monkeypatch.setitem(scenarios.GAMES, "own", Own)
    own, scenario = dataclasses.replace(runner, game="own"), small(game="own", hiders=3, seekers=0)
    own.check("runner", scenario)
    with pytest.raises(UserError, match="not hide-and-seek"):
        runner.check("runner", scenario)
    with pytest.raises(UserError, match="not the game own"):
        own.check("runner", scenarios.QUICKSTART)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("chaser", {}, "another script is already registered as 'chaser'"),
        ("random", {}, "and not random or zero"),
        ("run:1", {}, "its name must be of letters"),
        ("other", {"team": "everybody"}, "must be a Script whose team is hiders or seekers"),
        ("other", {"game": "gather"}, "unknown game 'gather'; register it first"),
    ],
)
def test_what_cannot_be_one_is_refused(name, changes, message, runner):
    before = dict(SCRIPTS)
    with pytest.raises(UserError, match=message):
        register_script(name, dataclasses.replace(runner, **changes))
    assert before == SCRIPTS
