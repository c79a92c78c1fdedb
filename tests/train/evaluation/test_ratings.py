import random

import pytest

from train.evaluation.ratings import NEWCOMER, chance_to_win, update_ratings


def games(number, chances, seed=0):
    """Free-for-alls in which a player scores 1 with its chance, and 0 otherwise."""
    draw = random.Random(seed)
    return [{name: float(draw.random() < chance) for name, chance in chances.items()} for _ in range(number)]


def test_known_order_is_recovered():
    """Chances 10 % apart, 200 games, ten seeds."""
    chances = {"c": 0.5, "a": 0.7, "d": 0.4, "b": 0.6}
    for seed in range(10):
        ratings = update_ratings({}, games(200, chances, seed))
        assert sorted(ratings, key=lambda name: -ratings[name].mu)[0] in "ab"
        assert sorted(ratings, key=lambda name: -ratings[name].mu)[-1] in "cd"
        assert all(rating.sigma < NEWCOMER.sigma / 4 for rating in ratings.values())


def test_equals_stay_equal():
    ratings = update_ratings({}, [{"a": 1.0, "b": 1.0}] * 50)
    assert ratings["a"] == ratings["b"]
    assert ratings["a"].mu == pytest.approx(NEWCOMER.mu)


def test_yardsticks_do_not_move():
    before = update_ratings({}, [{"a": 1.0, "b": 0.0}] * 5)
    after = update_ratings(before, [{"a": 0.0, "b": 1.0, "new": 2.0}] * 5, frozenset("ab"))
    assert (after["a"], after["b"]) == (before["a"], before["b"])
    assert after["new"].mu > before["a"].mu
    assert update_ratings({}, [{"alone": 1.0}]) == {}


def test_chance_to_win():
    ratings = update_ratings({}, [{"a": 1.0, "b": 0.0}] * 20)
    assert chance_to_win(NEWCOMER, NEWCOMER) == pytest.approx(0.5)
    assert chance_to_win(ratings["a"], ratings["b"]) > 0.7
