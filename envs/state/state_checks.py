"""Whether a state from outside fits the worlds that it is for. Asked before any of it is written."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import UserError
from ..manipulation import Grabs, Locks
from ..transition import WorldState


def check_worlds(worlds: Tensor, num_worlds: int) -> None:
    """Check numbers of worlds, (K,).

    Raises:
      UserError: they are not different integers in 0..num_worlds - 1. What they are is not looked at on a GPU, which
        would wait.
    """
    whole = worlds.dtype in (torch.int64, torch.int32) and worlds.ndim == 1
    if not whole or not _lie_in(worlds, 0, num_worlds) or _repeat(worlds):
        raise UserError(f"worlds must be a tensor (K,) of different integers in 0..{num_worlds - 1}, got {worlds}")


def fit_state(state: WorldState, like: WorldState, agents: int) -> WorldState:
    """Return a state in the types and on the device of another one, if it has its shapes.

    Args:
      state: from outside. Parts of the game's may be missing.
      like: the present one of the same worlds.
      agents: A.

    Raises:
      UserError: names the part that does not fit.
    """
    unknown = state.game.keys() - like.game.keys()
    if unknown:
        raise UserError(f"the state has a part 'game.{min(unknown)}', which this scenario's game does not keep")
    parts = ("pose", "velocity", "visible", "steps")
    flat = fit_tensors({p: getattr(state, p) for p in parts}, {p: getattr(like, p) for p in parts}, "the state")
    grabs = fit_tensors(vars(state.grabs), vars(like.grabs), "the state's grabs")
    locks = fit_tensors(vars(state.locks), vars(like.locks), "the state's locks")
    game = fit_tensors(state.game, {name: like.game[name] for name in state.game}, "the state's game")
    if not _lie_in(grabs["holding"], -1, like.locks.locked.shape[1]) or not _lie_in(locks["locker"], 0, agents):
        raise UserError("the state names an object that is held, or an agent that locked one, which do not exist")
    return WorldState(**flat, grabs=Grabs(**grabs), locks=Locks(**locks), game=game)


def fit_tensors(given: Mapping[str, Tensor], expected: Mapping[str, Tensor], what: str) -> dict[str, Tensor]:
    """Return those of the given tensors that are expected, in the types and on the devices that are.

    Raises:
      UserError: one is missing or has another shape; it is named.
    """
    for name, tensor in expected.items():
        if name not in given:
            raise UserError(f"{what} has no '{name}': it is of another scenario")
        shape, needed = tuple(given[name].shape), tuple(tensor.shape)
        if shape != needed:
            raise UserError(
                f"'{name}' of {what} has shape {shape}, and here {needed}: of another scenario or number of worlds"
            )
    return {name: given[name].to(tensor.device, tensor.dtype) for name, tensor in expected.items()}


def _repeat(worlds: Tensor) -> bool:
    """Tell whether a world is named twice, where that is known without waiting for a GPU."""
    return worlds.device.type == "cpu" and len(worlds.unique()) < len(worlds)


def _lie_in(values: Tensor, low: int, end: int) -> bool:
    """Tell whether all values are in low..end - 1, where that is known without waiting for a GPU."""
    return values.device.type != "cpu" or bool(((values >= low) & (values < end)).all())
