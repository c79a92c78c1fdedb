"""One file per game: config, layout, rewards, end and statistics."""

from __future__ import annotations

from .game import Game, Verdict, View
from .hide_and_seek import HideAndSeek

__all__ = ["GAMES", "Game", "Verdict", "View"]

GAMES: dict[str, type[Game]] = {"hide_and_seek": HideAndSeek, "free_play": Game}
"""Games by the name that ``Scenario.game`` uses."""
