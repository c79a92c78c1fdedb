"""Meta-episodes: M inner episodes of T steps, in which agents remember everything and their co-players learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from envs.social.game import SocialGame
from policies.side_by_side import PlayersActorCritic


class CountingGame(SocialGame, Protocol):
    """A social game that says what happened in the last step."""

    events: dict[str, Tensor]
    """Name -> of every agent (W, A) whether it did that, or how often; float32."""


class CoPlayers(Protocol):
    """K players for each of G groups, which play B games each and learn after every inner episode."""

    def reset(self) -> None:
        """Become the players of a new meta-episode."""

    def act(self, observation: Tensor) -> Tensor:
        """Choose actions (G, K * B) for observations (G, K * B, D)."""

    def learn(self, observations: Tensor, actions: Tensor, rewards: Tensor) -> None:
        """Improve by an inner episode: (T, G, K * B, D) observations, (T, G, K * B) actions and rewards."""


@dataclass(frozen=True)
class Seating:
    """Who sits where: of every group's N sequences, the first play with co-players, the others with each other.

    Worlds are numbered likewise: first those of co-players, who have seat 1.
    """

    naive: int
    """Sequences of every group that play with co-players, K * B."""
    peers: int
    """Sequences of every group that play with other groups."""
    seats: Tensor
    """Seat (G, N) of every sequence: 2 * world, and 1 more for the second seat."""

    @property
    def worlds(self) -> int:
        """How many worlds are needed."""
        groups, sequences = self.seats.shape
        return groups * (sequences + self.naive) // 2


def seat(runs: int, agents: int, naive: int, peers: int, batch: int, generator: torch.Generator) -> Seating:
    """Seat the agents of populations that do not meet.

    Opponents are drawn as the paper does, uniformly among the other agents, but every game between agents is learned
    from by both: an agent has the first seat in half of its games, and in the others the second, of an agent that was
    drawn by a cyclic shift.

    Args:
        runs: Populations S.
        agents: Agents A of a population; G = S * A groups.
        naive: Co-players K of every agent.
        peers: Co-players of every agent that are agents themselves; even.
        batch: Games B with each co-player.
        generator: Source of the pairs.
    """
    groups, device = runs * agents, generator.device
    first = 2 * torch.arange(groups * naive * batch, device=device).view(groups, -1)
    if not peers:
        return Seating(naive * batch, 0, first + 0)
    half = peers // 2
    world = groups * naive * batch + torch.arange(groups * half * batch, device=device).view(groups, half, batch)
    shift = torch.randint(1, agents, (runs, 1, half), generator=generator, device=device)
    agent = torch.arange(agents, device=device).view(1, agents, 1)
    host = (agent + shift) % agents + agents * torch.arange(runs, device=device).view(runs, 1, 1)
    host = host.view(groups, half)  # Whose world an agent visits.
    visited = world[host, torch.arange(half, device=device)]
    return Seating(
        naive * batch,
        peers * batch,
        torch.cat([first, 2 * world.flatten(1), 2 * visited.flatten(1) + 1], dim=1),
    )


@dataclass(kw_only=True)
class Experience:
    """What G groups with N sequences each lived through in L steps."""

    observations: Tensor
    """(L, G, N, D)"""
    actions: Tensor
    """(L, G, N)"""
    log_probs: Tensor
    """(L, G, N)"""
    values: Tensor
    """(L, G, N)"""
    rewards: Tensor
    """(L, G, N)"""
    naive: int = 0
    """The first so many sequences of every group played with co-players."""


@dataclass(kw_only=True)
class MetaEpisodes(Experience):
    """Meta-episodes, L = M * T steps."""

    naive_actions: Tensor
    """(L, G, naive), those of the co-players."""
    naive_rewards: Tensor
    """(L, G, naive), those of the co-players."""
    events: dict[str, Tensor]
    """What agents did in games with co-players and with each other, (L, G, N) each."""
    naive_events: dict[str, Tensor]
    """What co-players did, (L, G, naive) each."""


@torch.no_grad()
def play(
    policy: PlayersActorCritic,
    game: CountingGame,
    co_players: CoPlayers,
    seating: Seating,
    inner_episodes: int,
    inner_steps: int,
    generator: torch.Generator,
    identity: bool = False,
) -> MetaEpisodes:
    """Play one meta-episode in every world.

    Args:
        policy: The agents, one for each of G groups.
        game: Of ``seating.worlds`` worlds.
        co_players: Those of all groups.
        seating: Who plays with whom.
        inner_episodes: M.
        inner_steps: T.
        generator: Source of the agents' actions.
        identity: Whether agents are told if their co-player is an agent: 1 after all else they observe.
    """
    groups, sequences = seating.seats.shape
    order = seating.seats.flatten()
    hosted = groups * seating.naive
    moves = torch.zeros(seating.worlds, 2, dtype=torch.int64, device=order.device)
    state = policy.first_state(sequences)
    record = _Record(inner_episodes * inner_steps)
    told = (torch.arange(sequences, device=order.device) >= seating.naive).float().view(1, -1, 1)
    told = told.expand(groups, -1, int(identity))

    def agents_of(table: Tensor) -> Tensor:
        return table.flatten(0, 1).index_select(0, order).unflatten(0, (groups, sequences))

    def co_players_of(table: Tensor) -> Tensor:
        return table[:hosted, 1].unflatten(0, (groups, seating.naive))

    co_players.reset()
    for episode in range(inner_episodes):
        observation = game.reset()
        for _ in range(inner_steps):
            own, theirs = torch.cat([agents_of(observation), told], -1), co_players_of(observation)
            choice, values, state = policy.step(own, state)
            actions = choice.sample(generator)
            moves.view(-1)[order] = actions.flatten()
            if hosted:
                moves[:hosted, 1] = co_players.act(theirs).flatten()
            observation, rewards = game.step(moves)
            record.add(
                observations=own,
                actions=actions.squeeze(-1),
                log_probs=choice.log_prob(actions),
                values=values,
                rewards=agents_of(rewards),
                naive_observations=theirs,
                naive_actions=co_players_of(moves),
                naive_rewards=co_players_of(rewards),
                **{f"events/{name}": agents_of(event) for name, event in game.events.items()},
                **{f"naive_events/{name}": co_players_of(event) for name, event in game.events.items()},
            )
        if hosted:
            span = slice(episode * inner_steps, (episode + 1) * inner_steps)
            co_players.learn(*(record.tables[f"naive_{name}"][span] for name in ("observations", "actions", "rewards")))
    del record.tables["naive_observations"]
    events, naive_events = record.take("events/"), record.take("naive_events/")
    return MetaEpisodes(naive=seating.naive, events=events, naive_events=naive_events, **record.tables)


class _Record:
    """Tables (L, ...) that are filled step by step."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.tables: dict[str, Tensor] = {}
        self._filled = 0

    def add(self, **values: Tensor) -> None:
        if not self._filled:
            self.tables = {name: value.new_empty(self.steps, *value.shape) for name, value in values.items()}
        for name, value in values.items():
            self.tables[name][self._filled] = value
        self._filled += 1

    def take(self, prefix: str) -> dict[str, Tensor]:
        """Return the tables whose names begin so, without that, and keep them no longer."""
        names = [name for name in self.tables if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.tables.pop(name) for name in names}
