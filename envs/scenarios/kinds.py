"""What kind of game a scenario has: games of users are often subclasses of one that is known."""

from __future__ import annotations

from ..scenario import Scenario
from .catalogue import GAMES


def plays(scenario: Scenario, game: str) -> bool:
    """Tell whether a scenario's game is the one of this name, a key of ``GAMES``, or a subclass of it."""
    return issubclass(GAMES[scenario.game], GAMES[game])


def is_hide_and_seek(scenario: Scenario) -> bool:
    """Tell whether a scenario is hide-and-seek, be it with changed rules."""
    return plays(scenario, "hide_and_seek")
