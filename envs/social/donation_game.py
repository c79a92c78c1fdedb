"""The donation game with reputations (Anastassacos et al., AAMAS 2021, section 3).

Agents meet in pairs at random. Whoever cooperates pays a cost, and the other one gets a benefit. What each does is
known of the other is a public reputation, good or bad. After an encounter both get a new one, from a social norm or
from a third agent that judges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from ..errors import UserError
from ..options.ranges import AtLeastOne, NotNegative, Positive, Range, Share, faults

DEFECT, COOPERATE = 0, 1
BAD, GOOD = 0, 1
STERN_JUDGING, IMAGE_SCORING, SIMPLE_STANDING, ALWAYS_BAD = 9, 3, 11, 0
"""Norms that have names."""
Bits = Annotated[int, Range(low=0, high=15)]
"""A table of four bits, the first of which is the highest: an action rule or a norm."""
_PHASES = _PLAY, _JUDGE_FIRST, _JUDGE_SECOND = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class DonationConfig:
    """The rules."""

    agents: Annotated[int, Range(low=2, high=1000)] = 10
    """Agents in a world."""
    benefit: NotNegative = 5.0
    """What a cooperator gives, b."""
    cost: Positive = 1.0
    """What it pays for that, c."""
    norm: Bits = STERN_JUDGING
    """The new reputation after (action, other's reputation) DB, DG, CB, CG: the bits of this number, 1 is good."""
    judges: bool = False
    """A random third agent assigns the new reputations, instead of the norm."""
    assignment_error: Share = 1e-3
    """Probability that a new reputation is the other one."""
    pairing: Literal["all", "one"] = "all"
    """In a round everybody meets somebody, or one pair alone meets."""
    initial: Literal["random", "good", "bad"] = "random"
    """Reputations at the very beginning; they outlast episodes."""
    horizon: AtLeastOne = 200
    """Rounds of an episode."""

    @property
    def pairs(self) -> int:
        """P, pairs that meet in a round."""
        return self.agents // 2 if self.pairing == "all" else 1


def swap(values: Tensor) -> Tensor:
    """Return the partners' values of seats (S,)."""
    return values.view(2, -1).flip(0).flatten()


def bits(number: int | Tensor) -> Tensor:
    """Return the four bits (..., 4) of a rule or norm, the highest first, int64."""
    return torch.as_tensor(number).unsqueeze(-1) >> torch.tensor([3, 2, 1, 0]) & 1


@dataclass(frozen=True)
class Encounters:
    """Who meets whom in T rounds, on S = 2 * W * P seats.

    Agents are numbered through: agent a of world w is w * A + a. Seats are, too: the first players of all pairs, world
    by world, then the second ones.
    """

    players: Tensor
    """(T, S) int64: who has each seat."""
    partners: Tensor
    """(T, S) int64: whom it meets."""
    judges: Tensor
    """(T, W * P) int64: a third agent for each pair, no agent for two of them; (T, 0) if none judges."""
    errors: Tensor
    """(T, S) int64: 1 where the new reputation is assigned wrongly."""


class DonationGame:
    """W worlds of A agents.

    A learner that wants speed draws many rounds by ``draw_rounds``, and for each reads ``reputations`` and calls
    ``assign``. ``reset`` and ``step`` show the same rules to one action of every agent at a time. With judges a round
    is three steps: play, judge the first player of each pair, judge the second. Actions of those who have no part in a
    step have no effect.

    Args:
      worlds: W.
      config: the rules.
      generator: source of everything random; its device is that of all tensors.
      norms: (W,) int64, a norm for each world, in place of the config's.

    Raises:
      UserError: a number out of its range, or too few agents.
    """

    name = "donation-game"
    actions = 2
    action_names: tuple[str, ...] = ("defect", "cooperate")
    observation_size = 5

    def __init__(
        self, worlds: int, config: DonationConfig, generator: torch.Generator, norms: Tensor | None = None
    ) -> None:
        _check(config)
        self.worlds, self.config, self.generator = worlds, config, generator
        self.agents = config.agents
        self.horizon = config.horizon * (len(_PHASES) if config.judges else 1)
        device = generator.device
        norms = torch.full((worlds,), config.norm) if norms is None else norms
        self._norms = bits(norms).flatten().to(device)
        self._first_agent = config.agents * torch.arange(worlds, device=device).unsqueeze(-1)
        self.worlds_of_seats = torch.arange(worlds, device=device).repeat_interleave(config.pairs).repeat(2)
        """(S,) int64."""
        self._first_bit = 4 * self.worlds_of_seats
        self.reset()

    # --- many rounds at a time ---------------------------------------------------------------------------------------

    def draw_rounds(self, rounds: int) -> Encounters:
        """Draw who meets whom in T rounds, whatever happens in them."""
        first, second, judges = self._draw_all(rounds) if self.config.pairing == "all" else self._draw_one(rounds)
        players = torch.stack([first, second], 1).flatten(1)
        errors = self._uniform(players.shape) < self.config.assignment_error
        judges = judges.flatten(1) if self.config.judges else judges.new_empty(rounds, 0)
        return Encounters(players, torch.stack([second, first], 1).flatten(1), judges, errors.long())

    def _draw_all(self, rounds: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw both players of all pairs, and a judge of each, (T, W, P)."""
        order = self._uniform((rounds, self.worlds, self.agents)).argsort(-1) + self._first_agent
        first, second = order.chunk(2, -1)
        return first, second, first.roll(1, -1)  # Pairs are in random order: one of the next is any third agent.

    def _draw_one(self, rounds: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw both players of one pair and a judge, (T, W, 1)."""
        agents = self.agents
        first, second, third = self._uniform((3, rounds, self.worlds, 1)).unbind()
        first, second = (first * agents).long(), (second * (agents - 1)).long()
        second += second >= first
        third = (third * (agents - 2)).long()
        third += third >= torch.minimum(first, second)
        third += third >= torch.maximum(first, second)
        return first + self._first_agent, second + self._first_agent, third + self._first_agent

    def _uniform(self, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def assign(self, players: Tensor, actions: Tensor, others: Tensor, errors: Tensor) -> None:
        """Give players new reputations by the norm of their world.

        Args:
          players: who has each seat (S,).
          actions: what they did.
          others: reputations of those whom they met, from before the encounter.
          errors: 1 where the assignment goes wrong.
        """
        judged = torch.add(self._first_bit + others, actions, alpha=2)
        self.reputations.scatter_(0, players, self._norms.index_select(0, judged) ^ errors)

    def payoffs(self, actions: Tensor) -> Tensor:
        """Return what everybody gets who has a seat (S,)."""
        return self.config.benefit * swap(actions) - self.config.cost * actions

    # --- a step at a time --------------------------------------------------------------------------------------------

    def reset(self) -> Tensor:
        """Begin in every world, with new reputations; return observations (W, A, 5), zeros for who has no part.

        Columns: own reputation; that of the other one (for a judge: of whom the judged one met); whether one plays;
        whether one judges; what the judged one did.
        """
        shape, device = (self.worlds * self.agents,), self.generator.device
        low, high = {"random": (BAD, GOOD + 1), "good": (GOOD, GOOD + 1), "bad": (BAD, BAD + 1)}[self.config.initial]
        self.reputations = torch.randint(low, high, shape, generator=self.generator, device=device)
        """(W * A,) int64, 1 is good."""
        self._phase, self._round = 0, self.draw_rounds(1)
        self._did = torch.full_like(self._round.players[0], DEFECT)
        self._met = self.reputations[self._round.partners[0]]
        self._before: Tensor | None = None
        return self._observe()

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Let agents act (W, A); return observations (W, A, 5) and rewards (W, A), float32."""
        flat, players, errors = actions.flatten(), self._round.players[0], self._round.errors[0]
        rewards = torch.zeros(flat.shape, device=flat.device)
        if self._phase == _PLAY:
            self._before = players
            self._did, self._met = flat[players], self.reputations[self._round.partners[0]]
            rewards[players] = self.payoffs(self._did)
        if not self.config.judges:
            self.assign(players, self._did, self._met, errors)
        elif self._phase != _PLAY:
            judged = self._judged()
            self.reputations[players[judged]] = flat[self._round.judges[0]] ^ errors[judged]
        self._phase = (self._phase + 1) % len(_PHASES) if self.config.judges else _PLAY
        if self._phase == _PLAY:
            self._round = self.draw_rounds(1)
        return self._observe(), rewards.view_as(actions)

    def _judged(self) -> slice:
        """Return the seats whose players are judged in this step."""
        half = len(self._did) // 2
        return slice(half) if self._phase == _JUDGE_FIRST else slice(half, None)

    def _observe(self) -> Tensor:
        players = self._round.players[0]
        seen = torch.zeros(self.worlds * self.agents, self.observation_size, device=players.device)
        seen[:, 0] = self.reputations
        if self._phase == _PLAY:
            seen[players, 1] = self.reputations[self._round.partners[0]].float()
            seen[players, 2] = 1.0
        else:
            judged, judges = self._judged(), self._round.judges[0]
            seen[judges, 1] = self._met[judged].float()
            seen[judges, 3] = 1.0
            seen[judges, 4] = self._did[judged].float()
        return seen.view(self.worlds, self.agents, self.observation_size)

    def text(self, world: int = 0) -> str:
        """Return a world as lines of text: reputations, what was done last, and who has a part in the next step."""
        first = world * self.agents
        reputations = self.reputations[first : first + self.agents].tolist()
        lines = [
            "agent       " + " ".join(f"{agent:>4}" for agent in range(self.agents)),
            "reputation  " + " ".join("good" if good else " bad" for good in reputations),
        ]
        if self._before is not None:
            did = self._of_world(self._did, world).tolist()
            done = zip(self._numbers(self._before, world), did, strict=True)
            lines.append("last  " + ", ".join(_told(*pair, *actions) for pair, actions in done))
        pairs = self._numbers(self._round.players[0], world)
        if self._phase == _PLAY:
            words = [f"{a} meets {b}" for a, b in pairs]
        else:
            judges = (self._round.judges[0].view(self.worlds, -1)[world] - first).tolist()
            words = [f"{judge} judges {pair[self._phase - 1]}" for judge, pair in zip(judges, pairs, strict=True)]
        return "\n".join([*lines, "next  " + ", ".join(words)])

    def _of_world(self, seats: Tensor, world: int) -> Tensor:
        """Return what a world's pairs have on their seats, (P, 2)."""
        return seats.view(2, self.worlds, -1)[:, world].T

    def _numbers(self, players: Tensor, world: int) -> list[list[int]]:
        """Return both agents of each pair of a world, as it numbers them."""
        return (self._of_world(players, world) - world * self.agents).tolist()


def _told(one: int, other: int, did: int, back: int) -> str:
    """Say what both players of a pair did."""
    words = ("gives {} nothing", "gives {}")
    return f"{one} {words[did].format(other)} and {other} {words[back].format(one)}"


def _check(config: DonationConfig) -> None:
    for name, text in faults(config):
        raise UserError(f"donation game: {name} {text}")
    if config.pairing == "all" and config.agents % 2:
        raise UserError(
            f"donation game: {config.agents} agents cannot all be paired; use an even number or pairing one"
        )
    if config.judges and config.agents < (3 if config.pairing == "one" else 4):
        raise UserError(f"donation game: {config.agents} agents are too few for judges")
