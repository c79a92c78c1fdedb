"""Ratings over a long run: what they say of a strength that is known."""

import math
import random
import statistics

import pytest

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from train.config.league_config import LeagueConfig
from train.evaluation.ratings import NEWCOMER, Rating
from train.league import league_ratings
from train.league.league import TEAMS, League, nearest
from train.league.league_ratings import rate_newest, rating_metrics
from train.support.ranks import Ranks

NETWORK = NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8)
SCALE = 2**0.5 * 25 / 6  # Of the difference of two performances in openskill's model.


def make_policy():
    return ActorCritic(ObservationSpec(1, 0, {"boxes": (2, 1)}), (2,), NETWORK)


class Weights:
    """A pool in which every version can be read; what its weights are does not matter here."""

    def load(self, version):
        return make_policy().state_dict()


class Worlds:
    """Worlds in which nothing is played."""

    engine = property(lambda self: self)

    def reseed(self, seed):
        pass

    def check_overflow(self):
        pass

    def close(self):
        pass


def strength(iteration):
    """Rise from 25 to 45 in the first 1000 iterations and stay."""
    return 25 + 20 * min(iteration / 1000, 1.0)


def new_league(**changes):
    league = League(LeagueConfig(**changes), 0, (1, 1), 2, Ranks(), make_policy())
    league.open(Weights())
    return league


class Played:
    """Games whose scores are the true strengths plus noise, so that the model's chances to win are the true ones."""

    def __init__(self, players, episodes, draw):
        self.names, self.number, self._draw = [player.name for player in players], episodes * len(players), draw

    def games(self, team):
        return [{name: strength(int(name)) + self._noise() for name in self.names} for _ in range(self.number)]

    def _noise(self):
        """Gumbel: the difference of two is logistic, as in a Bradley-Terry model."""
        return -SCALE * math.log(-math.log(self._draw.random()))


@pytest.fixture
def play(monkeypatch):
    """Let matches have known outcomes. Returns what was played, and a function that starts the noise from a seed."""
    draw, played = random.Random(), []

    def play_all(make_env, players, episodes, seed):
        played.append(Played(players, episodes, draw))
        return played[-1]

    monkeypatch.setattr(league_ratings, "play_all", play_all)
    draw.seed(0)
    return played, draw.seed


def rate(league, iteration):
    league.ratings = rate_newest(league, lambda worlds: Worlds(), iteration, make_policy().state_dict(), 0)
    return rating_metrics(league.ratings, iteration)


def test_a_plateau_reads_as_a_plateau(play):
    """The default options, 5000 iterations, three runs: versions without a rating do not drag the newest one down."""
    runs = []
    for seed in range(3):
        play[1](seed)
        league = new_league()
        read = {i: rate(league, i)["selfplay/rating"] for i in range(100, 5001, 100)}
        windows = [statistics.mean(read[i] for i in range(end - 900, end + 1, 100)) for end in range(2000, 5001, 1000)]
        assert max(windows) - min(windows) < 3, windows
        runs.append(read)
    means = {i: statistics.mean(read[i] for read in runs) for i in range(1000, 5001, 1000)}
    assert all(abs(mean - 45) < 3 for mean in means.values()), means


def test_a_first_rating_is_final(play):
    """3 opponents of 9: rated now, they keep their ratings, also the newest one; those without one enter
    beside them."""
    league = new_league()
    rate(league, 100)
    assert sorted(league.ratings) == [30, 60, 90, 100]
    before = dict(league.ratings)
    play[0].clear()
    rate(league, 200)
    assert play[0][0].names == ["60", "130", "190", "200"]
    assert {version: league.ratings[version] for version in before} == before
    assert sorted(league.ratings) == [30, 60, 90, 100, 130, 190, 200]


def test_without_games_to_tell_a_version_is_like_the_nearest_rated(monkeypatch, play):
    """Ties alone among versions that are all like 110, the last rated one: nobody moves."""
    league = new_league()
    league.ratings = {110: {team: Rating(40.0, 1.0) for team in TEAMS}}
    monkeypatch.setattr(Played, "games", lambda self, team: [dict.fromkeys(self.names, 0.0)] * 20)
    metrics = rate(league, 200)
    assert metrics["selfplay/rating"] == pytest.approx(40.0)
    assert all(r[team].mu == pytest.approx(40.0) for r in league.ratings.values() for team in TEAMS)
    assert 0 < metrics["selfplay/rating_sigma"] < NEWCOMER.sigma / 2


def test_ratings_do_not_pile_up(play):
    """A pool of 4: those that left it go, but for whoever is nearest to one of the pool or was rated last."""
    league = new_league(size=4, rating_episodes=1)
    for iteration in range(100, 2001, 100):
        rate(league, iteration)
        assert iteration in league.ratings and len(league.ratings) <= 5


def test_what_is_nearest_does_not_depend_on_the_order_of_ratings():
    """A resumed run has them in another order."""
    one = {team: Rating(25.0, 1.0) for team in TEAMS}
    assert nearest({10: one, 30: one}, 20) == nearest({30: one, 10: one}, 20) == 10
    assert nearest({10: one, 30: one}, 21) == 30


def test_the_metrics_are_the_means_of_both_roles():
    """Mean 35; the deviation of the mean of two is half that of the sum: sqrt(3^2 + 4^2) / 2."""
    metrics = rating_metrics({7: {"hiders": Rating(30.0, 3.0), "seekers": Rating(40.0, 4.0)}}, 7)
    assert metrics == {
        "selfplay/rating": 35.0,
        "selfplay/rating_sigma": 2.5,
        "selfplay/rating_hiders": 30.0,
        "selfplay/rating_seekers": 40.0,
    }
    assert rating_metrics({}, 7) == {}
