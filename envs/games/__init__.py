"""One file per game: config, layout, rewards, end and statistics."""

from __future__ import annotations

from ..errors import UserError
from .blueprint import Blueprint
from .box_locking import BoxLocking
from .free_play import FreePlay
from .game import Game, Verdict, View
from .hide_and_seek import HideAndSeek
from .object_counting import ObjectCounting
from .shelter import Shelter

__all__ = ["GAMES", "Game", "Verdict", "View", "register_game"]

GAMES: dict[str, type[Game]] = {
    "hide_and_seek": HideAndSeek,
    "box_locking": BoxLocking,
    "blueprint": Blueprint,
    "shelter": Shelter,
    "object_counting": ObjectCounting,
    "free_play": FreePlay,
}
"""Games by the name that ``Scenario.game`` uses."""


def register_game(name: str, game: type[Game]) -> None:
    """Let scenarios use a game by name.

    Raises:
      UserError: the name is taken by another game.
    """
    if GAMES.setdefault(name, game) is not game:
        raise UserError(f"another game is already registered as '{name}'; choose another name")
