"""The ladders that ``hideseek train`` knows by name."""

from __future__ import annotations

import dataclasses

from envs import scenarios
from envs.options.scenario_options import PaddingOptions

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
        iterations=300,
        ppo=dataclasses.replace(quick.ppo, epochs=3, learning_rate=1e-3, final_learning_rate=2e-4),
        league=LeagueConfig(
            fraction=1.0, scripted=("chaser=0.9",), draw="uniform", at_once=1, interval=10, rating_interval=0
        ),
        starts=StartsConfig(share=0.9, draw="backwards", won_above=0.8, scripts=("blocker",), every=0, neighbours=0),
        report=ReportConfig(stage_interval=20, stage_seekers="chaser"),
    )


def _shelter() -> TrainConfig:
    """Return the run in which hiders shut themselves in: the world of door blocking and its chaser, nothing else."""
    return dataclasses.replace(_door_blocking(), starts=StartsConfig())


def _ramp_use() -> TrainConfig:
    """Return the run in which seekers learn to climb: backwards along the scripted climber's play against a blocker."""
    door = _door_blocking()
    world = _DOOR | {"movement_bins": 11, "horizon": 60, "preparation_fraction": 0.27, "ramps": 1}
    return dataclasses.replace(
        door,
        scenario=scenarios.get("hide-and-seek/door", padding=PaddingOptions(), **world),
        league=dataclasses.replace(door.league, scripted=("blocker=0.9",)),
        starts=dataclasses.replace(door.starts, share=0.8, won_above=None, scripts=("climber",), against="blocker"),
        report=ReportConfig(stage_interval=20, stage_hiders="blocker"),
    )


def _ramp_defence() -> TrainConfig:
    """Return the run in which hiders take the ramp away: backwards along the scripted defender's play.

    Against the climber, in a world without corners to hide in, since boxes are seen over. All begin outside, where the
    ramp is, and have 44 steps until the 60 live ones.
    """
    door = _door_blocking()
    world = _DOOR | {
        "movement_bins": 11,
        "horizon": 104,
        "preparation_fraction": 0.4231,
        "ramps": 1,
        "agent_start": "quarter",
        "ramp_start": "quarter",
        "boxes": (1, 1),
        "box_height": 0.13,
    }
    return dataclasses.replace(
        door,
        scenario=scenarios.get("hide-and-seek/door", padding=PaddingOptions(), **world),
        iterations=600,
        league=LeagueConfig(fraction=0.0, rating_interval=0, frozen="climber", frozen_team="seekers"),
        starts=dataclasses.replace(
            door.starts, won_above=0.6, scripts=("defender",), against="climber", script_fastest=0.5
        ),
        report=ReportConfig(stage_interval=20, stage_seekers="climber"),
    )


LADDERS: dict[str, Ladder] = {
    "ladder/quadrant": Ladder(
        "door blocking, rung by rung, with start states of scripted players",
        (Rung(name="door-blocking", strategy="door blocking", share=0.5, config=_door_blocking()),),
    ),
    "ladder/shelter": Ladder(
        "a shelter in the room against the scripted chaser, without start states",
        (Rung(name="shelter", strategy="shelter", share=0.5, config=_shelter()),),
    ),
    "ladder/ramp": Ladder(
        "ramp use against the scripted blocker, with start states of the scripted climber",
        (Rung(name="ramp-use", strategy="ramp use", share=0.3, config=_ramp_use()),),
    ),
    "ladder/defence": Ladder(
        "ramp defence against the scripted climber, with start states of the scripted defender",
        (Rung(name="ramp-defence", strategy="ramp defence", share=0.5, config=_ramp_defence()),),
    ),
}
"""By the name that commands accept."""
