"""Pieces of the study: some seeds of all settings under a reading, in one batch of worlds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from envs.options.ranges import derived_seed

from ...support.json_data import to_plain
from ..study import Piece, Progress
from .claims import Claim, settings_of
from .options import Reading, Setting, Ties
from .population import Outcome, Population

_TOGETHER = 10  # Seeds of a piece.
_TELL_EVERY = 10  # Episodes.
_POINTS = 50  # Of a curve.
_WORLDS_OF_A_ROUND = 200  # As many take as long as what a round costs whatever their number.


@dataclass(frozen=True, kw_only=True)
class Run:
    """Parts of the study under a reading, for several seeds."""

    parts: tuple[str, ...]
    """Of ``PARTS``: those with judges, or those without."""
    name: str
    """Of the reading."""
    reading: Reading
    """How agents learn."""
    ties: tuple[Ties, ...]
    """Rules for ties; every setting is run with each."""
    episodes: int
    """That are played."""

    @property
    def settings(self) -> list[Setting]:
        """All settings, each once, with each rule for ties."""
        settings = dict.fromkeys(setting for part in self.parts for setting in settings_of(part))
        return [replace(setting, ties=ties) for ties in self.ties for setting in settings]

    def places(self, part: str, ties: Ties) -> list[int]:
        """Return where the settings of a part with a rule for ties are among all."""
        settings = self.settings
        return [settings.index(replace(setting, ties=ties)) for setting in settings_of(part)]

    def pieces(self, first: int, seeds: int) -> list[Piece]:
        """Return its pieces with seeds that follow each other."""
        return [
            self._piece(derived_seed(first, start), min(_TOGETHER, seeds - start))
            for start in range(0, seeds, _TOGETHER)
        ]

    def _piece(self, seed: int, runs: int) -> Piece:
        worlds = runs * len(self.settings)
        pairs = self.reading.agents // 2 if self.reading.pairing == "all" else 1
        work = self.episodes * self.reading.rounds * (_WORLDS_OF_A_ROUND + worlds * pairs)
        name = f"{'judges' if self.reading.judges else 'norms'}-{self.name.replace('/', '-')}-seed{seed}"
        return Piece(name, float(work), partial(run_piece, self.settings, self.reading, self.episodes, seed, runs))

    def collect(self, first: int, seeds: int, results: Mapping[str, Any]) -> Found:
        """Join what its pieces found."""
        found = [results[piece.name] for piece in self.pieces(first, seeds)]
        arrays = {name: np.concatenate([np.array(one[name]) for one in found], 1) for name in _ARRAYS}
        return Found(
            self,
            arrays,
            found[0]["every"],
            sum(one["seconds"] for one in found),
            sum(one["encounters"] for one in found),
        )


_ARRAYS = ("cooperation", "first", "rules", "norms", "curves")


@dataclass(frozen=True)
class Found:
    """What all seeds of a run found, N settings and S seeds."""

    run: Run
    """Which."""
    arrays: Mapping[str, Any]
    """``cooperation`` (N, S) in the last half of the episodes, ``first`` (N, S) in the very first, ``rules`` and
    ``norms`` (N, S, 16) there, ``curves`` (N, S, points) of cooperation."""
    every: int
    """Episodes between two points of a curve."""
    seconds: float
    """On one core."""
    encounters: int
    """That were played and learned from."""

    def values(self, claim: Claim, ties: Ties) -> list[float]:
        """Return what was found of a claim, a number a seed."""
        setting = replace(claim.setting, ties=ties)
        number = self.run.settings.index(setting)
        if claim.measure == "first reward":
            return [float(share) * (setting.benefit - 1) for share in self.arrays["first"][number]]
        if claim.measure == "cooperation":
            return [float(value) for value in self.arrays["cooperation"][number]]
        kinds = self.arrays["rules" if claim.measure == "rule" else "norms"][number]
        return [float(value) for value in kinds[:, claim.which]]

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values: every seed's numbers, and mean curves."""
        settings = [
            {
                "setting": to_plain(setting),
                "cooperation": self.arrays["cooperation"][number].tolist(),
                "rules": self.arrays["rules"][number].mean(0).round(4).tolist(),
                "norms": self.arrays["norms"][number].mean(0).round(4).tolist(),
                "curve": self.arrays["curves"][number].mean(0).round(4).tolist(),
            }
            for number, setting in enumerate(self.run.settings)
        ]
        return {
            "parts": self.run.parts,
            "reading": to_plain(self.run.reading),
            "every": self.every,
            "settings": settings,
        }


def run_piece(
    settings: Sequence[Setting], reading: Reading, episodes: int, seed: int, runs: int, progress: Progress
) -> dict[str, Any]:
    """Let N settings learn with S seeds each.

    Returns:
      The arrays of ``Found``; ``every``; ``encounters`` of pairs; ``seconds`` of a core.
    """
    start = time.process_time()
    population = Population([setting for setting in settings for _ in range(runs)], reading, seed)

    def tell(episode: int) -> None:
        if episode % _TELL_EVERY == 0:
            progress(episode / episodes, f"episode {episode}")

    outcome = population.run(episodes, tell)
    seconds = time.process_time() - start
    config, every = population.game.config, -(-episodes // _POINTS)
    arrays = _arrays(outcome, every)
    return {
        **{name: _rounded(values.unflatten(0, (len(settings), runs))) for name, values in arrays.items()},
        "every": every,
        "encounters": episodes * population.worlds * config.horizon * config.pairs,
        "seconds": round(seconds, 1),
    }


def _arrays(outcome: Outcome, every: int) -> dict[str, Tensor]:
    """Return what is kept of an outcome, world by world."""
    shares = outcome.cooperation
    return {
        "cooperation": shares[len(shares) // 2 :].mean(0),
        "first": shares[0],
        "rules": outcome.rules,
        "norms": outcome.norms,
        "curves": _thinned(shares, every),
    }


def _thinned(shares: Tensor, every: int) -> Tensor:
    """Return means of every so many episodes (W, points) of (episodes, W)."""
    return torch.stack([part.mean(0) for part in shares.split(every)], 1)


def _rounded(values: Tensor) -> Any:
    return np.round(values.double().numpy(), 4).tolist()
