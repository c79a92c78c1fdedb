"""A run of the study: agents of one condition learn, and are then measured and probed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from envs.options.ranges import derived_seed
from envs.scenarios import Scenario

from ...play.players import PolicyPlayer
from ...play.scripted import ScriptedPlayer
from ...trainer import Trainer
from ..study import Piece, Progress
from .conditions import Condition
from .episodes import play
from .probes import probe, probes_for

CURVES = {
    "exchanged": "units exchanged",
    "reciprocated": "units reciprocated",
    "drop_swaps": "drop-swaps",
    "collected": "fresh food",
    "light_penalty": "light penalty",
    "total_reward": "total reward",
}
"""Statistics whose means are kept while agents learn, and what figures call them."""
ANCHORS = ("forager", "trader")
_EPISODES = 128  # In which agents are measured when they have learned.
_POINTS = 60  # Of a curve, at most.
_SEED = 1  # Of what is played to be measured.


def pieces_of(condition: Condition, first: int, seeds: int | None) -> list[Piece]:
    """Return a piece for each seed of a condition."""
    numbers = [derived_seed(first, number) for number in range(seeds or condition.seeds)]
    return [
        Piece(f"{condition.name}-seed{seed}", condition.work, partial(run_piece, condition, seed)) for seed in numbers
    ]


def run_piece(condition: Condition, seed: int, progress: Progress) -> dict[str, Any]:
    """Let the agents of a condition learn.

    Returns:
      ``curves``: statistics of episodes while they learned, a point for every ``every`` iterations. ``final``: those
      of episodes that were played afterwards, on other layouts. ``probes``: what overridden agents achieved.
      ``seconds`` of one core, ``steps`` of agents.
    """
    config = replace(condition.config, seed=seed, threads=1, torch_threads=1)
    begun, rows = time.process_time(), []
    trainer = Trainer(config)
    try:
        trainer.begin()
        for iteration in range(config.iterations):
            metrics = trainer.iterate()
            rows.append({name: metrics.get(f"stats/{name}", 0.0) for name in CURVES})
            words = f"exchanged {rows[-1]['exchanged']:.2f}, reward {rows[-1]['total_reward']:.1f}"
            progress((iteration + 1) / config.iterations, words)
        player = PolicyPlayer(trainer.policy, _SEED)
    finally:
        trainer.close()
    every = -(-len(rows) // _POINTS)
    names = probes_for(config.scenario) if condition.probed else []
    return {
        "curves": {name: _thinned([row[name] for row in rows], every) for name in CURVES},
        "every": every,
        "final": _rounded(play(config.scenario, player, _EPISODES, _SEED).numbers),
        "probes": {name: _rounded(probe(name, config.scenario, player, _EPISODES, _SEED)) for name in names},
        "seconds": round(time.process_time() - begun, 1),
        "steps": config.total_env_steps * config.scenario.num_agents,
    }


def anchor_piece(scenario: Scenario) -> Piece:
    """Return the piece in which scripted players play a scenario."""
    return Piece(f"anchors-{scenario.name.replace('/', '-')}", 1e4, partial(play_anchors, scenario))


def play_anchors(scenario: Scenario, progress: Progress) -> dict[str, Any]:
    """Return the statistics of each scripted player."""
    return {
        name: _rounded(play(scenario, ScriptedPlayer(name, scenario, 1.0, _SEED), _EPISODES, _SEED).numbers)
        for name in ANCHORS
    }


def _thinned(values: list[float], every: int) -> list[float]:
    """Return means of every so many values."""
    parts = [values[start : start + every] for start in range(0, len(values), every)]
    return [round(sum(part) / len(part), 4) for part in parts]


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in numbers.items()}
