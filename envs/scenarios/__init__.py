"""What a user can make: games and scenarios by name, and what makes one impossible. No rules, no numbers of rewards."""

from ..scenario import HeadingFeatures, LayoutName, LockType, Place, RewardType, Scenario
from .catalogue import DYNAMIC_FOOD, FOOD, FULL, GAMES, QUADRANT, QUICKSTART, SCENARIOS
from .kinds import is_hide_and_seek, plays
from .registry import get, register, register_game, replace
from .scenario_checks import validate

__all__ = [
    "DYNAMIC_FOOD",
    "FOOD",
    "FULL",
    "GAMES",
    "QUADRANT",
    "QUICKSTART",
    "SCENARIOS",
    "HeadingFeatures",
    "LayoutName",
    "LockType",
    "Place",
    "RewardType",
    "Scenario",
    "get",
    "is_hide_and_seek",
    "plays",
    "register",
    "register_game",
    "replace",
    "validate",
]
