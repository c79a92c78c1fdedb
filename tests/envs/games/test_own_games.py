"""Mistakes in a game of one's own are told in one line that names the game and the field."""

import dataclasses
import math

import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.env_checks import play_randomly
from envs.errors import UserError
from envs.games import Game
from tests.envs.worlds import small


def worlds(monkeypatch, change):
    """Two worlds of a game whose verdict is changed."""

    class Own(Game):
        def judge(self, view):
            return change(super().judge(view))

    monkeypatch.setitem(scenarios.GAMES, "own", Own)
    env = BatchEnv(small(game="own", hiders=2, seekers=1), 2, threads=1)
    env.reset()
    return env


def step(env):
    return env.step(env._actions.none.expand(2, 3, -1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reward": torch.zeros(2)}, r"reward of its Verdict is \(2,\), torch.float32, on cpu; it must be \(2, 3\)"),
        (
            {"reward": torch.zeros(2, 3, dtype=torch.float64)},
            "reward of its Verdict is .*float64.* must be .*float32",
        ),
        ({"over": torch.zeros(2)}, r"over of its Verdict is \(2,\), torch.float32.* must be \(2,\), torch.bool"),
        ({"live": torch.ones(1, dtype=torch.bool)}, r"live of its Verdict is \(1,\)"),
        ({"hiders_seen": False}, "hiders_seen of its Verdict is bool; it must be a tensor"),
        ({"reward": torch.zeros(2, 3, device="meta")}, "reward of its Verdict is .*on meta; it must be .*on cpu"),
    ],
)
def test_a_wrong_shape_or_type(change, message, monkeypatch):
    env = worlds(monkeypatch, lambda verdict: dataclasses.replace(verdict, **change))
    with pytest.raises(UserError, match=rf"^game 'own': {message}"):
        step(env)
    env.close()


def test_a_tensor_is_no_verdict(monkeypatch):
    env = worlds(monkeypatch, lambda verdict: verdict.reward)
    with pytest.raises(UserError, match=r"judge\(\) returned Tensor; it must be an envs.games.Verdict"):
        step(env)
    env.close()


def test_random_play_finds_numbers_that_are_none(monkeypatch):
    env = worlds(monkeypatch, lambda verdict: dataclasses.replace(verdict, reward=verdict.reward * math.nan))
    with pytest.raises(AssertionError, match="reward holds numbers that are not finite"):
        play_randomly(env, 1)
    env.close()


@pytest.mark.parametrize("game", [Game.judge, 3, torch.nn.Module])
def test_what_is_no_game_is_refused(game):
    with pytest.raises(UserError, match=r"^game 'mine' is .*; it must be a subclass of envs.games.Game"):
        scenarios.register_game("mine", game)
    assert "mine" not in scenarios.GAMES


def test_an_unknown_game_says_what_to_do():
    with pytest.raises(UserError, match=r"unknown game 'gather'; there are .*register it first: docs/custom_scenarios"):
        scenarios.validate(small(game="gather"))
