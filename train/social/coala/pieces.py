"""Pieces of the study: a condition and a few seeds, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from envs.options.ranges import derived_seed
from envs.social.catalogue import make_game

from ..study import Piece, Progress
from .analytic import AnalyticSetting, train_analytic
from .conditions import Condition
from .meta_episodes import CountingGame
from .training import train

_TOGETHER = 5  # Seeds of a piece: side by side they cost little more than one.
_POINTS = 60  # Of a curve.
_LAST = 0.1  # Share of the updates at the end of which results are means.


def pieces_of(condition: Condition, first: int, seeds: int) -> list[Piece]:
    """Return the pieces of a condition with seeds that follow each other."""
    made = []
    for start in range(0, seeds, _TOGETHER):
        runs = min(_TOGETHER, seeds - start)
        seed = derived_seed(first, start)
        function = partial(run_piece, condition, seed, runs)
        made.append(Piece(f"{condition.name}-seed{seed}", condition.work * runs, function))
    return made


def run_piece(condition: Condition, seed: int, runs: int, progress: Progress) -> dict[str, Any]:
    """Let S populations of a condition learn.

    Returns:
        ``final``: every measure's mean over the last tenth of the updates, one number a seed. ``curves``: the measures
        while they learned, (S, points) each, a point for every ``every`` updates. ``seconds`` that it took, ``steps``
        of agents that were learned from. ``chances`` of cooperation of analytic agents, (S, A, 5).
    """
    setting = condition.setting
    start = time.process_time()

    def tell(update: int, found: Mapping[str, Tensor]) -> None:
        words = ", ".join(f"{name} {values.mean():.2f}" for name, values in found.items() if name.endswith("/reward"))
        progress(update / setting.updates, words)

    extra: dict[str, Any] = {}
    if isinstance(setting, AnalyticSetting):
        chances, curves = train_analytic(setting, runs, seed, tell)
        extra["chances"] = _rounded(chances)
    else:
        _, curves = train(setting, runs, partial(_make, condition.game), seed, tell)
        steps = setting.updates * setting.inner_episodes * setting.inner_steps
        extra["steps"] = steps * runs * setting.agents * setting.co_players * setting.batch
    last = max(1, round(setting.updates * _LAST))
    every = -(-setting.updates // _POINTS)
    return {
        "final": {name: _rounded(curve[-last:].mean(0)) for name, curve in curves.items()},
        "curves": {name: _rounded(_thinned(curve, every).T) for name, curve in curves.items()},
        "every": every,
        "seconds": round(time.process_time() - start, 1),
        **extra,
    }


def _make(name: str, worlds: int, generator: torch.Generator) -> CountingGame:
    return cast(CountingGame, make_game(name, worlds, generator))


def _thinned(curve: Tensor, every: int) -> Tensor:
    """Return means of every so many updates (points, S) of (updates, S)."""
    return torch.stack([part.mean(0) for part in curve.split(every)])


def _rounded(values: Tensor) -> Any:
    return [_rounded(value) for value in values] if values.ndim else round(values.item(), 4)


@dataclass(frozen=True)
class Found:
    """What all seeds of a condition found."""

    condition: Condition
    final: dict[str, list[float]]
    """Measure -> a number a seed."""
    curves: dict[str, list[list[float]]]
    """Measure -> a curve a seed."""
    every: int
    """Updates between two points of a curve."""
    chances: list[list[list[float]]]
    """Of analytic agents: seed, agent, cell."""
    seconds: float
    """On one core."""
    steps: int
    """That were learned from."""


def collect(condition: Condition, first: int, seeds: int, results: Mapping[str, Any]) -> Found:
    """Join what the pieces of a condition found."""
    found = [results[piece.name] for piece in pieces_of(condition, first, seeds)]

    def joined(part: str) -> dict[str, Any]:
        return {name: [value for one in found for value in one[part][name]] for name in found[0][part]}

    return Found(
        condition,
        joined("final"),
        joined("curves"),
        found[0]["every"],
        [seed for one in found for seed in one.get("chances", [])],
        sum(one["seconds"] for one in found),
        sum(one.get("steps", 0) for one in found),
    )
