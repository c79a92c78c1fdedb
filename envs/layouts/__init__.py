"""Episode starts: walls, sizes, counts and positions."""

from .bank import LayoutBank
from .food_places import FOOD_SIZE, num_food_places
from .generate import generate, max_walls
from .layout import Layout
from .market import FRUIT, GREENS, MOST_TRADERS, dawns, grown_kinds, patches
from .stream import JUDGING, STARTS, TRAINING, Domain, LayoutStream
from .validate import validate_layout

__all__ = [
    "FOOD_SIZE",
    "FRUIT",
    "GREENS",
    "JUDGING",
    "MOST_TRADERS",
    "STARTS",
    "TRAINING",
    "Domain",
    "Layout",
    "LayoutBank",
    "LayoutStream",
    "dawns",
    "generate",
    "grown_kinds",
    "max_walls",
    "num_food_places",
    "patches",
    "validate_layout",
]
