"""The social games by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch

from ..errors import UserError, did_you_mean
from .cleanup import Cleanup, CleanupConfig
from .donation_game import DonationConfig, DonationGame
from .game import SocialGame
from .prisoners_dilemma import DilemmaConfig, PrisonersDilemma

Maker = Callable[..., SocialGame]


def make_game(name: str, worlds: int, generator: torch.Generator, **options: Any) -> SocialGame:
    """Return W worlds of a game.

    Args:
      name: one of ``GAMES``.
      worlds: W.
      generator: source of everything random; its device is that of all tensors.
      options: of the game.

    Raises:
      UserError: unknown name or option, or a number out of its range.
    """
    if name not in GAMES:
        raise UserError(f"unknown social game '{name}'{did_you_mean(name, GAMES)}; there are {', '.join(GAMES)}")
    return GAMES[name](worlds, generator, **options)


def config_of(kind: Any, game: str, options: dict[str, Any]) -> Any:
    """Return the config, a dataclass, that options mean.

    Raises:
      UserError: the game has no such option.
    """
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            raise UserError(f"{game} has no option '{option}'{did_you_mean(option, known)}")
    return kind(**options)


def _maker(game: Any, config: Any) -> Maker:
    def make(worlds: int, generator: torch.Generator, **options: Any) -> SocialGame:
        return game(worlds, config_of(config, game.name, options), generator)

    return make


_KINDS = ((DonationGame, DonationConfig), (PrisonersDilemma, DilemmaConfig), (Cleanup, CleanupConfig))
GAMES: dict[str, Maker] = {game.name: _maker(game, config) for game, config in _KINDS}
"""Name -> what makes it of the number of worlds, a generator and options."""
