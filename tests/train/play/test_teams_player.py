"""Two players in one, and who plays the other team."""

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scenarios import get
from tests.train.test_trainer import TINY, train
from train.play.agents import make_agent
from train.play.play_session import PlayArguments, PlaySession
from train.play.teams_player import OtherTeam

DOOR = get("hide-and-seek/door")
STARTED = torch.ones(3, dtype=torch.bool)


@pytest.fixture(scope="module")
def env():
    made = BatchEnv(DOOR, 3, threads=1)
    yield made
    made.close()


def actions_of(player, env):
    env.reseed(0)
    obs = env.reset()
    player.begin(env)
    return player.act(obs, STARTED)


@pytest.mark.parametrize("side", ["hiders", "seekers"])
def test_one_team_plays_as_somebody_else(side, env):
    other = OtherTeam(**{"hiders": None, "seekers": None, side: "zero"}, scenario=DOOR)
    both = actions_of(other.beside(make_agent("random", DOOR, 1), 2), env)
    at_random, still = actions_of(make_agent("random", DOOR, 1), env), torch.tensor(DOOR.no_action)
    mine, theirs = (1, 0) if side == "hiders" else (0, 1)
    assert torch.equal(both[:, mine], at_random[:, mine])
    assert (both[:, theirs] == still).all()
    assert other.words == f"{side} played by zero"


def test_episodes_with_another_team(tmp_path):
    """As video and record play them: the run's hiders, the attention of their own, and a title that says who played."""
    run = train(tmp_path / "run", TINY)
    hiders = TINY.scenario.hiders
    with PlaySession(PlayArguments(seekers="zero"), run.path, attention=True) as session:
        episode = session.play()
    assert (episode.actions[:, hiders:] == TINY.scenario.no_action).all()
    assert (episode.actions[:, :hiders] != TINY.scenario.no_action).any()
    assert episode.attention[:, :hiders].sum() > 0 and not episode.attention[:, hiders:].any()
    assert episode.title.endswith("seekers played by zero")


def test_nobody_else():
    player = make_agent("random", DOOR, 1)
    assert OtherTeam(None, None, DOOR).beside(player, 2) is player


def test_a_run_can_play_the_other_team(tmp_path):
    run = train(tmp_path / "run", TINY)
    other = OtherTeam(str(run.path), None, TINY.scenario)
    env = BatchEnv(TINY.scenario, 3, threads=1)
    both = other.beside(make_agent("zero", TINY.scenario, 0), 2)
    actions = actions_of(both, env)
    env.close()
    hiders = TINY.scenario.hiders
    assert (actions[:, hiders:] == torch.tensor(TINY.scenario.no_action)).all()
    assert (actions[:, :hiders] != torch.tensor(TINY.scenario.no_action)).any()


@pytest.mark.parametrize(
    ("hiders", "seekers", "message"),
    [
        ("blocker", "chaser", "give one of them"),
        ("climber:3", None, "a strength from 0 to 1"),
        ("no-such-run", None, "no-such-run"),
        ("quickstart", None, "does not fit|action"),
    ],
)
def test_who_cannot_play_is_said(hiders, seekers, message):
    scenario = get("hide-and-seek/door", movement_bins=5)
    with pytest.raises(UserError, match=message):
        OtherTeam(hiders, seekers, scenario).beside(make_agent("zero", scenario, 0), 0)
