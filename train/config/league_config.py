"""Options of play against past versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envs.options.ranges import AtLeastOne, Share, Whole


@dataclass(frozen=True, kw_only=True)
class LeagueConfig:
    """Play against past versions of oneself, so that what once beat them is not forgotten."""

    fraction: Share = 0.05
    """Share of episodes in which a past version plays. 0: never."""
    beside: Share = 0.5
    """Share of those in which it plays one agent of a team of several, beside the newest policy; else it plays a whole
    team. Teams of one are always played whole."""
    draw: Literal["age", "uniform", "rating"] = "age"
    """Which version plays. age: the k-th newest with a weight of 1 / k. uniform: each as often as any other, so that
    even the first clumsy ones are not forgotten. rating: each with the chance that it beats the newest
    one, so that weak ones are rarely met; needs ``rating-interval``."""
    random_share: Share = 0.0
    """Share of the league's episodes in which a player of random actions stands in for the past version: the one before
    the first, so to speak. What beats it is learned first and easily forgotten."""
    scripted: tuple[str, ...] = ()
    """Scripted players (docs/scripted_players.md) and the share of the league's episodes in which each plays its whole
    team in place of the past version, such as chaser=0.1 blocker:0.5=0.2. Their strength never changes, so they are met
    again however long ago they were beaten."""
    at_once: AtLeastOne = 2
    """Versions that are drawn for the episodes that begin in one iteration. More are more varied, and slower."""
    interval: AtLeastOne = 10
    """Iterations between two versions that are kept. Doubles whenever the pool is full, when every second one is
    dropped."""
    size: AtLeastOne = 50
    """Versions in the pool, at most; each is as large as the policy, without the optimiser."""
    rating_interval: Whole = 100
    """Iterations between two ratings of the newest version against some of the pool. 0: never."""
    rating_opponents: AtLeastOne = 3
    """Versions of the pool that a rating plays against, spread over the past."""
    rating_episodes: AtLeastOne = 16
    """Episodes of each match of a rating, of which there are (opponents + 1) squared."""

    frozen: str | None = None
    """Who plays one team in every episode and never changes: a run folder or checkpoint with a network of this run's
    sizes, random, or a scripted player. The newest policy learns the other team alone: a best response
    (docs/exploitability.md). Needs ``fraction`` 0."""
    frozen_team: Literal["hiders", "seekers"] = "hiders"
    """Which team that is."""

    @property
    def active(self) -> bool:
        """Whether versions are kept at all."""
        return self.fraction > 0 or self.rating_interval > 0

    @property
    def seated(self) -> bool:
        """Whether anybody but the newest policy may have a seat."""
        return self.active or self.frozen is not None
