"""A team that never changes: who sits where, that it stays as it is, and that a run against it goes on exactly."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from tests.train.test_trainer import TINY, assert_same, resume, train
from train.config.league_config import LeagueConfig
from train.config.train_config import validate
from train.league.league import FROZEN, NEWEST, RANDOM_PLAYER
from train.league.scripted_seats import FIRST_SCRIPT
from train.runs.checkpoints import load_checkpoint
from train.trainer import Trainer, _require_finite


@pytest.fixture(scope="module")
def opponent(tmp_path_factory):
    return train(tmp_path_factory.mktemp("frozen") / "opponent", dataclasses.replace(TINY, iterations=2))


def against(frozen, team="hiders", **changes):
    league = LeagueConfig(fraction=0, rating_interval=0, frozen=str(frozen), frozen_team=team)
    return dataclasses.replace(TINY, league=league, threads=1, **changes)


def seats(config):
    trainer = Trainer(config)
    trainer.begin()
    trainer.collect()
    trainer.close()
    return trainer


@pytest.mark.parametrize(
    ("word", "team", "number"),
    [("random", "hiders", RANDOM_PLAYER), ("random", "seekers", RANDOM_PLAYER), ("chaser", "seekers", FIRST_SCRIPT)],
)
def test_it_has_every_seat_of_its_team_and_no_other(word, team, number):
    trainer = seats(against(word, team))
    row = [number, NEWEST] if team == "hiders" else [NEWEST, number]
    assert trainer.league.seats.tolist() == [row] * 3
    assert trainer.buffer.own.flatten(0, 1).all(0).view(3, 2).tolist() == [[n == NEWEST for n in row]] * 3
    assert not trainer.buffer.own.view(-1, 3, 2)[..., row.index(number)].any()


@pytest.mark.parametrize("separate", [False, True])
def test_a_policy_keeps_its_weights_while_the_other_team_learns(opponent, tmp_path, separate):
    config = dataclasses.replace(TINY, separate_policies=separate)
    opponent = train(tmp_path / "opponent", dataclasses.replace(config, iterations=1)) if separate else opponent
    weights = load_checkpoint(opponent.checkpoints.file(1 if separate else 2)).group("policy")
    trainer = Trainer(dataclasses.replace(against(opponent.path), separate_policies=separate))
    trainer.begin()
    for _ in range(2):
        _require_finite(trainer.iterate(), trainer.iteration)
    trainer.close()
    frozen = trainer.league._policies[FROZEN].state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in frozen.items())
    learned = trainer.policy.state_dict()
    changed = {name for name in learned if not torch.equal(learned[name], weights[name])}
    assert changed and trainer.league.seats.tolist() == [[FROZEN, NEWEST]] * 3


def test_a_run_against_it_goes_on_exactly(opponent, tmp_path):
    config = against(opponent.path, "seekers")
    whole = train(tmp_path / "a", config)
    halves = train(tmp_path / "b", config, stop_after=3)
    resume(halves, config)
    assert_same(whole, halves)
    assert "league.seats" in load_checkpoint(whole.checkpoints.file(4)).tensors
    assert not whole.league.exists()  # No versions are kept.


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (against("chaser", "hiders"), "plays seekers, not hiders"),
        (against("zero"), "must be a run, random or a script"),
        (against("/nowhere"), "no run or checkpoint at /nowhere"),
    ],
)
def test_who_cannot_play_is_refused(config, said):
    with pytest.raises(UserError, match=said):
        Trainer(config)


def test_another_network_is_refused(opponent):
    network = dataclasses.replace(TINY.network, lstm_size=16)
    with pytest.raises(UserError, match=r"--league.frozen .* does not fit: tensor"):
        Trainer(against(opponent.path, network=network))


def test_impossible_options():
    config = against("random")
    with pytest.raises(UserError, match=r"set --league.fraction 0"):
        validate(dataclasses.replace(config, league=dataclasses.replace(config.league, fraction=0.5)))
    with pytest.raises(UserError, match="needs two teams"):
        validate(dataclasses.replace(config, scenario=dataclasses.replace(config.scenario, seekers=0)))
