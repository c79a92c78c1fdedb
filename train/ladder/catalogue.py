"""The ladders that ``hideseek train`` knows by name."""

from __future__ import annotations

import dataclasses

from envs import scenarios

from ..config.league_config import LeagueConfig
from ..config.presets import get_preset
from ..config.starts_config import StartsConfig
from ..config.train_config import ReportConfig, TrainConfig
from .rungs import Ladder, Rung

_DOOR = {
    "movement_bins": 5,
    "heading_forces": True,
    "lock_in_preparation": False,
    "door_wall": "left",
    "door_spread": 0.0,
    "horizon": 40,
}
"""The world of the first rung: the door always in the middle of the left wall, 16 steps of preparation and 24 live
ones, so that what decides is a large part of an episode."""


def _door_blocking() -> TrainConfig:
    """Return rung 1: starts backwards along the scripted blocker's play, against the chaser (docs/emergence.md)."""
    quick = get_preset("quickstart")
    return dataclasses.replace(
        quick,
        scenario=scenarios.get("hide-and-seek/door", **_DOOR),
        num_worlds=128,
        iterations=250,
        league=LeagueConfig(fraction=1.0, scripted=("chaser=0.9",), at_once=1, interval=10, rating_interval=0),
        starts=StartsConfig(share=0.9, draw="backwards", won_above=0.8, scripts=("blocker",), every=0, neighbours=0),
        report=ReportConfig(stage_interval=20, stage_seekers="chaser"),
    )


LADDERS: dict[str, Ladder] = {
    "ladder/quadrant": Ladder(
        "door blocking, rung by rung, with start states of scripted players",
        (Rung(name="door-blocking", strategy="door blocking", share=0.5, config=_door_blocking()),),
    )
}
"""By the name that commands accept."""
