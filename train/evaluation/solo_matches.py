"""Players of a game without opponents, side by side on the same layouts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from ..play.players import Player
from .intervals import Estimate, bootstrap_mean, bootstrap_ratio
from .matches import Environment, Match, lost, pairs, play_match

Numbers = dict[str, NDArray[np.float64]]
"""Name -> (N,), one entry per episode."""


@dataclass
class AloneEvaluation:
    """What each player reached in the same N episodes."""

    players: dict[str, Numbers]
    """Player -> its return, the length of its episodes and every other statistic of the game."""
    layouts: dict[str, NDArray[np.int64]]
    """Player -> (N,) numbers of the layouts that it played."""
    diverged: int
    """Worlds that were reset because their physics became NaN."""
    seed: int
    """Seed of layouts, actions and intervals."""

    @property
    def names(self) -> list[str]:
        """What was measured, the return first."""
        return [*next(iter(self.players.values()))]

    def mean(self, player: str, name: str) -> Estimate:
        """Return the mean over a player's episodes; NaN entries are left out."""
        values = self.players[player][name]
        return _of_known(lambda known: bootstrap_mean(known[0], self.seed), values)

    def difference(self, name: str) -> Estimate:
        """Return the mean by which the first player is above the second in the same episode."""
        first, second = self._two(name)
        return _of_known(lambda known: bootstrap_mean(known[0], self.seed), first - second)

    def ratio(self, name: str) -> Estimate:
        """Return the first player's mean over the second's; episodes are resampled in pairs.

        There is none (NaN) where either mean may have either sign.
        """
        return _of_known(lambda known: bootstrap_ratio(known[0], known[1], self.seed), *self._two(name))

    def _two(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        one, other = pairs(*self.layouts.values())
        first, second = self.players.values()
        return first[name][one], second[name][other]

    def remarks(self) -> list[str]:
        """Return what the reader of the table must know."""
        lines = ["95 % bootstrap intervals over episodes."]
        if self.diverged:
            counts = [len(self._two("return")[0])] if len(self.players) == 2 else []
            lines.append(lost(self.diverged, counts, len(next(iter(self.layouts.values())))))
        return lines

    def table(self) -> Table:
        """Return one row per statistic and one column per player; of two players also difference and ratio."""
        table = Table(box=None, pad_edge=False)
        pair = len(self.players) == 2
        titles = [*self.players, *(("difference", "ratio") if pair else ())]
        table.add_column("mean over episodes")
        for title in titles:
            table.add_column(title, justify="right")
        for name in self.names:
            cells = [self.mean(player, name) for player in self.players]
            cells += [self.difference(name), self.ratio(name)] if pair else []
            table.add_row(name, *(_cell(cell) for cell in cells))
        return table

    def to_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        plain = {
            "episodes": len(next(iter(self.players.values()))["return"]),
            "seed": self.seed,
            "interval": "95 % percentile bootstrap over episodes; differences and ratios resample the players in pairs",
            "players": {
                player: {name: self.mean(player, name).to_plain() for name in self.names} for player in self.players
            },
            "diverged_worlds": self.diverged,
        }
        if len(self.players) == 2:
            plain["pairs"] = len(self._two("return")[0])
            plain["difference"] = {name: self.difference(name).to_plain() for name in self.names}
            plain["ratio"] = {name: self.ratio(name).to_plain() for name in self.names}
        return plain

    def to_csv(self) -> str:
        """Return one row per player and episode; episodes of one number had the same layout."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["player", "episode", *self.names])
        for player, numbers in self.players.items():
            for episode, row in zip(self.layouts[player], zip(*numbers.values(), strict=True), strict=True):
                writer.writerow([player, episode, *(f"{value:.6g}" for value in row)])
        return text.getvalue()


def evaluate_alone(
    make_env: Callable[[], Environment],
    players: Sequence[Player],
    episodes: int,
    seed: int,
    progress: Callable[[str, int], None] = lambda _player, _done: None,
) -> AloneEvaluation:
    """Let each player play the same episodes of a game for one team.

    Args:
      make_env: makes a fresh environment; the same seed every time, so that the layouts are the same.
      players: with different names. Of two, the second is what the first is compared with.
      episodes: N, of each player.
      seed: seed of the intervals.
      progress: called with a player's name and its finished episodes.
    """
    results, layouts, diverged = {}, {}, 0
    for player in players:
        env = make_env()
        try:
            match = play_match(env, player, player, episodes, partial(progress, player.name))
        finally:
            env.close()
        results[player.name], layouts[player.name] = _numbers(match), match.layouts
        diverged += match.diverged
    return AloneEvaluation(results, layouts, diverged, seed)


def _numbers(match: Match) -> Numbers:
    """Return what a game for one team is judged by: the return, then everything else that the environment reports."""
    others = {name: values for name, values in match.statistics.items() if name not in ("length", "seen_fraction")}
    return {"return": match.returns["hiders"], **others, "length": match.lengths}


def _of_known(estimate: Callable[[NDArray[np.float64]], Estimate], *values: NDArray[np.float64]) -> Estimate:
    """Estimate from rows (G, N) without the episodes in which one of them is NaN."""
    rows = np.stack(values)
    known = rows[:, np.isfinite(rows).all(0)]
    return estimate(known) if known.size else Estimate(math.nan, math.nan, math.nan)


def _cell(estimate: Estimate) -> str:
    return estimate.format("{:.3g}") if math.isfinite(estimate.value) else "-"
