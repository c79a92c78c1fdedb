"""Scripted players on seats of the league: opponents of a strength that never changes.

They keep nothing and draw nothing of their own, so seats in a checkpoint are all that is needed to go on.
Shapes: W worlds, A agents.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError

from ..config.league_config import LeagueConfig
from ..play.agents import check_agent, is_agent
from ..play.scripted import SCRIPTS, script_actions

FIRST_SCRIPT = -2
"""Number of the first scripted player on a seat; the next ones count down from it."""


@dataclass(frozen=True)
class Anchor:
    """A scripted player of the league."""

    script: str
    """Its name in ``SCRIPTS``."""
    strength: float
    """Share of its decisions that follow the script; the others are random."""
    share: float
    """Share of the league's episodes in which it plays its team."""


class ScriptedSeats:
    """Who plays by a script, and what they do.

    Args:
      words: ``LeagueConfig.scripted``.
      env: the worlds of this process.
      others: share of the league's episodes that is somebody else's.

    Raises:
      UserError: a word that means no scripted player or share, shares of more than 1 in all, or a script that cannot be
        played in the scenario.
    """

    def __init__(self, words: tuple[str, ...], env: BatchEnv, others: float = 0.0) -> None:
        self._env, self._others = env, others
        self._anchors = [read_anchor(word) for word in words]
        _require_room(others, sum(anchor.share for anchor in self._anchors))
        for anchor in self._anchors:
            SCRIPTS[anchor.script].check(anchor.script, env.scenario)
        self._worlds: dict[int, Tensor] = {}
        """Number of a script -> worlds (n,) in which it plays or may yet play in this rollout."""

    @property
    def any(self) -> bool:
        """Whether there is any script."""
        return bool(self._anchors)

    @property
    def busy(self) -> bool:
        """Whether a script has or may yet have a seat in this rollout."""
        return bool(self._worlds)

    def draw(self, seats: Tensor, league: Tensor, draw: Tensor) -> Tensor:
        """Give scripts their team in some episodes.

        Args:
          seats: (W, A) who would play otherwise.
          league: (W,) bool: episodes of the league.
          draw: (W,) from [0, 1), independent of that.
        """
        low = self._others
        agents = torch.arange(seats.shape[1], device=seats.device)
        for number, anchor in self._numbered():
            chosen = league & (draw >= low) & (draw < low + anchor.share)
            is_hider = agents < self._env.scenario.hiders
            team = is_hider if SCRIPTS[anchor.script].team == "hiders" else ~is_hider
            seats = torch.where(chosen[:, None], torch.where(team, number, 0), seats)
            low += anchor.share
        return seats

    def prepare(self, seats: Tensor, next_seats: Tensor) -> None:
        """Note where scripts play, or may yet play, in the next rollout; ``seats`` (W, A) of unknown ones become 0."""
        seats[seats < FIRST_SCRIPT - len(self._anchors) + 1] = 0
        self._worlds = {}
        for number, _ in self._numbered():
            worlds = ((seats == number) | (next_seats == number)).any(1).nonzero()[:, 0]
            if len(worlds):
                self._worlds[number] = worlds

    def act(self, seats: Tensor, actions: Tensor, at_random: Tensor, draw: Tensor) -> Tensor:
        """Let scripts act on their seats.

        Args:
          seats: (W, A).
          actions: (W, A, K) what the others do.
          at_random: (W, A, K) what they do where they do not follow their scripts.
          draw: (W, A) from [0, 1): they follow them where it is below their strength.
        """
        for number, worlds in self._worlds.items():
            anchor = self._anchors[FIRST_SCRIPT - number]
            scripted, _ = script_actions(anchor.script, self._env, worlds)
            chosen = torch.where((draw[worlds] < anchor.strength)[..., None], scripted, at_random[worlds])
            seated = (seats[worlds] == number)[..., None]
            actions = actions.index_copy(0, worlds, torch.where(seated, chosen, actions[worlds]))
        return actions

    def _numbered(self) -> list[tuple[int, Anchor]]:
        return [(FIRST_SCRIPT - index, anchor) for index, anchor in enumerate(self._anchors)]


def _require_room(others: float, scripted: float) -> None:
    """Refuse shares of random play and of scripts that are more than 1 together, up to rounding.

    Raises:
      UserError: says which to lower, and how far.
    """
    if others + scripted <= 1 + 1e-9:
        return
    lower = f"lower the shares of --league.scripted to {1 - others:g} in all"
    if scripted <= 1:
        lower += f", or --league.random-share to {1 - scripted:g}"
    raise UserError(
        f"--league.random-share is {others:g} and --league.scripted has {scripted:g}, more than 1 together; {lower}"
    )


def seated_scripts(config: LeagueConfig) -> tuple[str, ...]:
    """Return the words for ``ScriptedSeats``: those of the league, or the frozen player if it is a script.

    Raises:
      UserError: the frozen player is a script of the other team, or cannot play.
    """
    frozen = config.frozen
    if frozen is None or not is_agent(frozen) or frozen == "random":
        return config.scripted
    check_agent(frozen)
    script = frozen.partition(":")[0]
    if script not in SCRIPTS:
        raise UserError(f"--league.frozen is '{frozen}'; it must be a run, random or a script: {', '.join(SCRIPTS)}")
    if SCRIPTS[script].team != config.frozen_team:
        raise UserError(f"--league.frozen {frozen} plays {SCRIPTS[script].team}, not {config.frozen_team}")
    return (f"{frozen}=1",)


def read_anchor(word: str) -> Anchor:
    """Read a word such as ``chaser=0.1`` or ``blocker:0.5=0.1``.

    Raises:
      UserError: it means nothing.
    """
    agent, equals, text = word.rpartition("=")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    script, _, strength = agent.partition(":")
    if not equals or not 0.0 <= share <= 1.0 or script not in SCRIPTS:
        raise UserError(
            f"--league.scripted is '{word}'; it must be a script and a share from 0 to 1, as in chaser=0.1 or "
            f"chaser:0.5=0.1; scripts are {', '.join(SCRIPTS)}"
        )
    check_agent(agent)
    return Anchor(script, float(strength or "1"), share)
