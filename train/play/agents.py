"""Agents that need no policy, by the words that commands take for them: random, zero, scripts as ``chaser:0.5``."""

from __future__ import annotations

import math
from pathlib import Path

from envs.errors import UserError, did_you_mean
from envs.scenarios import Scenario

from ..runs.shipped_policies import find_shipped, shipped_policies
from .players import Player, RandomPlayer, StillPlayer
from .scripted import SCRIPTS, ScriptedPlayer

_TITLES = {"random": "random play", "zero": "motionless agents"}


def agent_names() -> tuple[str, ...]:
    """Return their names. Scripts may be followed by a colon and their strength, from 0 to 1."""
    return ("random", "zero", *SCRIPTS)


def agent_choices() -> str:
    """Return their names for a message: this, that or the other."""
    *names, last = agent_names()
    return f"{', '.join(names)} or {last}"


def is_agent(word: str) -> bool:
    """Whether a word means an agent, and not a run or checkpoint."""
    return word.partition(":")[0] in agent_names()


def check_agent(word: str) -> None:
    """Refuse words that mean no agent.

    Raises:
      UserError: no such name, or no such strength.
    """
    name, colon, strength = word.partition(":")
    if name not in agent_names():
        raise UserError(f"unknown agent '{name}'; choose {agent_choices()}")
    if colon and (name not in SCRIPTS or not 0.0 <= _number(strength) <= 1.0):
        raise UserError(f"unknown agent '{word}'; a strength from 0 to 1 may follow a script, as in chaser:0.5")


def check_player(word: str) -> None:
    """Refuse words that mean neither an agent nor a run, a checkpoint or a shipped policy.

    Raises:
      UserError: nothing of that name, or no such strength.
    """
    if is_agent(word):
        check_agent(word)
    elif not find_shipped(Path(word)).exists():
        hint = did_you_mean(word, [*agent_names(), *shipped_policies()])
        raise UserError(f"no run or checkpoint at {word}{hint}; agents without a policy are {', '.join(agent_names())}")


def check_side(word: str, team: str) -> None:
    """Refuse a script for the team that does not follow it, and would play at random.

    Args:
      word: of a player of any kind.
      team: hiders or seekers.

    Raises:
      UserError: the script is the other team's.
    """
    script = word.partition(":")[0]
    if script in SCRIPTS and SCRIPTS[script].team != team:
        raise UserError(f"{word} plays {SCRIPTS[script].team}, not {team}")


def check_kept(word: str, hiders: str | None, seekers: str | None) -> None:
    """Refuse a script whose own team somebody else plays.

    Raises:
      UserError: nothing of the script would be left.
    """
    if hiders is not None:
        check_side(word, "seekers")
    if seekers is not None:
        check_side(word, "hiders")


def refuse_agent(path: Path | str, how: str) -> None:
    """Refuse an agent where there must be a policy; a run or file of that name is one.

    Args:
      path: what was named.
      how: what to do, for the message.

    Raises:
      UserError: it is an agent.
    """
    if is_agent(str(path)) and not find_shipped(Path(path)).exists():
        raise UserError(f"{path} is an agent without a policy; {how}")


def make_agent(word: str, scenario: Scenario, seed: int, name: str | None = None) -> Player:
    """Return the player that a word means.

    Args:
      word: see ``agent_names``.
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
