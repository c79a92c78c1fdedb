"""Agents that need no policy, by the words that commands take for them: random, zero, scripts as ``chaser:0.5``."""

from __future__ import annotations

import math

from envs.errors import UserError
from envs.scenarios import Scenario

from .players import Player, RandomPlayer, StillPlayer
from .scripted import SCRIPTS, ScriptedPlayer

AGENTS = ("random", "zero", *SCRIPTS)
"""Their names. Scripts may be followed by a colon and their strength, from 0 to 1."""
AGENT_CHOICES = f"{', '.join(AGENTS[:-1])} or {AGENTS[-1]}"
_TITLES = {"random": "random play", "zero": "motionless agents"}


def is_agent(word: str) -> bool:
    """Whether a word means an agent, and not a run or checkpoint."""
    return word.partition(":")[0] in AGENTS


def check_agent(word: str) -> None:
    """Refuse words that mean no agent.

    Raises:
      UserError: no such name, or no such strength.
    """
    name, colon, strength = word.partition(":")
    if name not in AGENTS:
        raise UserError(f"unknown agent '{name}'; choose {AGENT_CHOICES}")
    if colon and (name not in SCRIPTS or not 0.0 <= _number(strength) <= 1.0):
        raise UserError(f"unknown agent '{word}'; a strength from 0 to 1 may follow a script, as in chaser:0.5")


def make_agent(word: str, scenario: Scenario, seed: int, name: str | None = None) -> Player:
    """Return the player that a word means.

    Args:
      word: see ``AGENTS``.
      scenario: where it plays.
      seed: of its random actions.
      name: how tables call it; the word if not given.

    Raises:
      UserError: no such agent, or it cannot play in the scenario.
    """
    check_agent(word)
    script, _, strength = word.partition(":")
    if script in SCRIPTS:
        return ScriptedPlayer(script, scenario, _number(strength or "1"), seed, name or word)
    if script == "random":
        return RandomPlayer(scenario.action_bins, seed, name or word)
    return StillPlayer(scenario.no_action, name or word)


def agent_title(word: str) -> str:
    """Return what captions say of an agent."""
    return _TITLES.get(word, word)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
