"""Populations of Q-learners that play the donation game: many settings and seeds in one batch of worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.errors import UserError
from envs.options.ranges import faults
from envs.social.donation_game import DonationConfig, DonationGame, Encounters, swap

from .judges import Judges
from .memory import CODES, NOTHING, EpisodeEnd, Immediate, Learner, Memory, Replay, Seats
from .options import TIE_CHANCE, Reading, Setting
from .q_tables import QTables, draw_thresholds

RULES = 16
_LOOKS = 100  # At rules and norms in a run, of which those in the last half are kept.


@dataclass(frozen=True)
class Outcome:
    """What became of W worlds."""

    cooperation: Tensor
    """(episodes, W) share of actions that were cooperative: the mean reward divided by b - c."""
    rules: Tensor
    """(W, 16) share of each action rule among the agents that learn, over the last half; zeros if none does."""
    norms: Tensor
    """(W, 16) share of each norm among the judges, over the last half; zeros without judges."""


class Population:
    """W worlds of learners.

    Args:
      settings: W settings, one a world.
      reading: how they learn.
      seed: of everything random.
      device: where they are.

    Raises:
      UserError: a number out of its range, or agents that cannot be paired or judged.
    """

    def __init__(
        self, settings: Sequence[Setting], reading: Reading, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        check(settings, reading)
        self.reading, self.worlds = reading, len(settings)
        self.generator = torch.Generator(device).manual_seed(seed)
        self.device = self.generator.device
        norms = torch.tensor([setting.norm for setting in settings])
        self.game = DonationGame(self.worlds, game_config(reading), self.generator, norms)
        self._rounds = self.game.config.horizon
        fixed = torch.tensor([reading.count_fixed(setting.fixed) for setting in settings]).unsqueeze(-1)
        self.learns = (torch.arange(reading.agents) >= fixed).flatten().to(self.device)
        """(W * A,) bool: the first agents of a world are the fixed ones."""
        self._tie_chance = self._by_seat([TIE_CHANCE[setting.ties] for setting in settings])
        self.tables = self._make_tables()
        self._looks_inside = any(setting.introspection > 0 for setting in settings)
        self._rewards_of_seats = CODES * self.game.worlds_of_seats
        self._memory = self._make_memory(settings)
        self._waiting = torch.full((len(self.learns),), NOTHING, device=self.device)
        """(W * A,) each agent's last encounter, as long as its next state is not known."""
        self._benefits = self._by_seat([setting.benefit for setting in settings])
        self.judges: Judges | None = None
        if reading.judges:
            self.judges = Judges(len(self.learns), reading.learning_rate, reading.credit, self.device)

    def _by_seat(self, values: Sequence[float]) -> Tensor:
        """Return one number a world for each seat (S,)."""
        return torch.tensor(values, device=self.device)[self.game.worlds_of_seats]

    def _make_tables(self) -> QTables:
        """Return tables of zeros, but for fixed agents, whose values prefer their rule for ever."""
        tables = QTables(2 * len(self.learns), self.device)
        fixed = (~self.learns).nonzero().squeeze(-1)
        for other in (0, 1):
            tables.prefer(2 * fixed + other, torch.full_like(fixed, self.reading.fixed_rule >> (1 - other) & 1))
        return tables

    def _make_memory(self, settings: Sequence[Setting]) -> Memory:
        reading, agents = self.reading, torch.arange(len(self.learns), device=self.device)
        learner = Learner(self.tables, reward_table(settings, reading).to(self.device), reading.gamma)
        if reading.schedule == "immediate":
            return Immediate(learner)
        if reading.schedule == "replay":
            return Replay(learner, len(agents), self._rounds, self.generator)
        rewards = CODES * (agents // reading.agents)
        everybody = Seats(2 * agents, rewards, reading.learning_rate * self.learns.float())
        return EpisodeEnd(learner, everybody, self._rounds, reading.replays)

    def episode(self) -> Tensor:
        """Play and learn for an episode; return the share of cooperative actions (W,)."""
        drawn = self.game.draw_rounds(self._rounds)
        learns = self.learns.float()[drawn.players]
        explores, rates = self.reading.exploration * learns, self.reading.learning_rate * learns
        thresholds = draw_thresholds(explores, self._tie_chance, self.generator)
        inside = self._draw_inside(explores)
        verdicts = self._draw_verdicts(explores)
        rows = 2 * drawn.players
        self._memory.begin_episode(drawn.players)
        given = torch.zeros_like(drawn.players[0])
        for t in range(self._rounds):
            seats = Seats(rows[t], self._rewards_of_seats, rates[t])
            given += self._round(drawn, t, seats, thresholds[t], inside[t], verdicts[t])
        self._memory.end_episode()
        return given.view(2, self.worlds, -1).float().mean((0, 2)) / self._rounds

    def _draw_inside(self, explores: Tensor) -> Tensor:
        """Draw thresholds of the actions that introspection looks at, or empty ones if it looks at none."""
        if not self._looks_inside or self.reading.self_payoff == "action":
            return torch.empty(self._rounds, 0)
        sampled = self.reading.self_payoff == "sampled"
        return draw_thresholds(explores if sampled else 0 * explores, self._tie_chance, self.generator)

    def _draw_verdicts(self, explores: Tensor) -> Tensor:
        """Draw thresholds of verdicts, or empty ones if nobody judges."""
        if self.judges is None:
            return torch.empty(self._rounds, 0)
        return draw_thresholds(torch.full_like(explores, self.reading.exploration), self._tie_chance, self.generator)

    def _round(
        self, drawn: Encounters, t: int, seats: Seats, thresholds: Tensor, inside: Tensor, verdicts: Tensor
    ) -> Tensor:
        """Play a round and learn; return the actions (S,)."""
        players, partners = drawn.players[t], drawn.partners[t]
        reputations = self.game.reputations
        others = reputations.index_select(0, partners)
        follows_next = self.reading.next_state == "next"
        if follows_next:
            self._memory.add(t, seats, torch.add(self._waiting.index_select(0, players), others, alpha=16))
        actions = self.tables.act(seats.rows + others, thresholds)
        codes = torch.add(actions, others, alpha=2).add_(swap(actions), alpha=4)
        if inside.numel():
            codes.add_(self.tables.act(seats.rows + reputations.index_select(0, players), inside), alpha=8)
        elif self._looks_inside:
            codes.add_(actions, alpha=8)
        if self.judges is None:
            self.game.assign(players, actions, others, drawn.errors[t])
        else:
            given = self.judges.judge(drawn.judges[t], actions, others, verdicts)
            reputations.scatter_(0, players, given ^ drawn.errors[t])
            self.judges.credit(players, self._benefits * swap(actions) - self.game.config.cost * actions)
        if follows_next:
            self._waiting.scatter_(0, players, codes)
        else:
            self._memory.add(t, seats, codes.add_(reputations.index_select(0, partners), alpha=16))
        return actions

    def rules(self) -> Tensor:
        """Return the action rule (W, A) of each agent when it does not explore, as four bits."""
        better = self.tables.greedy().view(self.worlds, -1, 2)
        return better @ torch.tensor([10, 5], device=self.device)

    def run(self, episodes: int, tell: Callable[[int], None] = lambda _episode: None) -> Outcome:
        """Play episodes; ``tell`` is called after each with the number done."""
        cooperation = torch.empty(episodes, self.worlds)
        looks = []
        for episode in range(episodes):
            cooperation[episode] = self.episode()
            if 2 * episode >= episodes - 1 and (episodes - 1 - episode) % max(1, episodes // _LOOKS) == 0:
                looks.append(self._kinds())
            tell(episode + 1)
        rules, norms = torch.stack(looks).mean(0)
        return Outcome(cooperation, rules, norms)

    def _kinds(self) -> Tensor:
        """Return the shares (2, W, 16) of rules and of norms."""
        learns = self.learns.view(self.worlds, -1)
        rules = _shares(self.rules(), learns)
        if self.judges is None:
            return torch.stack([rules, torch.zeros_like(rules)])
        return torch.stack([rules, _shares(self.judges.norms().view(self.worlds, -1), torch.ones_like(learns))])


def _shares(kinds: Tensor, counted: Tensor) -> Tensor:
    """Return the shares (W, 16) of kinds (W, A) among those that are counted (W, A)."""
    each = torch.nn.functional.one_hot(kinds, RULES) * counted.unsqueeze(-1)
    return (each.sum(1) / counted.sum(1, keepdim=True).clamp(min=1)).cpu()


def reward_table(settings: Sequence[Setting], reading: Reading) -> Tensor:
    """Return the reward (W, 16) of an encounter, whose bits are those of ``memory``, the next state apart."""
    codes = torch.arange(16)
    gives, gets, inner = (codes & 1).float(), (codes >> 2 & 1).float(), (codes >> 3 & 1).float()
    if reading.self_payoff == "expected":
        inner = reading.exploration / 2 + (1 - reading.exploration) * inner
    rows = [
        (1 - s.introspection) * (s.benefit * gets - gives) + s.introspection * (s.benefit - 1) * inner for s in settings
    ]
    return torch.stack(rows)


def game_config(reading: Reading) -> DonationConfig:
    """Return the rules of the worlds; what is given and the norm are each world's own."""
    return DonationConfig(
        agents=reading.agents,
        judges=reading.judges,
        assignment_error=reading.assignment_error,
        pairing=reading.pairing,
        initial=reading.initial,
        horizon=reading.rounds,
    )


def check(settings: Sequence[Setting], reading: Reading) -> None:
    """Refuse impossible populations.

    Raises:
      UserError: says what is wrong.
    """
    for options in (reading, *settings):
        for name, text in faults(options):
            raise UserError(f"{name} {text}")
