"""What a world is made of: the scenario dataclass. Named ones are in scenarios/catalogue.py.

A scenario is data. Variants differ by fields, never by subclasses or wrappers. Numbers refer to the released
environment's example configurations; deviations are in docs/differences.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from .options.ranges import AtLeastOne, Coordinate, Friction, Metres, Objects, Range, Share, Size, Whole
from .options.scenario_options import (
    BlueprintOptions,
    CountingOptions,
    CylinderOptions,
    FoodOptions,
    LockTaskOptions,
    PaddingOptions,
    ShelterOptions,
    TradeOptions,
)

LockType = Literal["any_lock", "all_lock", "any_lock_specific", "all_lock_team_specific"]
RewardType = Literal["selfish", "joint_mean", "joint_zero_sum"]
DoorWall = Literal["drawn", "left", "upper"]
LayoutName = Literal["random_rooms", "quadrant", "variable_quadrant", "three_rooms", "empty", "counting", "market"]
Place = Literal["layout", "anywhere", "centre", "quarter", "each_room"]
HeadingFeatures = Literal["raw", "cos_sin"]
MovementBins = Literal[3, 5, 11]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One kind of world: its arena, objects, rules, observations and physics. SI units; a *step* is one decision."""

    name: str
    """Name in the registry, such as ``hide-and-seek/full``."""

    game: str = "hide_and_seek"
    """Rules of reward and end, one of ``GAMES`` in envs/scenarios/catalogue.py. ``free_play`` has neither."""

    # --- teams -----------------------------------------------------------------------------------------------------
    hiders: AtLeastOne = 2
    """Number of hiders. Hiders come first in every agent axis."""
    seekers: Whole = 2
    """Number of seekers; 0 leaves hide-and-seek to hiders whom nobody seeks."""
    random_team_sizes: bool = False
    """Draw the size of each team uniformly from 1 to its number above in every episode; the others are absent."""

    # --- time ------------------------------------------------------------------------------------------------------
    horizon: AtLeastOne = 240
    """Steps in an episode; one step is ``substeps * timestep`` seconds (0.075 s). Change them together to keep its
    seconds."""
    preparation_fraction: Annotated[float, Range(low=0, below=1)] = 0.4
    """Share of the episode in which seekers are frozen and all rewards are zero."""
    substeps: Annotated[int, Range(low=1, high=10_000)] = 15
    """Physics substeps in one step. More of them make decisions rarer: with 30 there is one every 0.15 s, and an
    episode of the same seconds needs half the horizon. What is counted in steps, or paid per step, goes with it."""
    timestep: Annotated[float, Range(above=0, high=1)] = 0.005
    """Length of one physics substep in seconds."""

    # --- actions ---------------------------------------------------------------------------------------------------
    movement_bins: MovementBins = 11
    """Choices of each force and of the torque: 3, 5 or 11, evenly spaced from ``-action_limit`` to ``action_limit``.
    The middle one is none. The original has 11. With 3 there are none and full strength alone: random play then moves
    things farther."""
    heading_forces: bool = False
    """Let the first force act ahead of the agent and the second to its left, instead of along the world's x and y. The
    direction is the one at the start of the step. Not in the original."""
    action_limit: Size = 0.9
    """Largest motor command; force is 100 N and torque 100 N m times the command."""
    game_actions: tuple[AtLeastOne, ...] = ()
    """Choices of further action components, of which the first does nothing; the game says what the others do."""

    # --- arena -----------------------------------------------------------------------------------------------------
    floor_size: Size = 6.0
    """Side of the square arena in metres, lower-left corner at the origin."""
    min_floor_size: Size | None = None
    """Draw the arena's side uniformly from this to ``floor_size`` in every episode; walls and doors scale with it."""
    grid_cells: Annotated[int, Range(low=10, high=1000)] = 30
    """Cells along a side of the grid on which walls and objects are placed."""
    layout: LayoutName = "random_rooms"
    """Generator of walls and start positions."""
    rooms: Annotated[int, Range(low=1, high=100)] = 4
    """Number of rooms of ``random_rooms``, or the largest number if it is random."""
    random_room_number: bool = True
    """Draw the number of rooms uniformly from 1 to ``rooms`` in every episode."""
    min_room_cells: Whole = 6
    """Cells that must lie between two walls that start on the same side of a third."""
    door_cells: Whole = 2
    """Free grid cells of a door; 2 cells leave 0.7 m clear. 0 makes closed rooms."""
    outer_walls_probability: Share = 1.0
    """Chance that an episode of ``random_rooms`` has the 4 m high outer walls."""
    door_dropout_probability: Share = 0.0
    """Chance that one of the quadrant's two walls has no door."""
    door_wall: DoorWall = "drawn"
    """Which of the quadrant's two walls keeps its door where the other has none: a drawn one, the left or the upper."""
    door_spread: Share = 1.0
    """Part of a quadrant wall, around its middle, over which its door is drawn. 0: always in the middle."""
    hiders_anywhere: bool = False
    """In the quadrant layout, place hiders anywhere instead of inside the room."""
    hiders_together_radius: Metres | None = None
    """Place hiders within this distance (metres, per axis) of the first hider; None places them independently."""
    seekers_together_radius: Metres | None = None
    """The same for seekers."""
    agent_start: Place = "layout"
    """Where agents start: as usual for the layout, anywhere, in the centre, in the lower-left quarter, or in rooms
    drawn one after the other (``three_rooms`` only)."""
    box_start: Place = "layout"
    """Where boxes start."""
    ramp_start: Place = "layout"
    """Where ramps start; usual for ``three_rooms`` is one in each room."""

    # --- objects ---------------------------------------------------------------------------------------------------
    boxes: tuple[Objects, Objects] = (3, 9)
    """Smallest and largest number of boxes; the number is drawn uniformly in every episode."""
    elongated_boxes: tuple[Objects, Objects] = (0, 0)
    """Smallest and largest number of boxes that are 1.65 x 0.15 m instead of cubes, at most all boxes."""
    box_height: Size = 0.5
    """Height of boxes in metres. Below 0.15 m agents see over them, and still cannot pass: a box then blocks a door and
    hides nobody. Lidar misses boxes that low. Not in the original, whose boxes are as high as walls."""
    ramps: Objects = 2
    """Number of ramps; all are present in every episode."""
    tilting_boxes: bool = False
    """Let boxes turn about all three axes, so that they lean, tip over and fall on their sides. Without it they stay
    upright. Box features then hold three angles and three angular velocities. They start upright."""

    # --- grab and lock ---------------------------------------------------------------------------------------------
    reach: Metres = 0.25
    """Distance in metres from an agent centre to an object surface up to which it can be grabbed or locked."""
    lock_boxes: bool = True
    """Whether boxes can be locked."""
    lock_ramps: bool = True
    """Whether ramps can be locked. Without it ramps have no lock features in the observation."""
    lock_type: LockType = "all_lock_team_specific"
    """Who must agree to lock, and who may unlock; see envs/manipulation.py for the truth table."""
    lock_unseen: bool = False
    """Allow locking of objects that the agent did not see in the previous observation."""
    lock_in_preparation: bool = True
    """Whether locks can be set and opened in the preparation phase. Without it what is to be locked must first be
    brought and held where it is wanted: hiders that lock whatever is near at once never learn to move anything. Not in
    the original."""
    grab_unseen: bool = False
    """Allow grabbing of objects that the agent did not see in the previous observation."""

    # --- reward ----------------------------------------------------------------------------------------------------
    reward_type: RewardType = "joint_zero_sum"
    """How the per-agent visibility rewards are shared within a team."""
    bounds: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    """x0, y0, x1, y1 in metres; an agent whose centre is outside has its reward replaced by -10. None: no bounds."""
    penalize_objects_out: bool = False
    """Replace everyone's reward by -10 while any object's centre is outside ``bounds``."""
    corner_distances: bool = False
    """Measure distances to food and in lock tasks between lower-left corners, as the original does, instead of centres.
    Only for comparisons with it."""

    # --- options of some games and arenas; see envs/options/scenario_options.py --------------------------------------
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
    trade: TradeOptions = TradeOptions()
    """Food, time and rewards of the Trading Game."""

    # --- perception and observation --------------------------------------------------------------------------------
    vision_angle: Annotated[float, Range(low=0, high=math.tau)] = math.radians(135.0)
    """Full opening angle of the vision cone, radians, in the horizontal plane."""
    lidar_rays: Annotated[int, Range(low=0, high=10_000)] = 30
    """Number of horizontal lidar rays at world-fixed directions; 0 switches the lidar off."""
    lidar_range: Size = 6.0
    """Value of a lidar ray that hits nothing, metres. Hits beyond it are not clipped."""
    heading_features: HeadingFeatures = "raw"
    """How an agent's yaw appears in agent features: the raw unwrapped angle (original) or its cosine and sine."""
    bearing_features: bool = False
    """Append the cosine and sine of an agent's, box's or ramp's direction relative to the observer's heading. Not in
    the original, where agents must learn to work it out; with it they learn to look at things in a fraction of the
    time."""
    box_size_features: bool = True
    """Append the full sizes of boxes (zeros for ramps) to the object features."""
    padding: PaddingOptions = PaddingOptions()
    """Stand-ins for agents and ramps that a task lacks, for policies that come from hide-and-seek."""

    # --- physics ---------------------------------------------------------------------------------------------------
    wall_friction: Friction = 1.0
    """Sliding friction of walls. A contact uses the larger of its two bodies' values."""
    floor_friction: Friction = 0.2
    """Sliding friction of the floor."""
    box_friction: Friction = 0.2
    """Sliding friction of boxes."""
    gravity: Annotated[float, Range(low=0, high=1000)] = 50.0
    """Downward acceleration in m/s^2."""
    max_contacts: Annotated[int, Range(low=1, high=1_000_000)] = 100
    """Contacts, and pairs of geoms near each other, per world; mujoco_warp keeps room for those of all worlds
    together."""
    max_constraints: Annotated[int, Range(low=1, high=1_000_000)] = 500
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
        """Q: numbers in a pose. x, y, z, yaw.

        Where boxes tilt also the angles about x and y, zero for all but boxes.
        """
        return 6 if self.tilting_boxes else 4

    @property
    def preparation_steps(self) -> int:
        """Steps in the preparation phase."""
        return int(self.horizon * self.preparation_fraction)

    @property
    def action_bins(self) -> tuple[int, ...]:
        """Choices per action component.

        Force x, force y (or ahead and left), torque, grab, lock (rule 5.1), and then those of ``game_actions``.
        """
        return (self.movement_bins,) * 3 + (2, 2) + self.game_actions

    @property
    def no_action(self) -> tuple[int, ...]:
        """No force, no torque, hands open, nothing of ``game_actions``."""
        return (self.movement_bins // 2,) * 3 + (0, 0) + (0,) * len(self.game_actions)

    @property
    def step_seconds(self) -> float:
        """Simulated seconds in one step."""
        return self.substeps * self.timestep

    @property
    def cell_size(self) -> float:
        """Side of a placement grid cell in metres."""
        return self.floor_size / self.grid_cells
