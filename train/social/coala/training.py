"""Populations of agents that learn from meta-episodes with co-players and with each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from torch import Tensor

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, NotNegative, Range, Share, Width, faults
from policies.side_by_side import PlayersActorCritic

from .learner import Learner, LearnerConfig
from .measures import measures
from .meta_episodes import CoPlayers, CountingGame, MetaEpisodes, play, seat
from .network_learners import NetworkLearners
from .tabular_learners import TabularLearners

MakeGame = Callable[[int, torch.Generator], CountingGame]
"""Makes a game of a number of worlds and a generator."""


NAIVE = LearnerConfig(
    mode="unaware", learning_rate=5e-3, epochs=1, minibatches=1, gamma=0.99, normalize=True, max_grad_norm=1e9
)
"""The naive learner with a network of the prisoner's dilemma: an advantage actor-critic."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Who meets whom, and how all learn."""

    agents: AtLeastOne = 1
    """A, agents of a population; each has a network of its own."""
    naive_share: Share = 1.0
    """Share of the co-players that learn naively or not at all; the others are agents of the same population."""
    co_players: AtLeastOne = 32
    """Co-players of each agent in one update."""
    batch: AtLeastOne = 8
    """B, games with each co-player. The more they are, the less each of them teaches: of as many games in all, many
    co-players with few games each have the clearer gradient."""
    inner_episodes: AtLeastOne = 20
    """M, inner episodes of a meta-episode."""
    inner_steps: AtLeastOne = 10
    """T, steps of an inner episode."""
    size: Width = 16
    """Features of an agent's memory."""
    updates: AtLeastOne = 100
    """How often the agents learn."""
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    """How they do."""
    naive: Literal["tabular", "network"] = "tabular"
    """Naive co-players: five numbers for what to do after each outcome, or a network."""
    naive_rate: NotNegative = 20.0
    """Step of gradient ascent of tabular co-players; 0 for random players that never learn."""
    naive_learner: LearnerConfig = NAIVE
    """How network co-players learn."""
    naive_pool: Annotated[int, Range(low=0)] = 10
    """Random networks with which co-players begin; 0 for copies of the agents as they are."""
    identity: bool = False
    """Whether agents are told if their co-player is an agent: one more number of their observations."""

    def __post_init__(self) -> None:
        for option, fault in faults(self):
            raise UserError(f"{option} {fault}")
        if self.identity and self.naive == "network" and not self.naive_pool:
            raise UserError("identity: copies of the agents cannot be told whom they meet; take a naive_pool")
        if self.peers % 2 or (self.peers and self.agents < 2):
            raise UserError(
                f"{self.peers} co-players that are agents: take an even number of them, and 2 or more agents"
            )

    @property
    def naive_players(self) -> int:
        """Naive co-players of each agent."""
        return round(self.co_players * self.naive_share)

    @property
    def peers(self) -> int:
        """Co-players of each agent that are agents."""
        return self.co_players - self.naive_players


class Population:
    """S populations of A agents side by side, and their co-players.

    Args:
        setting: Of all of them.
        runs: S.
        make_game: The game.
        generator: Source of everything random.
    """

    def __init__(self, setting: Setting, runs: int, make_game: MakeGame, generator: torch.Generator) -> None:
        self.setting, self.runs, self.make_game, self.generator = setting, runs, make_game, generator
        game = make_game(1, generator)
        groups = runs * setting.agents
        inputs = game.observation_size + setting.identity
        self.policy = PlayersActorCritic(groups, inputs, game.actions, setting.size, generator)
        self.learner = Learner(self.policy, setting.learner, setting.batch, generator)
        self.co_players = self._co_players(game)
        self._game: CountingGame | None = None

    def play(self) -> MetaEpisodes:
        """Play one meta-episode with every co-player."""
        setting = self.setting
        seating = seat(self.runs, setting.agents, setting.naive_players, setting.peers, setting.batch, self.generator)
        if self._game is None:
            self._game = self.make_game(seating.worlds, self.generator)
        rounds = setting.inner_episodes, setting.inner_steps
        return play(self.policy, self._game, self.co_players, seating, *rounds, self.generator, setting.identity)

    def learn(self, episodes: MetaEpisodes) -> None:
        """Improve all agents."""
        self.learner.update(episodes, self.setting.inner_steps)

    def _co_players(self, game: CountingGame) -> CoPlayers:
        setting, groups, generator = self.setting, self.runs * self.setting.agents, self.generator
        if setting.naive == "tabular":
            return TabularLearners(groups, setting.naive_players, game.observation_size, setting.naive_rate, generator)
        shape = game.observation_size, game.actions, setting.size, generator
        learners = groups * setting.naive_players
        pool = PlayersActorCritic(setting.naive_pool, *shape) if setting.naive_pool else self.policy

        def choose() -> Tensor:
            """One of the pool, or one of the agents of the own population."""
            many = setting.naive_pool or setting.agents
            which = torch.randint(
                many, (self.runs, learners // self.runs), generator=generator, device=generator.device
            )
            first = torch.arange(self.runs, device=which.device).unsqueeze(1) * (0 if setting.naive_pool else many)
            return (which + first).flatten()

        return NetworkLearners(
            groups, PlayersActorCritic(learners, *shape), pool, choose, setting.naive_learner, generator
        )


def train(
    setting: Setting, runs: int, make_game: MakeGame, seed: int, tell: Callable[[int, dict[str, Tensor]], None]
) -> tuple[Population, dict[str, Tensor]]:
    """Let S populations learn.

    Args:
        setting: Of all of them.
        runs: S.
        make_game: The game.
        seed: Of everything random; runs differ by what they draw.
        tell: Is told after every update how many there were, and their measures.

    Returns:
        The populations, and measures of the meta-episodes before every update, (updates, S) each.
    """
    population = Population(setting, runs, make_game, torch.Generator().manual_seed(seed))
    curves: dict[str, list[Tensor]] = {}
    for update in range(setting.updates):
        episodes = population.play()
        found = measures(episodes, runs, setting.inner_steps)
        for name, values in found.items():
            curves.setdefault(name, []).append(values)
        population.learn(episodes)
        tell(update + 1, found)
    return population, {name: torch.stack(values) for name, values in curves.items()}
