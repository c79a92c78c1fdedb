"""Groups of scenario options that only some games or arenas use. Every default leaves the group without effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .ranges import (
    AtLeastOne,
    Metres,
    NotNegative,
    Objects,
    PositiveOrInfinite,
    PositiveShare,
    Range,
    Reward,
    Size,
    Whole,
)

SitePlace = Literal["away", "centre", "anywhere"]
LockOrder = Literal["all", "order"]
FoodReward = Literal["selfish", "joint_mean"]
Patches = Literal["corners", "sides", "none"]
TimeOfDay = Literal["dawn", "dusk"]
Carrying = Literal["bag", "haul"]


@dataclass(frozen=True, kw_only=True)
class FoodOptions:
    """Food in hide-and-seek, eaten by hiders (rule 7.2; the paper's appendix A.6)."""

    count: Objects = 0
    """Number of foods; 0 is the game without food."""
    radius: PositiveOrInfinite = 0.5
    """Metres within which a hider's centre must be of a food to eat it; infinity is allowed."""
    health: Annotated[float, Range(above=0, high=1e6)] = 40.0
    """Units in a full food; an eater takes one per step."""
    respawn_steps: Whole | None = 5
    """Steps after which an eaten food is full again; 0 refills it at once, None never."""
    moves: bool = False
    """A food that comes back does so elsewhere in its region, as the paper's dynamic food does."""
    reward: FoodReward = "joint_mean"
    """Who is rewarded for a unit: its eater, or all hiders, who share it equally."""
    reward_scale: tuple[Reward, Reward] = (1.0, 1.0)
    """Smallest and largest reward per unit; drawn uniformly in every episode, and then part of the food features."""
    eat_when_caught: bool = False
    """Let hiders eat although a seeker saw one of them in the previous observation."""
    eat_in_preparation: bool = False
    """Let hiders eat during the preparation phase."""
    central: bool = True
    """Place food in a square in the middle of the floor; otherwise where the layout puts boxes."""
    central_share: PositiveShare = 0.25
    """Side of that square as a share of the floor's side."""
    clusters: AtLeastOne = 1
    """Groups in which foods lie together."""
    cluster_radius: Metres = 0.25
    """Metres, per axis, within which foods lie of the first of their group."""

    @property
    def scale_varies(self) -> bool:
        """Whether the reward per unit differs between episodes."""
        return self.reward_scale[0] != self.reward_scale[1]

    @property
    def features(self) -> int:
        """D of a food: x, y, z, health[, reward per unit]."""
        return 4 + self.scale_varies


@dataclass(frozen=True, kw_only=True)
class LockTaskOptions:
    """The lock tasks (rule 7.3): game ``box_locking``."""

    task: LockOrder = "all"
    """``all``: lock the boxes in any order. ``order``: only the first unlocked box, by index, can be locked."""
    and_return: bool = True
    """Once all boxes are locked, the agent must go back to where it started."""
    lock_reward: Reward = 5.0
    """Reward for every box that becomes locked."""
    unlock_penalty: Reward = 5.0
    """Loss for every box that becomes unlocked."""
    shaping: Reward = 0.5
    """Reward per metre by which the agent comes closer, in the plane, to its next box or to its start."""
    success_reward: Reward = 1.0
    """Reward for every step at which the task is done."""
    return_radius: Size = 0.1
    """Metres, in the plane, from its start within which the agent counts as back."""


@dataclass(frozen=True, kw_only=True)
class BlueprintOptions:
    """Construction sites and the reward for putting boxes on them (rule 7.4): game ``blueprint``."""

    sites: tuple[Objects, Objects] = (0, 0)
    """Smallest and largest number of sites; drawn uniformly in every episode."""
    elongated_sites: tuple[Objects, Objects] = (0, 0)
    """Smallest and largest number of sites of an elongated box's size, at most all sites."""
    site_place: SitePlace = "away"
    """Where sites lie: away from the walls, in the centre or anywhere."""
    corners: bool = True
    """Compare corners of sites and boxes as well as centres, so that boxes must be turned right."""
    dense_scale: Reward = 0.05
    """Loss per step and metre of mean distance from a site's points to the nearest of the boxes' points."""
    smoothness: Annotated[float, Range(low=-1000, below=0)] = -1.5
    """Exponent of the smooth minimum over boxes, 1/metre; the more negative, the closer to the nearest alone."""
    completed_scale: Annotated[float, Range(low=0, high=1e6)] = 3.0
    """Reward per site when all sites are covered; the episode then ends. 0 leaves this out, and the early end with
    it."""
    radius: Size = 0.1
    """Metres within which a point of a box must be of a site's point to cover it."""


@dataclass(frozen=True, kw_only=True)
class ShelterOptions:
    """The shelter task (rule 7.5): game ``shelter``."""

    rays_per_side: Annotated[int, Range(low=1, high=10_000)] = 25
    """Rays towards the cylinder from each side of the arena."""
    scale: Reward = 0.001
    """Loss per step for every ray that reaches the cylinder."""
    progress: Reward = 0.0
    """Reward for every ray fewer than in the step before, and loss for every ray more. Over an episode it adds up to
    what was gained from the first step to the last, so it changes how soon building is learned, not what is worth
    building. Not in the original."""
    approach: Reward = 0.0
    """Reward for every metre by which the nearest box is closer to the cylinder (centre to centre) than in the step
    before, and loss for every metre farther. It says what to do with a box before that keeps rays out. Not in the
    original."""


@dataclass(frozen=True, kw_only=True)
class CylinderOptions:
    """Cylinders, all of one size in an episode (rule 2.3)."""

    fixed: Objects = 0
    """Cylinders that are part of the arena, such as the one to be sheltered."""
    movable: Objects = 0
    """Cylinders that can be pushed and grabbed as boxes can, but not locked. They weigh 1 kg."""
    diameter: tuple[Size, Size] = (1.5, 2.0)
    """Smallest and largest diameter in metres."""
    height: tuple[Size, Size] = (0.5, 0.5)
    """Smallest and largest height in metres."""
    central_share: PositiveShare | None = None
    """Side, as a share of the floor's side, of the square in the middle where cylinders stand. None: anywhere."""


@dataclass(frozen=True, kw_only=True)
class PaddingOptions:
    """Stand-ins in the observation of a lone agent, so that a task looks like hide-and-seek to a policy (rule 6.5)."""

    agents: Objects = 0
    """Number of other agents, all features zero. The first is visible and present, as in the original; the others are
    not."""
    ramps: Objects = 0
    """Number of ramps, all features zero, neither visible nor present. For scenarios without ramps."""


@dataclass(frozen=True, kw_only=True)
class CountingOptions:
    """Object counting (the paper's section 6.2): game ``object_counting``."""

    wait_steps: Whole = 10
    """Steps during which all boxes rest in the agent's view."""
    drift_per_step: Size = 0.06
    """Metres that a box moves per step after that, until it rests out of sight."""


@dataclass(frozen=True, kw_only=True)
class TradeOptions:
    """The Trading Game (Garbus and Pollack 2024): game ``trade``. A *cell* and a *tick* are those of its grid."""

    carry: Carrying = "bag"
    """How food is carried: picked into a bag and put down again, or hauled: each piece is a body that is grabbed and
    dragged, one at a time. Hauling needs a box for each piece; start from ``trade/haul``. Not in the original."""
    patches: Patches = "corners"
    """Where food grows: in the corners (3 x 3 cells, fruit in the left ones, greens in the right ones), at the left and
    right sides (2 x 5 cells), or nowhere."""
    pieces: tuple[Objects, Objects] = (10, 10)
    """Pieces, of half a unit each, in every patch of fruit and of greens after a dawn."""
    cell: Size = 0.45
    """Metres of a cell of the original's grid, in which the fire's light, patches and starts are measured."""
    reach: Size = 0.7
    """Cells from an agent's centre within which it picks all pieces of a kind that it sees."""
    put_distance: Size = 0.6
    """Cells in front of an agent's centre where it puts a piece down."""
    spare_pieces: AtLeastOne = 4
    """Pieces for each agent that can lie on the floor beyond those that grew. With no place left, nothing is put."""
    day_ticks: AtLeastOne = 24
    """Ticks of the original in a day, and in a night. An agent eats 0.1 units of each kind that it holds in a tick."""
    day_steps: AtLeastOne = 24
    """Steps in a day, and in a night: a step is ``day_ticks / day_steps`` ticks."""
    begins: TimeOfDay = "dawn"
    """Time at which episodes begin."""
    goods: Annotated[float, Range(low=0, high=1000)] = 0.0
    """Units in an agent's bag at the start: of fruit in those of agents 0, 2, ..., of greens in those of the others."""
    nutrition: tuple[Reward, Reward, Reward] = (0.0, 0.1, 1.0)
    """Reward in a tick for holding at least 0.1 units of none, one and both kinds."""
    darkness: Annotated[float, Range(low=0, high=1e6)] = 10.0
    """Loss in a tick is this times how far the light is below zero where an agent stands (the paper's p)."""
    community: Reward = 0.0
    """Reward in a tick for somebody near: this / (1 + cells to the nearest other agent). 0.2 in runs before the
    paper's."""
    night_sight: NotNegative = 1.0
    """Cells within which agents see by night what the fire does not light."""
    identity: bool = True
    """Tell each agent which one it is, and which ones the others are, by one-hot features; one network for all needs
    it."""
