"""Two players in one: the hiders follow one, the seekers another."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from envs.errors import UserError
from envs.scenarios import Scenario

from ..runs.saved_policy import load_policy
from .agents import check_player, check_side, is_agent, make_agent
from .players import Observations, Player, PolicyPlayer, Worlds

OTHER_SEED = 1_000_003
"""Added to the seed for who plays the other team, so that no two players draw from the same numbers."""


class TeamsPlayer:
    """Plays all agents, each team by a player of its own. Both players act everywhere, and half of it counts."""

    def __init__(self, hiders: Player, seekers: Player, num_hiders: int) -> None:
        self.name = f"{hiders.name} against {seekers.name}"
        self._hiders, self._seekers, self._num_hiders = hiders, seekers, num_hiders

    def begin(self, worlds: Worlds) -> None:
        """Let both begin."""
        self._hiders.begin(worlds)
        self._seekers.begin(worlds)

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return actions (W, A, K)."""
        hiders, seekers = self._hiders.act(obs, started), self._seekers.act(obs, started)
        return torch.cat([hiders[:, : self._num_hiders], seekers[:, self._num_hiders :]], dim=1)

    @property
    def attention(self) -> Tensor | None:
        """What agents attended to (W, A, E), if either player tells; 0 for those of the other one."""
        told = [getattr(player, "attention", None) for player in (self._hiders, self._seekers)]
        known = next((shares for shares in told if shares is not None), None)
        if known is None:
            return None
        hiders, seekers = (torch.zeros_like(known) if shares is None else shares for shares in told)
        return torch.cat([hiders[:, : self._num_hiders], seekers[:, self._num_hiders :]], dim=1)


class OtherTeam:
    """Who plays one team instead of the player that is looked at; nobody by default.

    Args:
      hiders, seekers: at most one of them: an agent without a policy, a run folder, a checkpoint file or the name of a
        policy that comes with the project.
      scenario: where they play.
      device: where a policy acts.

    Raises:
      UserError: both are given, there is no such player, or it cannot play there.
    """

    def __init__(
        self, hiders: str | None, seekers: str | None, scenario: Scenario, device: str | torch.device = "cpu"
    ) -> None:
        if hiders is not None and seekers is not None:
            raise UserError("--hiders and --seekers name who plays a team instead: give one of them")
        self._word, self._are_hiders, self._scenario = hiders or seekers, hiders is not None, scenario
        if self._word is not None:
            check_player(self._word)
            check_side(self._word, "hiders" if self._are_hiders else "seekers")
        self._saved = None
        if self._word is not None and not is_agent(self._word):
            self._saved = load_policy(Path(self._word), device)
            self._saved.fit(scenario)
        elif self._word is not None:
            make_agent(self._word, scenario, 0)

    @property
    def words(self) -> str:
        """What reports say of it; empty if nobody plays instead."""
        return f"{'hiders' if self._are_hiders else 'seekers'} played by {self._word}" if self._word else ""

    def beside(self, player: Player, seed: int) -> Player:
        """Return a player that follows ``player`` in one team and plays the other one instead of it."""
        if self._word is None:
            return player
        if self._saved is None:
            other: Player = make_agent(self._word, self._scenario, seed)
        else:
            other = PolicyPlayer(self._saved.policy, seed, name=self._word)
        pair = (other, player) if self._are_hiders else (player, other)
        return TeamsPlayer(*pair, self._scenario.hiders)
