"""Scenarios and games by name: looked up, changed, and added from outside the package."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import UserError, did_you_mean
from ..games import Game
from ..scenario import Scenario
from .catalogue import GAMES, SCENARIOS
from .scenario_checks import validate


def register(scenario: Scenario) -> Scenario:
    """Add a scenario to the registry after validating it.

    Raises:
      UserError: the scenario is impossible, or its name is taken by a different one.
    """
    validate(scenario)
    if SCENARIOS.setdefault(scenario.name, scenario) != scenario:
        raise UserError(f"a different scenario is already registered as '{scenario.name}'; choose another name")
    return scenario


def get(name: str, /, **overrides: Any) -> Scenario:
    """Return a registered scenario with some fields replaced.

    Raises:
      UserError: unknown name or field (the nearest is suggested), or an impossible scenario.
    """
    if name not in SCENARIOS:
        raise UserError(f"unknown scenario '{name}'{did_you_mean(name, SCENARIOS)}; 'hideseek list' shows all")
    return replace(SCENARIOS[name], **overrides)


def replace(scenario: Scenario, /, **overrides: Any) -> Scenario:
    """Return a scenario with some fields replaced.

    Raises:
      UserError: unknown field (the nearest is suggested), or an impossible scenario.
    """
    fields = {f.name for f in dataclasses.fields(scenario)}
    for key in overrides:
        if key not in fields:
            raise UserError(f"unknown scenario option '{key}'{did_you_mean(key, fields)}")
    return validate(dataclasses.replace(scenario, **overrides))


def register_game(name: str, game: type[Game]) -> None:
    """Let scenarios use a game by name.

    Raises:
      UserError: it is no subclass of ``Game``, or the name is taken by another game.
    """
    if not (isinstance(game, type) and issubclass(game, Game)):
        raise UserError(f"game '{name}' is {game!r}; it must be a subclass of envs.games.Game")
    if GAMES.setdefault(name, game) is not game:
        raise UserError(f"another game is already registered as '{name}'; choose another name")
