"""What is in W worlds, which episodes they play, and state in and out. The order of a step is in batch_env.py."""

from .saved_state import load, read, save, write
from .schedule import Schedule
from .worlds import Worlds

__all__ = ["Schedule", "Worlds", "load", "read", "save", "write"]
