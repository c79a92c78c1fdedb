"""Every game and every named scenario: the one place that a new one is entered in.

Every field can be changed, for instance ``scenarios.get("lock-and-return", layout="quadrant", box_start="anywhere")``.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from ..games import Game
from ..games.blueprint import Blueprint
from ..games.box_locking import BoxLocking
from ..games.free_play import FreePlay
from ..games.hide_and_seek import HideAndSeek
from ..games.object_counting import ObjectCounting
from ..games.shelter import Shelter
from ..games.trade import Trade
from ..options.scenario_options import (
    BlueprintOptions,
    CountingOptions,
    CylinderOptions,
    FoodOptions,
    LockTaskOptions,
    PaddingOptions,
    ShelterOptions,
    TradeOptions,
)
from ..scenario import Scenario

GAMES: dict[str, type[Game]] = {
    "hide_and_seek": HideAndSeek,
    "box_locking": BoxLocking,
    "blueprint": Blueprint,
    "shelter": Shelter,
    "object_counting": ObjectCounting,
    "free_play": FreePlay,
    "trade": Trade,
}
"""Games by the name that ``Scenario.game`` uses."""

SCENARIOS: dict[str, Scenario] = {}
"""Every scenario that commands accept by name."""


def _add(scenario: Scenario) -> Scenario:
    """Register without checking, so that an import stays quick; a test checks them all."""
    SCENARIOS[scenario.name] = scenario
    return scenario


FULL = _add(
    Scenario(
        name="hide-and-seek/full",
        boxes=(3, 9),
        elongated_boxes=(3, 9),
        ramps=2,
        layout="random_rooms",
        outer_walls_probability=0.5,
        hiders_together_radius=0.5,
        seekers_together_radius=0.5,
        bounds=(-6.0, -6.0, 12.0, 12.0),
    )
)
"""The paper's main environment: random rooms, 3 to 9 boxes, 2 ramps, 2 against 2."""

QUADRANT = _add(
    Scenario(
        name="hide-and-seek/quadrant",
        horizon=80,
        boxes=(2, 2),
        ramps=1,
        layout="quadrant",
        door_dropout_probability=0.5,
        hiders_anywhere=True,
        lock_ramps=False,
        bounds=(0.1, 0.1, 5.9, 5.9),
        penalize_objects_out=True,
        wall_friction=0.01,
        box_size_features=False,
        max_contacts=60,
        max_constraints=240,
    )
)
"""The paper's simpler environment: one room in the lower-right quarter with one or two doors, 2 boxes, 1 ramp."""

QUICKSTART = _add(
    dataclasses.replace(
        QUADRANT,
        name="hide-and-seek/quickstart",
        hiders=1,
        seekers=1,
        horizon=160,
        preparation_fraction=0.2,
        heading_features="cos_sin",
        bearing_features=True,
    )
)
"""The quadrant with one agent a side, longer episodes and bounded heading features: learned in minutes on two cores."""

DOOR = _add(
    dataclasses.replace(
        QUICKSTART,
        name="hide-and-seek/door",
        horizon=80,
        substeps=20,
        timestep=0.0075,
        preparation_fraction=0.4,
        boxes=(1, 2),
        ramps=0,
        padding=PaddingOptions(ramps=1),
        door_dropout_probability=1.0,
        hiders_anywhere=False,
        grab_unseen=True,
        lock_unseen=True,
    )
)
"""A hider in a room with one door and one or two boxes to block it, 12 s with a decision every 0.15 s. Observed as the
quickstart, with zeros for the ramp that it lacks, so that a policy can go on in either."""

FOOD = _add(dataclasses.replace(FULL, name="hide-and-seek/food", food=FoodOptions(count=3)))
"""The main environment with three foods around the middle, which hiders eat when nobody sees them."""

DYNAMIC_FOOD = _add(
    dataclasses.replace(
        FULL,
        name="hide-and-seek/dynamic-food",
        food=FoodOptions(count=1, health=1.0, respawn_steps=0, moves=True, central_share=0.2),
    )
)
"""One food that disappears when eaten and comes back elsewhere in a central square."""

SINGLE = Scenario(
    name="single",
    game="free_play",
    hiders=1,
    seekers=0,
    preparation_fraction=0.0,
    boxes=(0, 0),
    ramps=0,
    layout="empty",
)
"""What the tasks for one agent have in common: a hider alone. Not registered."""

FIVE_V_FIVE = _add(
    dataclasses.replace(FULL, name="hide-and-seek/five-v-five", hiders=5, seekers=5, elongated_boxes=(3, 9))
)
"""The main environment with the largest teams."""

RANDOM_TEAMS = _add(
    dataclasses.replace(FULL, name="hide-and-seek/random-teams", hiders=3, seekers=3, random_team_sizes=True)
)
"""The main environment with 1 to 3 hiders and 1 to 3 seekers, drawn in every episode."""

VARIABLE_QUADRANT = _add(
    dataclasses.replace(QUADRANT, name="hide-and-seek/variable-quadrant", layout="variable_quadrant")
)
"""The quadrant with a room whose side is drawn from 0.3 to 0.6 of the floor's side in every episode."""

LOCK_AND_RETURN = _add(
    dataclasses.replace(
        SINGLE,
        name="lock-and-return",
        game="box_locking",
        horizon=120,
        layout="random_rooms",
        rooms=6,
        random_room_number=False,
        boxes=(1, 1),
        lock_task=LockTaskOptions(task="all", and_return=True),
    )
)
"""Find the box in six rooms, lock it, and go back to where you started."""

SEQUENTIAL_LOCK = _add(
    dataclasses.replace(
        SINGLE,
        name="sequential-lock",
        game="box_locking",
        horizon=120,
        layout="three_rooms",
        door_cells=0,
        boxes=(4, 4),
        ramps=3,
        lock_task=LockTaskOptions(task="order", and_return=False),
    )
)
"""Lock four boxes in an order that must be found out, in three closed rooms with a ramp in each."""

BLUEPRINT = _add(
    dataclasses.replace(
        SINGLE,
        name="blueprint",
        game="blueprint",
        horizon=150,
        boxes=(8, 8),
        wall_friction=0.01,
        blueprint=BlueprintOptions(sites=(1, 4)),
    )
)
"""Put cubes on one to four marked sites; the episode ends when all are covered."""

SHELTER = _add(
    dataclasses.replace(
        SINGLE,
        name="shelter",
        game="shelter",
        horizon=240,
        boxes=(8, 8),
        elongated_boxes=(3, 3),
        wall_friction=0.01,
        cylinders=CylinderOptions(fixed=1, central_share=0.7),
    )
)
"""Build a shelter of boxes around a cylinder, against rays from all sides."""

OBJECT_COUNTING = _add(
    dataclasses.replace(
        SINGLE,
        name="object-counting",
        game="object_counting",
        horizon=120,
        layout="counting",
        boxes=(6, 6),
        lock_boxes=False,
    )
)
"""Watch six boxes drift out of sight and remember how many went left."""

OBSERVED_AS_QUICKSTART = Scenario(
    name="observed as in the quickstart",
    lock_ramps=False,
    heading_features="cos_sin",
    bearing_features=True,
    box_size_features=False,
)
"""Options of the observation of ``hide-and-seek/quickstart``, whose policies can start the small tasks. Not
registered."""


def _small(scenario: Scenario, **changes: Any) -> Scenario:
    """Register ``<name>/small``: the same game observed as in the quickstart, in an open arena unless changed."""
    fields = ("lock_ramps", "heading_features", "bearing_features", "box_size_features")
    observed = {field: getattr(OBSERVED_AS_QUICKSTART, field) for field in fields}
    return _add(dataclasses.replace(scenario, name=f"{scenario.name}/small", **(observed | changes)))


EXPLORE = _add(
    dataclasses.replace(
        SINGLE,
        name="explore",
        horizon=240,
        boxes=(4, 4),
        ramps=1,
        agent_start="quarter",
        box_start="quarter",
        ramp_start="quarter",
    )
)
"""Objects to play with and no reward, for intrinsic motivation; everything starts in the lower-left quarter."""

MOVABLE_CYLINDERS = _add(
    dataclasses.replace(
        QUADRANT,
        name="hide-and-seek/cylinders",
        layout="empty",
        cylinders=CylinderOptions(fixed=1, movable=2, diameter=(0.4, 0.6)),
    )
)
"""Hide-and-seek in the open, among a fixed and two movable cylinders."""


LOCK_AND_RETURN_SMALL = _small(
    LOCK_AND_RETURN,
    horizon=50,
    floor_size=3.0,
    grid_cells=15,
    rooms=1,
    agent_start="quarter",
    lock_task=LockTaskOptions(task="all", and_return=True, shaping=5.0, return_radius=0.3),
)
"""One room, a start in its lower-left quarter, a looser radius, and ten times the reward for coming closer."""

SEQUENTIAL_LOCK_SMALL = _small(
    SEQUENTIAL_LOCK,
    horizon=60,
    floor_size=2.4,
    grid_cells=12,
    layout="empty",
    boxes=(2, 2),
    ramps=0,
    lock_task=LockTaskOptions(task="order", and_return=False, shaping=2.0),
)
"""Two boxes in one room, and four times the reward for coming closer."""

BLUEPRINT_SMALL = _small(
    BLUEPRINT,
    horizon=60,
    floor_size=2.4,
    grid_cells=12,
    layout="empty",
    boxes=(2, 2),
    blueprint=BlueprintOptions(sites=(1, 1), radius=0.3, smoothness=-5.0),
)
"""One site and two cubes in one room, a looser radius, and a distance that hardly looks beyond the nearest cube."""

SHELTER_SMALL = _small(
    SHELTER,
    horizon=60,
    floor_size=2.2,
    grid_cells=11,
    layout="empty",
    boxes=(2, 2),
    elongated_boxes=(0, 0),
    cylinders=CylinderOptions(fixed=1, diameter=(0.05, 0.05), central_share=0.2),
    shelter=ShelterOptions(progress=1.0, approach=30.0),
)
"""Two cubes for a pole near the middle of one room, and rewards for every ray that is newly kept out and for a box that
comes closer. The pole is so thin that an agent beside it stops a third of the rays."""

OBJECT_COUNTING_SMALL = _small(
    OBJECT_COUNTING,
    horizon=60,
    boxes=(3, 3),
    lock_boxes=True,
    counting=CountingOptions(wait_steps=5, drift_per_step=0.12),
)
"""Three boxes, twice as fast. Boxes have lock features as in the quickstart."""

EXPLORE_SMALL = _small(EXPLORE, horizon=120, floor_size=4.0, grid_cells=20, boxes=(2, 2))
"""Two boxes on a small floor."""

TRADE = _add(
    dataclasses.replace(
        SINGLE,
        name="trade/full",
        game="trade",
        hiders=4,
        horizon=180,
        substeps=10,
        timestep=0.01,
        movement_bins=5,
        action_limit=0.5,
        game_actions=(5,),
        floor_size=5.28,
        grid_cells=24,
        layout="market",
        vision_angle=math.tau,
        lidar_rays=0,
        heading_features="cos_sin",
        trade=TradeOptions(),
    )
)
"""The Trading Game: four agents, food in the corners of 11 x 11 cells, four days and three and a half nights."""

TRADE_LITE = _add(
    dataclasses.replace(
        TRADE,
        name="trade/lite",
        hiders=2,
        horizon=64,
        floor_size=4.32,
        trade=TradeOptions(patches="sides", pieces=(6, 6), day_ticks=16, day_steps=16),
    )
)
"""Two agents on 9 x 9 cells, with fruit on the left and greens on the right; two short days and nights."""

TRADE_HAUL = _add(
    dataclasses.replace(
        TRADE_LITE,
        name="trade/haul",
        horizon=192,
        game_actions=(),
        boxes=(12, 12),
        lock_boxes=False,
        max_contacts=200,
        max_constraints=1000,
        trade=dataclasses.replace(TRADE_LITE.trade, carry="haul", day_steps=48),
    )
)
"""The same market where food is dragged, one piece at a time. A step is a third of a tick: hauling takes its time."""

NIGHT_MARKET = _add(
    dataclasses.replace(
        TRADE,
        name="trade/night-market",
        hiders=2,
        horizon=24,
        floor_size=1.44,
        trade=TradeOptions(patches="none", begins="dusk", goods=2.5),
    )
)
"""One night for two at the fire; one brings fruit and the other greens."""
