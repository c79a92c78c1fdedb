"""States in which episodes can begin, and the worlds' queue of them."""

from .queue import FRESH, StartQueue
from .starts import Starts

__all__ = ["FRESH", "StartQueue", "Starts"]
