"""One file per game: what it requires of a scenario, its rules, rewards, end and statistics."""

from .game import Game, Requirement, Verdict, View

__all__ = ["Game", "Requirement", "Verdict", "View"]
