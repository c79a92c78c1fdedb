"""Rating the newest version against some of the pool, while a run goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..evaluation.cross_play import play_all
from ..evaluation.matches import Environment
from ..evaluation.ratings import NEWCOMER, Rating, mean_rating, update_ratings
from ..play.players import PolicyPlayer
from .league import TEAMS, League, Ratings, nearest
from .past_versions import versions_at


def rate_newest(
    league: League, make_env: Callable[[int], Any], iteration: int, newest: dict[str, Tensor], seed: int
) -> Ratings:
    """Play the newest version against some of the pool and return all ratings after that.

    All of them play all pairings on the same layouts. A version's first rating is final: a yardstick for those to come.
    One without a rating starts from the mean of the rated one nearest in age, as unsure as a newcomer; from a
    newcomer's mean it would drag along whom it meets.

    Args:
      league: the pool and the ratings so far.
      make_env: makes worlds, as many as told, on layouts of their own.
      iteration: iterations done; the newest version's number.
      newest: its tensors.
      seed: seed of actions.

    Raises:
      UserError: the physics of the GPU engine ran out of room for contacts.
    """
    config, folder = league.config, league.folder
    pool = versions_at(iteration, config.interval, config.size)
    opponents = _spread([version for version in pool if version != iteration], config.rating_opponents)
    weights = {version: folder.load(version) if folder else None for version in opponents} | {iteration: newest}
    policies = {version: league.policy_from(tensors) for version, tensors in weights.items() if tensors is not None}
    known, rated = league.ratings, frozenset(map(str, league.ratings))
    if len(policies) < 2:
        return known
    players = [
        PolicyPlayer(policy, seed + number, name=str(version))
        for number, (version, policy) in enumerate(policies.items())
    ]
    env = make_env(min(config.rating_episodes, _MOST_WORLDS))
    try:
        result = play_all(lambda: _Again(env, seed), players, config.rating_episodes, seed)
        env.engine.check_overflow()
    finally:
        env.close()
    before = {version: known.get(version) or _guess(known, version) for version in policies}
    after = {
        team: update_ratings({str(v): rating[team] for v, rating in before.items()}, result.games(team), rated)
        for team in TEAMS
    }
    now = known | {version: {team: after[team][str(version)] for team in TEAMS} for version in policies}
    # However long the run: those of the pool, and of those that have left it whoever is near one of the pool.
    return {version: now[version] for version in sorted({nearest(now, version) for version in [*pool, iteration]})}


def _guess(ratings: Ratings, version: int) -> dict[str, Rating]:
    """Return what is thought of a version before its first game."""
    like = ratings[nearest(ratings, version)] if ratings else dict.fromkeys(TEAMS, NEWCOMER)
    return {team: Rating(like[team].mu, NEWCOMER.sigma) for team in TEAMS}


def rating_metrics(ratings: Ratings, iteration: int) -> dict[str, float]:
    """Return the tags of the newest version's ratings; nothing if it was not rated now."""
    if iteration not in ratings:
        return {}
    by_team, both = ratings[iteration], mean_rating(ratings[iteration].values())
    roles = {f"selfplay/rating_{team}": by_team[team].mu for team in TEAMS}
    return {"selfplay/rating": both.mu, "selfplay/rating_sigma": both.sigma} | roles


_MOST_WORLDS = 64


class _Again:
    """One environment that stands for a fresh one in each of several matches."""

    def __init__(self, env: Environment, seed: int) -> None:
        env.reseed(seed)  # type: ignore[attr-defined]
        self._env = env

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def close(self) -> None:
        """Keep it for the next match."""


def _spread(versions: list[int], number: int) -> list[int]:
    """Return at most ``number`` of the versions, evenly spread, the newest always among them."""
    if len(versions) <= number:
        return versions
    return [versions[round((k + 1) * len(versions) / number) - 1] for k in range(number)]
