"""Ratings of players from games between any number of them, by the Bayesian method of Weng and Lin (openskill).

A rating is a mean and a standard deviation on a scale where newcomers start at 25 with 8.33. What is rated is a role:
hiders are compared with hiders that met the same seekers on the same layout, and seekers likewise. So a scenario that
favours one team, or a layout that does, favours nobody in the ratings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple


class Rating(NamedTuple):
    """What is known of a player's strength in one role."""

    mu: float
    """Mean: the best guess."""
    sigma: float
    """Standard deviation: how sure that guess is."""


NEWCOMER = Rating(25.0, 25.0 / 3.0)
"""Rating before the first game."""
_EXACT = 1e-6  # Deviation of a yardstick; the model divides by it.


@cache
def _model() -> Any:
    """Return openskill's model, imported when something is rated: not every trainer has it installed."""
    from openskill.models import BradleyTerryFull

    # tau 0: a saved policy never changes, so nothing is forgotten from game to game.
    return BradleyTerryFull(mu=NEWCOMER.mu, sigma=NEWCOMER.sigma, tau=0.0)


def update_ratings(
    ratings: Mapping[str, Rating], games: Sequence[Mapping[str, float]], fixed: frozenset[str] = frozenset()
) -> dict[str, Rating]:
    """Return the ratings after some games.

    Args:
      ratings: name -> rating before; unknown players are newcomers.
      games: what each player of a game scored; higher is better, equal is a tie. Games of one player say nothing.
      fixed: players whose ratings stay as they are: yardsticks for the others, taken for exact.
    """
    now = dict(ratings)
    for game in games:
        names = list(game)
        if len(names) < 2:
            continue
        before = [now.get(name, NEWCOMER) for name in names]
        sure = [_EXACT if name in fixed else rating.sigma for name, rating in zip(names, before, strict=True)]
        teams = [[_model().rating(mu=r.mu, sigma=sigma)] for r, sigma in zip(before, sure, strict=True)]
        after = _model().rate(teams, scores=[game[name] for name in names])
        for name, (rating,) in zip(names, after, strict=True):
            now[name] = now.get(name, NEWCOMER) if name in fixed else Rating(rating.mu, rating.sigma)
    return now


def mean_rating(ratings: Iterable[Rating]) -> Rating:
    """Return the mean of a player's ratings in several roles, whose errors are taken for independent."""
    means, deviations = zip(*ratings, strict=True)
    return Rating(sum(means) / len(means), math.hypot(*deviations) / len(deviations))


def chance_to_win(first: Rating, second: Rating) -> float:
    """Return the probability that the first player beats the second in one game, as the ratings have it."""
    one, other = ([_model().rating(mu=rating.mu, sigma=rating.sigma)] for rating in (first, second))
    return float(_model().predict_win([one, other])[0])
