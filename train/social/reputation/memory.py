"""When Q-learners learn from their encounters: at once, at the end of an episode, or by drawing from memory.

An encounter is a number of five bits: own action (1), the other's reputation (2), the other's action (4), the action
whose payoff against itself counts (8), the next state (16). A sixth bit (32) is that of no encounter at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .q_tables import QTables

NOTHING = 32
"""The code of no encounter; nothing is learned from it."""
CODES = 64


@dataclass(frozen=True)
class Seats:
    """Who learns, each once: S agents. An agent has two rows of values, 2 * agent + the other's reputation."""

    rows: Tensor
    """(S,) first rows of the agents."""
    rewards: Tensor
    """(S,) where the rewards of their worlds begin."""
    rates: Tensor
    """(S,) steps; 0 for those that learn nothing."""


class Learner:
    """Q-learning from coded encounters.

    Args:
      tables: of all agents.
      rewards: (W, 16) reward of each encounter in each world, the next state apart.
      gamma: discount.
    """

    def __init__(self, tables: QTables, rewards: Tensor, gamma: float) -> None:
        self.tables, self._gamma = tables, gamma
        self._rewards = rewards.repeat(1, CODES // rewards.shape[1]).flatten()
        codes = torch.arange(CODES, device=rewards.device)
        self._entries = (codes >> 1 & 1) + tables.rows * (codes & 1)
        self._following = codes >> 4 & 1

    def learn(self, seats: Seats, codes: Tensor) -> None:
        """Improve the values of what agents did, by an encounter (S,) of each."""
        entries = self._entries.index_select(0, codes).add_(seats.rows)
        steps = self._rewards.index_select(0, seats.rewards + codes)
        following = self._following.index_select(0, codes).add_(seats.rows)
        steps.add_(self.tables.best(following), alpha=self._gamma)
        steps.sub_(self.tables.values.index_select(0, entries)).mul_(seats.rates).mul_(codes < NOTHING)
        self.tables.add(entries, steps)


class Immediate:
    """Learns from every encounter at once.

    Args:
      learner: what learns.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    def begin_episode(self, players: Tensor) -> None:
        """Do nothing."""

    def add(self, t: int, seats: Seats, codes: Tensor) -> None:
        """Take the encounters of a round in."""
        self._learner.learn(seats, codes)

    def end_episode(self) -> None:
        """Do nothing."""


class Replay:
    """After every encounter, learns from one that is drawn from the agent's encounters of this episode.

    Args:
      learner: what learns.
      agents: how many.
      rounds: of an episode.
      generator: source of the draws.
    """

    def __init__(self, learner: Learner, agents: int, rounds: int, generator: torch.Generator) -> None:
        self._learner, self._agents, self._generator = learner, agents, generator
        self._codes = torch.zeros(rounds * agents, dtype=torch.int64, device=generator.device)
        self._places = self._drawn = self._codes

    def begin_episode(self, players: Tensor) -> None:
        """Forget; draw what will be learned from in the rounds of players (T, S)."""
        positions = count_before(players, self._agents)
        draws = torch.rand(players.shape, generator=self._generator, device=players.device)
        drawn = (draws * (positions + 1)).long()
        self._places = positions * self._agents + players
        self._drawn = drawn * self._agents + players

    def add(self, t: int, seats: Seats, codes: Tensor) -> None:
        """Take the encounters of a round in, and learn."""
        self._codes.scatter_(0, self._places[t], codes)
        self._learner.learn(seats, self._codes.index_select(0, self._drawn[t]))

    def end_episode(self) -> None:
        """Do nothing."""


class EpisodeEnd:
    """Learns from all encounters of an episode at its end, in order.

    Args:
      learner: what learns.
      everybody: all agents.
      rounds: of an episode.
      replays: times everything is learned from.
    """

    def __init__(self, learner: Learner, everybody: Seats, rounds: int, replays: int) -> None:
        self._learner, self._everybody, self._replays = learner, everybody, replays
        self._agents = len(everybody.rows)
        self._codes = torch.zeros(rounds * self._agents, dtype=torch.int64, device=everybody.rows.device)
        self._places = self._counts = self._codes

    def begin_episode(self, players: Tensor) -> None:
        """Forget; prepare for the rounds of players (T, S)."""
        self._places = count_before(players, self._agents) * self._agents + players
        self._counts = torch.bincount(players.flatten(), minlength=self._agents)

    def add(self, t: int, seats: Seats, codes: Tensor) -> None:
        """Take the encounters of a round in."""
        self._codes.scatter_(0, self._places[t], codes)

    def end_episode(self) -> None:
        """Learn."""
        everybody, rows = self._everybody, self._codes.view(-1, self._agents)
        for _ in range(self._replays):
            for position in range(int(self._counts.max())):
                rates = everybody.rates * (self._counts > position)
                self._learner.learn(Seats(everybody.rows, everybody.rewards, rates), rows[position])


Memory = Immediate | EpisodeEnd | Replay


def count_before(players: Tensor, agents: int) -> Tensor:
    """Return in how many earlier rounds each player (T, S) of a round had a seat."""
    if players.shape[1] == agents:  # Everybody has one in every round.
        return torch.arange(len(players), device=players.device).unsqueeze(1).expand_as(players)
    counts = torch.zeros(agents, dtype=torch.int64, device=players.device)
    before, one = torch.empty_like(players), torch.ones_like(players[0])
    for t, round_players in enumerate(players):
        before[t] = counts.index_select(0, round_players)
        counts.index_add_(0, round_players, one)
    return before
