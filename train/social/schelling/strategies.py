"""What it means to cooperate and to defect in each social game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.errors import UserError
from envs.social.cleanup import DOWN, HEIGHT, LEFT, RIGHT, STAY, UP, WIDTH, Cleanup
from envs.social.game import SocialGame

Strategy = Callable[[Tensor], Tensor]
"""Observations (W, A, D) -> actions (W, A)."""
_CELLS = WIDTH * HEIGHT
_TOLERATED = 1  # Patches of dirt that a cooperator leaves for apples.


@dataclass(frozen=True)
class Strategies:
    """Both, and what they do in words."""

    cooperate: Strategy
    """What a cooperator does."""
    defect: Strategy
    """What a defector does."""
    words: str
    """A sentence."""


def strategies_of(game: SocialGame) -> Strategies:
    """Return what it means to cooperate and to defect in a game.

    Games in which both are actions need nothing; others have players of their own here.

    Raises:
      UserError: nobody has said it of this game.
    """
    if {"cooperate", "defect"} <= set(game.action_names):
        return Strategies(
            _always(game.action_names.index("cooperate")),
            _always(game.action_names.index("defect")),
            "Cooperators always choose to cooperate and defectors always to defect.",
        )
    if game.name == Cleanup.name:
        return Strategies(
            clean_first,
            harvest,
            "Cooperators clean the river while there are two patches of dirt or more, and else take apples; defectors "
            "take apples and wait for them. Nobody zaps.",
        )
    raise UserError(f"{game.name} has no action called 'cooperate' and no players that cooperate or defect")


def _always(action: int) -> Strategy:
    return lambda seen: torch.full(seen.shape[:2], action, device=seen.device)


def clean_first(seen: Tensor) -> Tensor:
    """Return the actions (W, 2) in CleanUp-lite of players that clean first."""
    apples, dirt = _ground(seen)
    cleans = (dirt.sum(-1) > _TOLERATED).unsqueeze(-1)
    columns = torch.where(cleans.squeeze(-1), WIDTH - 1, 0)
    return _go(seen, columns, torch.where(cleans, dirt, apples))


def harvest(seen: Tensor) -> Tensor:
    """Return the actions (W, 2) in CleanUp-lite of players that take apples only."""
    apples, _ = _ground(seen)
    return _go(seen, torch.zeros_like(apples[..., 0], dtype=torch.int64), apples)


def _ground(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is on the cells of the orchard and of the river (W, 2, 4), bool."""
    apples, dirt = seen[..., 2 * _CELLS : 2 * _CELLS + 2 * HEIGHT].bool().chunk(2, -1)
    return apples, dirt


def _go(seen: Tensor, columns: Tensor, wanted: Tensor) -> Tensor:
    """Return steps towards columns (W, 2), and in them towards the next wanted row (W, 2, 4), if there is any."""
    cells = seen[..., :_CELLS].argmax(-1)
    column, row = cells % WIDTH, cells // WIDTH
    distance = (torch.arange(HEIGHT, device=seen.device) - row.unsqueeze(-1)).abs()
    target = distance.masked_fill(~wanted, HEIGHT).argmin(-1)
    target = torch.where(wanted.any(-1), target, row)
    along = torch.where(target > row, DOWN, torch.where(target < row, UP, STAY))
    return torch.where(column < columns, RIGHT, torch.where(column > columns, LEFT, along))
