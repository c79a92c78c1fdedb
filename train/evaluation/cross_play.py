"""Cross-play: every player's hiders against every player's seekers, all on the same layouts.

P players make P * P matches of N episodes. Episode n of every match starts from the same layout.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ..play.players import Player
from .intervals import Estimate, bootstrap_mean
from .matches import Environment, Match, match_title, play_match
from .ratings import Rating, update_ratings

TEAMS = ("hiders", "seekers")


@dataclass
class CrossPlay:
    """All matches, and what follows from them."""

    players: list[str]
    """Names, each once."""
    matches: list[list[Match]]
    """[i][j]: hiders of player i against seekers of player j."""
    seed: int
    """Seed of layouts, actions and intervals."""

    @cached_property
    def seen(self) -> list[list[Estimate]]:
        """Share of live steps in which hiders are seen, [hiders][seekers]."""
        return [[bootstrap_mean(match.seen, self.seed) for match in row] for row in self.matches]

    @cached_property
    def returns(self) -> dict[str, list[list[Estimate]]]:
        """Return of each team, averaged over its members; team -> [hiders][seekers]."""
        return {
            team: [[bootstrap_mean(match.returns[team], self.seed) for match in row] for row in self.matches]
            for team in self.matches[0][0].returns
        }

    @cached_property
    def ratings(self) -> dict[str, dict[str, Rating]]:
        """Ratings by team and player."""
        return {team: update_ratings({}, self.games(team)) for team in TEAMS}

    def games(self, team: str) -> list[dict[str, float]]:
        """Return one game for each opponent and layout: what each player's team scored there.

        Where physics broke, a game is without the player to whom it happened.
        """
        everyone = range(len(self.players))
        scores: dict[tuple[int, int], dict[str, float]] = {}
        for opponent in everyone:
            for k, name in enumerate(self.players):
                match = self._match(team, k, opponent)
                for layout, score in zip(match.layouts.tolist(), match.returns[team].tolist(), strict=True):
                    scores.setdefault((layout, opponent), {})[name] = score
        return [scores[key] for key in sorted(scores)]

    @property
    def incomplete(self) -> int:
        """Games of both teams in which a player is missing, because physics broke in its episode or in another one."""
        return sum(len(game) < len(self.players) for team in TEAMS for game in self.games(team))

    def _match(self, team: str, player: int, opponent: int) -> Match:
        return self.matches[player][opponent] if team == "hiders" else self.matches[opponent][player]

    def overall(self, name: str) -> float:
        """Return the mean of a player's two ratings."""
        return sum(self.ratings[team][name].mu for team in TEAMS) / len(TEAMS)

    def ranking(self) -> list[str]:
        """Return the players, best overall rating first."""
        return sorted(self.players, key=self.overall, reverse=True)

    @property
    def diverged(self) -> int:
        """Worlds that were reset because their physics became NaN."""
        return sum(match.diverged for row in self.matches for match in row)

    def to_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "players": self.players,
            "episodes": len(self.matches[0][0].seen),
            "seed": self.seed,
            "interval": "95 % percentile bootstrap over episodes",
            "incomplete_games": self.incomplete,
            "ratings": {
                name: {team: self.ratings[team][name]._asdict() for team in TEAMS} | {"overall": self.overall(name)}
                for name in self.players
            },
            "matches": [
                {
                    "hiders": hiders,
                    "seekers": seekers,
                    "seen_fraction": self.seen[i][j].to_plain(),
                    "returns": {team: table[i][j].to_plain() for team, table in self.returns.items()},
                    "diverged_worlds": self.matches[i][j].diverged,
                }
                for i, hiders in enumerate(self.players)
                for j, seekers in enumerate(self.players)
            ],
        }

    def to_csv(self) -> str:
        """Return one row per match, with intervals and both ratings."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        tables = {"seen_fraction": self.seen} | {f"return/{team}": table for team, table in self.returns.items()}
        parts = [f"{name}{end}" for name in tables for end in ("", "_low", "_high")]
        writer.writerow(["hiders", "seekers", "episodes", *parts, "hiders_rating", "seekers_rating"])
        for i, hiders in enumerate(self.players):
            for j, seekers in enumerate(self.players):
                estimates = [table[i][j] for table in tables.values()]
                numbers = [number for e in estimates for number in (e.value, e.low, e.high)]
                numbers += [self.ratings["hiders"][hiders].mu, self.ratings["seekers"][seekers].mu]
                episodes = len(self.matches[i][j].seen)
                writer.writerow([hiders, seekers, episodes, *(f"{number:.6g}" for number in numbers)])
        return text.getvalue()


def play_all(
    make_env: Callable[[], Environment],
    players: Sequence[Player],
    episodes: int,
    seed: int,
    progress: Callable[[str, int], None] = lambda _match, _done: None,
) -> CrossPlay:
    """Play all matches.

    Args:
      make_env: makes a fresh environment; the same seed every time, so that the layouts are the same.
      players: P of them, with different names.
      episodes: N, of each match.
      seed: seed of the intervals.
      progress: called with a match's title and its finished episodes.
    """
    matches = []
    for hiders in players:
        row = []
        for seekers in players:
            env = make_env()
            try:
                row.append(
                    play_match(
                        env, hiders, seekers, episodes, partial(progress, match_title(seekers.name, hiders.name))
                    )
                )
            finally:
                env.close()
        matches.append(row)
    return CrossPlay([player.name for player in players], matches, seed)
