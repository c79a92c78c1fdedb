"""What a user can make: the scenario dataclass and the registry of named scenarios.

A scenario is data. Variants differ by fields, never by subclasses or wrappers. Numbers refer to the released
environment's example configurations; deviations are in docs/differences.md.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from .errors import UserError, did_you_mean
from .options import (
    BlueprintOptions,
    CountingOptions,
    CylinderOptions,
    FoodOptions,
    LockTaskOptions,
    PaddingOptions,
    ShelterOptions,
)

LockType = Literal["any_lock", "all_lock", "any_lock_specific", "all_lock_team_specific"]
RewardType = Literal["selfish", "joint_mean", "joint_zero_sum"]
LayoutName = Literal["random_rooms", "quadrant", "variable_quadrant", "three_rooms", "empty", "counting"]
Place = Literal["layout", "anywhere", "centre", "quarter", "each_room"]
HeadingFeatures = Literal["raw", "cos_sin"]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of world: its arena, objects, rules, observations and physics. SI units; a *step* is one decision."""

    name: str
    """Name in the registry, such as ``hide-and-seek/full``."""

    game: str = "hide_and_seek"
    """Rules of reward and end, one of ``GAMES`` in envs/games/. ``free_play`` has neither."""

    # --- teams -----------------------------------------------------------------------------------------------------
    hiders: int = 2
    """Number of hiders. Hiders come first in every agent axis."""
    seekers: int = 2
    """Number of seekers; 0 leaves hide-and-seek to hiders whom nobody seeks."""
    random_team_sizes: bool = False
    """Draw the size of each team uniformly from 1 to its number above in every episode; the others are absent."""

    # --- time ------------------------------------------------------------------------------------------------------
    horizon: int = 240
    """Steps in an episode; one step is ``substeps * timestep`` seconds (0.075 s)."""
    preparation_fraction: float = 0.4
    """Share of the episode in which seekers are frozen and all rewards are zero."""
    substeps: int = 15
    """Physics substeps in one step."""
    timestep: float = 0.005
    """Length of one physics substep in seconds."""

    # --- arena -----------------------------------------------------------------------------------------------------
    floor_size: float = 6.0
    """Side of the square arena in metres, lower-left corner at the origin."""
    min_floor_size: float | None = None
    """Draw the arena's side uniformly from this to ``floor_size`` in every episode; walls and doors scale with it."""
    grid_cells: int = 30
    """Cells along a side of the grid on which walls and objects are placed."""
    layout: LayoutName = "random_rooms"
    """Generator of walls and start positions."""
    rooms: int = 4
    """Number of rooms of ``random_rooms``, or the largest number if it is random."""
    random_room_number: bool = True
    """Draw the number of rooms uniformly from 1 to ``rooms`` in every episode."""
    min_room_cells: int = 6
    """Cells that must lie between two walls that start on the same side of a third."""
    door_cells: int = 2
    """Free grid cells of a door; 2 cells leave 0.7 m clear. 0 makes closed rooms."""
    outer_walls_probability: float = 1.0
    """Chance that an episode of ``random_rooms`` has the 4 m high outer walls."""
    door_dropout_probability: float = 0.0
    """Chance that one of the quadrant's two walls has no door."""
    hiders_anywhere: bool = False
    """In the quadrant layout, place hiders anywhere instead of inside the room."""
    hiders_together_radius: float | None = None
    """Place hiders within this distance (metres, per axis) of the first hider; None places them independently."""
    seekers_together_radius: float | None = None
    """The same for seekers."""
    agent_start: Place = "layout"
    """Where agents start: as usual for the layout, anywhere, in the centre, in the lower-left quarter, or in rooms drawn
    one after the other (``three_rooms`` only)."""
    box_start: Place = "layout"
    """Where boxes start."""
    ramp_start: Place = "layout"
    """Where ramps start; usual for ``three_rooms`` is one in each room."""

    # --- objects ---------------------------------------------------------------------------------------------------
    boxes: tuple[int, int] = (3, 9)
    """Smallest and largest number of boxes; the number is drawn uniformly in every episode."""
    elongated_boxes: tuple[int, int] = (0, 0)
    """Smallest and largest number of boxes that are 1.65 x 0.15 m instead of cubes, at most all boxes."""
    ramps: int = 2
    """Number of ramps; all are present in every episode."""
    tilting_boxes: bool = False
    """Let boxes turn about all three axes, so that they lean, tip over and fall on their sides. Without it they stay
    upright. Box features then hold three angles and three angular velocities. They start upright."""

    # --- grab and lock ---------------------------------------------------------------------------------------------
    reach: float = 0.25
    """Distance in metres from an agent centre to an object surface up to which it can be grabbed or locked."""
    lock_boxes: bool = True
    """Whether boxes can be locked."""
    lock_ramps: bool = True
    """Whether ramps can be locked. Without it ramps have no lock features in the observation."""
    lock_type: LockType = "all_lock_team_specific"
    """Who must agree to lock, and who may unlock; see envs/manipulation.py for the truth table."""
    lock_unseen: bool = False
    """Allow locking of objects that the agent did not see in the previous observation."""
    grab_unseen: bool = False
    """Allow grabbing of objects that the agent did not see in the previous observation."""

    # --- reward ----------------------------------------------------------------------------------------------------
    reward_type: RewardType = "joint_zero_sum"
    """How the per-agent visibility rewards are shared within a team."""
    bounds: tuple[float, float, float, float] | None = None
    """x0, y0, x1, y1 in metres; an agent whose centre is outside has its reward replaced by -10. None: no bounds."""
    penalize_objects_out: bool = False
    """Replace everyone's reward by -10 while any object's centre is outside ``bounds``."""
    corner_distances: bool = False
    """Measure distances to food and in lock tasks between lower-left corners, as the original does, instead of centres.
    Only for comparisons with it."""

    # --- options of some games and arenas; see envs/options.py -------------------------------------------------------
    food: FoodOptions = FoodOptions()
    """Food in hide-and-seek."""
    lock_task: LockTaskOptions = LockTaskOptions()
    """Rewards and conditions of the lock tasks."""
    blueprint: BlueprintOptions = BlueprintOptions()
    """Construction sites."""
    shelter: ShelterOptions = ShelterOptions()
    """Rays and reward of the shelter task."""
    cylinders: CylinderOptions = CylinderOptions()
    """Fixed and movable cylinders."""
    counting: CountingOptions = CountingOptions()
    """Motion of the boxes in object counting."""

    # --- perception and observation --------------------------------------------------------------------------------
    vision_angle: float = math.radians(135.0)
    """Full opening angle of the vision cone, radians, in the horizontal plane."""
    lidar_rays: int = 30
    """Number of horizontal lidar rays at world-fixed directions; 0 switches the lidar off."""
    lidar_range: float = 6.0
    """Value of a lidar ray that hits nothing, metres. Hits beyond it are not clipped."""
    heading_features: HeadingFeatures = "raw"
    """How an agent's yaw appears in agent features: the raw unwrapped angle (original) or its cosine and sine."""
    bearing_features: bool = False
    """Append the cosine and sine of an agent's, box's or ramp's direction relative to the observer's heading. Not in the
    original, where agents must learn to work it out; with it they learn to look at things in a fraction of the time."""
    box_size_features: bool = True
    """Append the full sizes of boxes (zeros for ramps) to the object features."""
    padding: PaddingOptions = PaddingOptions()
    """Stand-ins for agents and ramps that a task lacks, for policies that come from hide-and-seek."""

    # --- physics ---------------------------------------------------------------------------------------------------
    action_limit: float = 0.9
    """Largest motor command; force is 100 N and torque 100 N m times the command."""
    wall_friction: float = 1.0
    """Sliding friction of walls. A contact uses the larger of its two bodies' values."""
    floor_friction: float = 0.2
    """Sliding friction of the floor."""
    box_friction: float = 0.2
    """Sliding friction of boxes."""
    gravity: float = 50.0
    """Downward acceleration in m/s^2."""
    max_contacts: int = 100
    """Contacts, and pairs of geoms near each other, per world; mujoco_warp keeps room for those of all worlds together."""
    max_constraints: int = 500
    """Constraint rows for which mujoco_warp keeps room in every world: 4 per contact, 4 per locked (6 per
    locked tilting box), 6 per held object."""

    @property
    def num_agents(self) -> int:
        """A: hiders and seekers together."""
        return self.hiders + self.seekers

    @property
    def max_boxes(self) -> int:
        """B: length of every box axis."""
        return self.boxes[1]

    @property
    def num_objects(self) -> int:
        """O = B + R + C: length of every object axis: boxes, ramps, movable cylinders."""
        return self.max_boxes + self.ramps + self.cylinders.movable

    @property
    def pose_size(self) -> int:
        """Q: numbers in a pose. x, y, z, yaw; where boxes tilt also the angles about x and y, zero for all but boxes."""
        return 6 if self.tilting_boxes else 4

    @property
    def preparation_steps(self) -> int:
        """Steps in the preparation phase."""
        return int(self.horizon * self.preparation_fraction)

    @property
    def step_seconds(self) -> float:
        """Simulated seconds in one step."""
        return self.substeps * self.timestep

    @property
    def cell_size(self) -> float:
        """Side of a placement grid cell in metres."""
        return self.floor_size / self.grid_cells


FULL = Scenario(
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
"""The paper's main environment: random rooms, 3 to 9 boxes, 2 ramps, 2 against 2."""

QUADRANT = Scenario(
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
"""The paper's simpler environment: one room in the lower-right quarter with one or two doors, 2 boxes, 1 ramp."""

QUICKSTART = dataclasses.replace(
    QUADRANT,
    name="hide-and-seek/quickstart",
    hiders=1,
    seekers=1,
    horizon=160,
    preparation_fraction=0.2,
    heading_features="cos_sin",
    bearing_features=True,
)
"""The quadrant with one agent a side, longer episodes and bounded heading features: learned in minutes on two cores."""

FOOD = dataclasses.replace(FULL, name="hide-and-seek/food", food=FoodOptions(count=3))
"""The main environment with three foods around the middle, which hiders eat when nobody sees them."""

DYNAMIC_FOOD = dataclasses.replace(
    FULL,
    name="hide-and-seek/dynamic-food",
    food=FoodOptions(count=1, health=1.0, respawn_steps=0, moves=True, central_share=0.2),
)
"""One food that disappears when eaten and comes back elsewhere in a central square."""

SCENARIOS: dict[str, Scenario] = {s.name: s for s in (FULL, QUADRANT, QUICKSTART, FOOD, DYNAMIC_FOOD)}
"""Every scenario that commands accept by name."""


def register(scenario: Scenario) -> Scenario:
    """Add a scenario to the registry after validating it.

    Raises:
      UserError: the scenario is impossible, or its name is taken by a different one.
    """
    validate(scenario)
    if SCENARIOS.setdefault(scenario.name, scenario) != scenario:
        raise UserError(f"a different scenario is already registered as '{scenario.name}'; choose another name")
    return scenario


def get(name: str, /, **overrides: Any) -> Scenario:
    """Return a registered scenario with some fields replaced.

    Raises:
      UserError: unknown name or field (the nearest is suggested), or an impossible scenario.
    """
    if name not in SCENARIOS:
        raise UserError(f"unknown scenario '{name}'{did_you_mean(name, SCENARIOS)}; 'hideseek list' shows all")
    return replace(SCENARIOS[name], **overrides)


def replace(scenario: Scenario, /, **overrides: Any) -> Scenario:
    """Return a scenario with some fields replaced.

    Raises:
      UserError: unknown field (the nearest is suggested), or an impossible scenario.
    """
    fields = {f.name for f in dataclasses.fields(scenario)}
    for key in overrides:
        if key not in fields:
            raise UserError(f"unknown scenario option '{key}'{did_you_mean(key, fields)}")
    return validate(dataclasses.replace(scenario, **overrides))


def validate(scenario: Scenario) -> Scenario:
    """Return the scenario if it can be built.

    Raises:
      UserError: names the field that makes it impossible.
    """
    from .games import GAMES  # Games import this module.

    s = scenario
    checks = [
        (s.game in GAMES, f"unknown game '{s.game}'{did_you_mean(s.game, GAMES)}; there are {', '.join(GAMES)}"),
        (s.hiders >= 1, f"hiders is {s.hiders}; there must be at least 1"),
        (s.seekers >= 0, f"seekers is {s.seekers}; it must not be negative"),
        (s.num_agents <= 10, f"hiders + seekers is {s.num_agents}; at most 10 agents are supported"),
        (
            0 <= s.boxes[0] <= s.boxes[1],
            f"boxes is {s.boxes}; it must be (smallest, largest) with 0 <= smallest <= largest",
        ),
        (
            0 <= s.elongated_boxes[0] <= s.elongated_boxes[1] and s.elongated_boxes[0] <= s.boxes[0],
            f"elongated_boxes is {s.elongated_boxes}; it must be (smallest, largest), smallest not above boxes {s.boxes}",
        ),
        (s.ramps >= 0, f"ramps is {s.ramps}; it must not be negative"),
        (s.horizon >= 1, f"horizon is {s.horizon}; it must be at least 1 step"),
        (
            0.0 <= s.preparation_fraction < 1.0,
            f"preparation_fraction is {s.preparation_fraction}; it must be in [0, 1)",
        ),
        (s.substeps >= 1 and s.timestep > 0, "substeps must be at least 1 and timestep positive"),
        (s.max_contacts >= 1 and s.max_constraints >= 1, "max_contacts and max_constraints must be at least 1"),
        (s.grid_cells >= 10, f"grid_cells is {s.grid_cells}; it must be at least 10"),
        *_food_checks(s),
        *_arena_checks(s),
        *_task_checks(s),
        (s.lidar_rays >= 0, f"lidar_rays is {s.lidar_rays}; it must not be negative"),
        *_padding_checks(s),
        (s.rooms >= 1, f"rooms is {s.rooms}; it must be at least 1"),
    ]
    for passed, message in checks:
        if not passed:
            raise UserError(f"scenario '{s.name}': {message}")
    _validate_space(s)
    return s


def _food_checks(s: Scenario) -> list[tuple[bool, str]]:
    """Return conditions on the food options, each with what to say if it fails."""
    f = s.food
    return [
        (f.count >= 0, f"food.count is {f.count}; it must not be negative"),
        (f.count == 0 or s.game == "hide_and_seek", f"food.count is {f.count}; only hide_and_seek has food"),
        (f.radius > 0 and f.health > 0, "food.radius and food.health must be positive"),
        ((f.respawn_steps or 0) >= 0, f"food.respawn_steps is {f.respawn_steps}; it must not be negative"),
        (
            f.reward_scale[0] <= f.reward_scale[1],
            f"food.reward_scale is {f.reward_scale}; it must be (smallest, largest)",
        ),
        (0.0 < f.central_share <= 1.0, f"food.central_share is {f.central_share}; it must be in (0, 1]"),
        (f.clusters >= 1, f"food.clusters is {f.clusters}; it must be at least 1"),
    ]


def _padding_checks(s: Scenario) -> list[tuple[bool, str]]:
    """Return conditions on stand-ins, each with what to say if it fails."""
    p = s.padding
    return [
        (min(p.agents, p.ramps) >= 0, "padding.agents and padding.ramps must not be negative"),
        (p.agents == 0 or s.num_agents == 1, f"padding.agents is {p.agents}; it is for scenarios with one agent"),
        (p.ramps == 0 or s.ramps == 0, f"padding.ramps is {p.ramps}; it is for scenarios without ramps"),
    ]


def _arena_checks(s: Scenario) -> list[tuple[bool, str]]:
    """Return conditions on walls, places and cylinders, each with what to say if it fails."""
    c, low = s.cylinders, s.min_floor_size
    starts = (s.agent_start, s.box_start, s.ramp_start)
    return [
        (low is None or 0 < low <= s.floor_size, f"min_floor_size is {low}; it must be in (0, floor_size]"),
        (
            "each_room" not in starts or s.layout == "three_rooms",
            f"a start is 'each_room' but layout is {s.layout}; only three_rooms tells its rooms",
        ),
        (
            s.layout != "three_rooms" or s.grid_cells >= 20,
            f"grid_cells is {s.grid_cells}; three_rooms needs at least 20",
        ),
        (c.fixed >= 0 and c.movable >= 0, "cylinders.fixed and cylinders.movable must not be negative"),
        (0 < c.diameter[0] <= c.diameter[1], f"cylinders.diameter is {c.diameter}; it must be (smallest, largest)"),
        (0 < c.height[0] <= c.height[1], f"cylinders.height is {c.height}; it must be (smallest, largest)"),
        (
            c.central_share is None or 0.0 < c.central_share <= 1.0,
            f"cylinders.central_share is {c.central_share}; it must be in (0, 1]",
        ),
    ]


def _task_checks(s: Scenario) -> list[tuple[bool, str]]:
    """Return conditions on the options of the single-team games, each with what to say if it fails."""
    b = s.blueprint
    counting = s.layout == "counting"
    return [
        (s.game != "box_locking" or s.boxes[0] >= 1, f"boxes is {s.boxes}; box_locking needs at least 1"),
        (s.game != "box_locking" or s.lock_boxes, "lock_boxes is False; box_locking is about locking them"),
        (s.game != "blueprint" or s.boxes[0] >= 1, f"boxes is {s.boxes}; blueprint needs at least 1"),
        (s.game != "blueprint" or b.sites[0] >= 1, f"blueprint.sites is {b.sites}; blueprint needs at least 1"),
        (0 <= b.sites[0] <= b.sites[1], f"blueprint.sites is {b.sites}; it must be (smallest, largest)"),
        (
            0 <= b.elongated_sites[0] <= b.elongated_sites[1] and b.elongated_sites[0] <= b.sites[0],
            f"blueprint.elongated_sites is {b.elongated_sites}; it must be (smallest, largest), smallest not above sites",
        ),
        (
            s.game != "shelter" or s.cylinders.fixed == 1,
            f"cylinders.fixed is {s.cylinders.fixed}; shelter needs exactly 1",
        ),
        (s.game != "shelter" or s.min_floor_size is None, "min_floor_size: shelter needs a floor of fixed size"),
        (s.game != "shelter" or s.shelter.rays_per_side >= 1, "shelter.rays_per_side must be at least 1"),
        (
            counting == (s.game == "object_counting"),
            f"game {s.game} with layout {s.layout}: object_counting and counting only go together",
        ),
        (not counting or not s.tilting_boxes, "tilting_boxes: object_counting has upright boxes only"),
        (not counting or s.grid_cells == 30, f"grid_cells is {s.grid_cells}; object_counting needs 30"),
        (not counting or s.boxes[1] <= 6, f"boxes is {s.boxes}; object_counting has at most 6"),
        (not counting or s.hiders + s.seekers == 1, "object_counting has exactly 1 agent, a hider"),
        (not counting or s.ramps + s.cylinders.movable + s.cylinders.fixed == 0, "object_counting has boxes only"),
    ]


def _validate_space(s: Scenario) -> None:
    """Refuse scenarios whose objects cover more than 40 % of the floor (placement by rejection would hardly succeed)."""
    floor = s.floor_size if s.min_floor_size is None else s.min_floor_size
    cylinders = s.cylinders.fixed + s.cylinders.movable
    area = 0.16 * s.num_agents + 0.36 * (s.max_boxes + s.ramps + s.blueprint.sites[1])
    area += cylinders * s.cylinders.diameter[1] ** 2
    limit = 0.4 * floor**2
    others = f", {cylinders} cylinders" * (cylinders > 0) + f", {s.blueprint.sites[1]} sites" * (
        s.blueprint.sites[1] > 0
    )
    if area > limit:
        raise UserError(
            f"scenario '{s.name}': {s.num_agents} agents, {s.max_boxes} boxes{others} and {s.ramps} ramps need "
            f"{area:.1f} m^2 but a {floor:g} m floor offers {limit:.1f} m^2; use fewer objects or a larger floor_size"
        )
