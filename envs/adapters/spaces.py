"""Gymnasium spaces, and the checks of what users pass in. Gymnasium and PettingZoo share both."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..scenarios import Scenario
from .single_world import RENDER_MODES, AgentObservation


class InvalidActionError(gymnasium.error.InvalidAction, AssertionError, ValueError):
    """An action outside of its space: all of what Gymnasium, PettingZoo's wrappers and plain Python call that."""


class ResetNeededError(gymnasium.error.ResetNeeded, AssertionError):
    """A step before the first ``reset`` or after the end: what Gymnasium and PettingZoo call that."""


def environment_id(scenario_name: str) -> str:
    """Return the id in the registries of Gymnasium and PettingZoo, which allow one slash.

    The version grows when agents would learn something else from the same scenario.
    """
    return f"hideseek/{scenario_name.replace('/', '-')}-v0"


def action_space(scenario: Scenario) -> spaces.MultiDiscrete:
    """Return the actions of one agent: bins of two forces and a torque (the middle one is none), grab, lock."""
    return spaces.MultiDiscrete(list(scenario.action_bins))


def observation_space(example: AgentObservation) -> spaces.Dict:
    """Return the space of observations with the shapes and types of ``example``."""
    return spaces.Dict({name: _space(values) for name, values in example.items()})


def _space(values: NDArray[Any]) -> spaces.Space:
    if values.dtype == np.int8:
        return spaces.MultiBinary(len(values))  # An integer, for TorchRL.
    return spaces.Box(-np.inf, np.inf, values.shape, np.float32)


def check_render_mode(mode: str | None) -> None:
    """Refuse unknown render modes.

    Raises:
      UnsupportedMode: names those that exist.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise gymnasium.error.UnsupportedMode(f"render_mode is {mode!r}; use one of {RENDER_MODES} or None")


def check_action(action: Any, agent: str, space: spaces.MultiDiscrete) -> NDArray[np.int64]:
    """Return one agent's action as an array (5,).

    Raises:
      InvalidActionError: wrong shape, type or range; names the agent and the space.
    """
    try:
        array = np.asarray(action)
    except ValueError:  # Ragged nested lists.
        raise InvalidActionError(f"action of {agent} is not an array; expected {_text(space)}") from None
    if array.shape != space.shape or array.dtype.kind not in "iu":
        raise InvalidActionError(
            f"action of {agent} has shape {array.shape} and dtype {array.dtype}; "
            f"expected integers of shape {space.shape} in {_text(space)}"
        )
    if (array < 0).any() or (array >= space.nvec).any():
        raise InvalidActionError(f"action of {agent} is {array.tolist()}; expected a member of {_text(space)}")
    return array


def _text(space: spaces.MultiDiscrete) -> str:
    return f"MultiDiscrete({space.nvec.tolist()})"
