"""The Trading Game: food in bags and on the floor, day and night, who gave whom what. No learning."""

from .trading_game import Trade

__all__ = ["Trade"]
