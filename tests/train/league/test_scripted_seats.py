"""Scripted players in the league: who sits where, what they do, and that a run goes on exactly."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scenarios import get
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.train.league.test_league import FakeRanks
from tests.train.test_trainer import TINY, numbers, resume, train
from train.cli import main
from train.config.league_config import LeagueConfig
from train.config.train_config import validate
from train.league import scripted_seats
from train.league.league import NEWEST, RANDOM_PLAYER, League
from train.league.past_versions import VersionFolder
from train.league.scripted_seats import FIRST_SCRIPT, Anchor, ScriptedSeats, read_anchor
from train.play.players import flatten_agents
from train.play.scripted import script_actions
from train.runs.checkpoints import load_checkpoint
from train.support.ranks import Ranks
from train.trainer import Trainer

SCENARIO = get("hide-and-seek/quadrant", seekers=1)
SIZES, AGENTS = (2, 1), 3
CHASER, BLOCKER = FIRST_SCRIPT, FIRST_SCRIPT - 1
WORDS = ("chaser=0.5", "blocker:0.4=0.2")
NETWORK = NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8)


def new_env(worlds, first=0, total=None):
    env = BatchEnv(SCENARIO, worlds, 1, threads=1, first_world=first, all_worlds=total)
    env.reset()
    return env


def new_league(folder, env, ranks=None, **changes):
    """With one version in the pool."""
    spec = ObservationSpec.from_dict(env.observation_spec)

    def make_policy():
        torch.manual_seed(0)
        return ActorCritic(spec, env.action_bins, NETWORK)

    options = {"fraction": 0.8, "interval": 1, "scripted": WORDS, "random_share": 0.1, **changes}
    config = LeagueConfig(**options)
    scripts = ScriptedSeats(config.scripted, env, config.random_share)
    league = League(config, 3, SIZES, env.all_worlds, ranks or Ranks(), make_policy(), scripts)
    pool = VersionFolder(folder / "league", 1, 50, print)
    pool.save(1, {f"policy.{name}": tensor for name, tensor in make_policy().state_dict().items()}, {})
    league.open(pool)
    league.begin_rollout(1)
    return league


def act(league, env, bin_=7):
    """Actions (W, A, 5) at the start of every episode; the newest policy presses ``bin_`` in all components."""
    started = torch.ones(env.num_worlds * AGENTS, dtype=torch.bool)
    newest = torch.full((env.num_worlds * AGENTS, 5), bin_)
    return league.act(flatten_agents(env.observe()), started, newest).view(env.num_worlds, AGENTS, 5)


def test_shares_and_whole_teams(tmp_path):
    env = new_env(600)
    league = new_league(tmp_path, env)
    act(league, env)
    rows = league.seats
    chasing, blocking = (rows == CHASER).any(1), (rows == BLOCKER).any(1)
    assert float(chasing.float().mean()) == pytest.approx(0.8 * 0.5, abs=0.06)
    assert float(blocking.float().mean()) == pytest.approx(0.8 * 0.2, abs=0.05)
    assert float((rows == RANDOM_PLAYER).any(1).float().mean()) == pytest.approx(0.8 * 0.1, abs=0.05)
    assert set(map(tuple, rows[chasing].tolist())) == {(NEWEST, NEWEST, CHASER)}
    assert set(map(tuple, rows[blocking].tolist())) == {(BLOCKER, BLOCKER, NEWEST)}
    assert torch.equal(league.own, (rows == NEWEST).flatten())
    env.close()


def test_they_play_before_there_is_any_version(tmp_path):
    env = new_env(200)
    league = new_league(tmp_path, env, random_share=0.0)
    league.begin_rollout(0)
    seats = league._next_seats
    assert (seats == CHASER).any() and (seats == BLOCKER).any()
    assert set(seats.unique().tolist()) == {NEWEST, CHASER, BLOCKER}
    env.close()


def test_they_follow_their_scripts_on_their_seats_alone(tmp_path):
    env = new_env(60)
    league = new_league(tmp_path, env)
    actions, seats = act(league, env), league.seats
    chaser = seats == CHASER
    assert chaser.any() and torch.equal(actions[chaser], script_actions("chaser", env)[0][chaser])
    assert (actions[seats == NEWEST] == 7).all()
    blocker = seats == BLOCKER
    same = (actions == script_actions("blocker", env)[0]).all(-1)[blocker]
    assert same.any() and not same.all()
    assert (actions[seats != NEWEST] < torch.tensor(env.action_bins)).all()
    env.close()


def test_none_is_what_it_was(tmp_path):
    env = new_env(40)
    leagues = [new_league(tmp_path / name, env, scripted=()) for name in ("a", "b")]
    leagues[1]._scripts = None
    leagues[1].begin_rollout(1)
    assert torch.equal(*(league._next_seats for league in leagues)) and (leagues[0]._next_seats != NEWEST).any()
    assert torch.equal(*(act(league, env) for league in leagues))
    env.close()


def test_processes_play_the_actions_of_one_process(tmp_path):
    worlds = 30
    whole, played = new_env(worlds), []
    parts = [new_env(15, 15 * rank, worlds) for rank in range(2)]
    for env, ranks in ((whole, Ranks()), *((part, FakeRanks(rank, 2)) for rank, part in enumerate(parts))):
        league = new_league(tmp_path, env, ranks)
        played.append([])
        for _ in range(3):
            played[-1].append(act(league, env).clone())
            env.step(torch.where((league.seats < RANDOM_PLAYER)[..., None], played[-1][-1], 0))
        scripted = league.seats < RANDOM_PLAYER
        played[-1] = torch.where(scripted[None, ..., None], torch.stack(played[-1]), -1)
        env.close()
    assert (played[0] >= 0).any() and torch.equal(played[0], torch.cat(played[1:], dim=1))


LEAGUE = dataclasses.replace(
    TINY,
    threads=1,
    iterations=4,
    scenario=dataclasses.replace(TINY.scenario, horizon=20),
    league=LeagueConfig(fraction=1.0, interval=1, rating_interval=0, scripted=("chaser=0.4", "ramp-thief:0.5=0.4")),
)


def test_resume_is_exact(tmp_path):
    whole, parted = train(tmp_path / "a", LEAGUE), train(tmp_path / "b", LEAGUE, stop_after=2)
    resume(parted, LEAGUE)
    assert numbers(whole) == numbers(parted)
    first, second = (load_checkpoint(run.checkpoints.file(4)) for run in (whole, parted))
    assert all(torch.equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())
    assert (first.tensors["league.seats"] < RANDOM_PLAYER).any()


def test_scripts_that_are_left_out_later_lose_their_seats(tmp_path):
    env = new_env(40)
    league = new_league(tmp_path, env)
    act(league, env)
    later = new_league(tmp_path, env, scripted=WORDS[:1])
    later.load_state_dict(league.state_dict())
    assert (later.seats == BLOCKER).any()
    later.begin_rollout(2)
    assert not (later.seats == BLOCKER).any() and (later.seats == CHASER).any()
    env.close()


def test_words():
    assert read_anchor("chaser=0.1") == Anchor("chaser", 1.0, 0.1)
    assert read_anchor("ramp-thief:0.25=1") == Anchor("ramp-thief", 0.25, 1.0)


@pytest.mark.parametrize("word", ["chaser", "=0.1", "random=0.1", "chaser=", "chaser=2", "chaser=-0.1", "chaser=nan"])
def test_words_that_mean_nothing(word):
    with pytest.raises(UserError, match=r"as in chaser=0\.1 or chaser:0\.5=0\.1; scripts are chaser, blocker"):
        read_anchor(word)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["chaser=0.5", "--league.random-share", "0.6"],
            "--league.random-share is 0.6 and --league.scripted has 0.5, more than 1 together; "
            "lower the shares of --league.scripted to 0.4 in all, or --league.random-share to 0.5",
        ),
        (["chaser=0.6", "blocker=0.5"], "has 1.1, more than 1 together; lower the shares of --league.scripted to 1"),
        (["chaser:3=0.1"], "unknown agent 'chaser:3'"),
        (["climber=0.1", "--scenario.ramps", "0"], "the climber cannot play in scenario"),
    ],
)
def test_mistakes_leave_no_run(tmp_path, capsys, words, message):
    run = tmp_path / "run"
    line = ["train", "quickstart", "--run-dir", str(run), "--league.random-share", "0", "--league.scripted", *words]
    assert main(line) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not run.exists()


def test_shares_that_fill_the_league_are_right_up_to_rounding():
    for others in (0.0, 0.6, 0.7):
        scripted_seats._require_room(others, 1 - others + 1e-15)
    with pytest.raises(UserError, match=r"has 0\.301"):
        scripted_seats._require_room(0.7, 0.301)


def test_a_script_that_plays_always_leaves_nothing_for_random_play():
    """The quickstart gives random play a share of the league, which has no episodes here."""
    league = dataclasses.replace(TINY.league, fraction=0.0, frozen="blocker", random_share=0.6)
    trainer = Trainer(dataclasses.replace(TINY, league=league))
    trainer.close()


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({}, r"--league.scripted chaser=0\.1 blocker=0\.2 plays in episodes of the league; set --league.fraction"),
        ({"frozen": "random"}, r"--league.frozen random plays in every episode; leave out --league.scripted chaser"),
    ],
)
def test_seats_that_nobody_would_get(others, message):
    league = LeagueConfig(fraction=0.0, scripted=("chaser=0.1", "blocker=0.2"), **others)
    with pytest.raises(UserError, match=message):
        validate(dataclasses.replace(TINY, league=league))
