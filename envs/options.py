"""Groups of scenario options that only some games or arenas use. Every default leaves the group without effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FoodReward = Literal["selfish", "joint_mean"]


@dataclass(frozen=True, kw_only=True)
class FoodOptions:
    """Food in hide-and-seek, eaten by hiders (rule 7.2; the paper's appendix A.6)."""

    count: int = 0
    """Number of foods; 0 is the game without food."""
    radius: float = 0.5
    """Metres within which a hider's centre must be of a food to eat it; infinity is allowed."""
    health: float = 40.0
    """Units in a full food; an eater takes one per step."""
    respawn_steps: int | None = 5
    """Steps after which an eaten food is full again; 0 refills it at once, None never."""
    moves: bool = False
    """A food that comes back does so elsewhere in its region, as the paper's dynamic food does."""
    reward: FoodReward = "joint_mean"
    """Who is rewarded for a unit: its eater, or all hiders, who share it equally."""
    reward_scale: tuple[float, float] = (1.0, 1.0)
    """Smallest and largest reward per unit; drawn uniformly in every episode, and then part of the food features."""
    eat_when_caught: bool = False
    """Let hiders eat although a seeker saw one of them in the previous observation."""
    eat_in_preparation: bool = False
    """Let hiders eat during the preparation phase."""
    central: bool = True
    """Place food in a square in the middle of the floor; otherwise where the layout puts boxes."""
    central_share: float = 0.25
    """Side of that square as a share of the floor's side."""
    clusters: int = 1
    """Groups in which foods lie together."""
    cluster_radius: float = 0.25
    """Metres, per axis, within which foods lie of the first of their group."""

    @property
    def scale_varies(self) -> bool:
        """Whether the reward per unit differs between episodes."""
        return self.reward_scale[0] != self.reward_scale[1]

    @property
    def features(self) -> int:
        """D of a food: x, y, z, health[, reward per unit]."""
        return 4 + self.scale_varies
