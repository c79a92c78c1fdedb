"""Episode starts: walls, sizes, counts and positions."""

from .bank import LayoutBank
from .food_places import num_food_places
from .generate import generate, max_walls
from .layout import Layout
from .stream import JUDGING, STARTS, TRAINING, Domain, LayoutStream
from .validate import validate_layout

__all__ = [
    "JUDGING",
    "STARTS",
    "TRAINING",
    "Domain",
    "Layout",
    "LayoutBank",
    "LayoutStream",
    "generate",
    "max_walls",
    "num_food_places",
    "validate_layout",
]
