"""What a population of learners can be: the paper's settings, and how its text is read where it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from envs.options.ranges import AtLeastOne, NotNegative, Range, Share
from envs.social.donation_game import STERN_JUDGING, Bits

Schedule = Literal["immediate", "episode", "replay"]
Pairing = Literal["all", "one"]
NextState = Literal["next", "same"]
Ties = Literal["defect", "random", "cooperate"]
TIE_CHANCE: dict[Ties, float] = {"defect": 0.0, "random": 0.5, "cooperate": 1.0}
"""Probability of cooperating, or of judging good, where both values are equal."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One of the paper's settings; every world of a batch has its own."""

    benefit: NotNegative = 5.0
    """What a cooperator gives, b, in units of its cost."""
    norm: Bits = STERN_JUDGING
    """The social norm; of no effect where agents judge."""
    fixed: Share = 0.0
    """Share of the agents that learn nothing and play ``Learning.fixed_rule``; one agent at least, if not 0."""
    introspection: Share = 0.0
    """Weight alpha of the payoff that an agent would get against itself; 1 - alpha is that of the real one."""
    ties: Ties = "defect"
    """What an agent does whose two values are equal, as all are at the start. The paper does not say."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How learning goes on, the same for all worlds of a batch. What the paper says is the default."""

    replays: AtLeastOne = 1
    """Times an episode's encounters are learned from at its end; of no effect on other schedules."""
    self_payoff: Literal["sampled", "greedy", "expected", "action"] = "sampled"
    """The action whose payoff against itself introspection counts: drawn as all actions are, at one's own reputation;
    the better one there; the mean over what is drawn; or what was really done."""
    credit: Literal["sum", "mean"] = "sum"
    """How a judge's last two verdicts are valued by its payoffs: their sum, or their running mean."""
    agents: Annotated[int, Range(low=2, high=100)] = 10
    """Agents of a world."""
    fixed_rule: Literal[0, 5, 10, 15] = 5
    """What fixed agents do: never give, give to the good, to the bad, always."""
    rounds: AtLeastOne = 200
    """Rounds of an episode."""
    learning_rate: Share = 0.01
    """Step beta of all values."""
    gamma: Annotated[float, Range(low=0, below=1)] = 0.99
    """Discount per encounter of an agent."""
    exploration: Share = 0.1
    """Share epsilon of actions and verdicts that are drawn from both, whatever the values."""
    assignment_error: Share = 1e-3
    """Probability that an assigned reputation is the other one."""
    initial: Literal["random", "good", "bad"] = "random"
    """Reputations at the very beginning."""

    def count_fixed(self, share: float) -> int:
        """Return how many agents of a world are fixed if a share of them shall be."""
        return max(1, round(share * self.agents)) if share else 0


@dataclass(frozen=True, kw_only=True)
class Reading(Learning):
    """The same, and how the rest of the paper's text is read."""

    schedule: Schedule = "episode"
    """When values are updated: at once; all of an episode's encounters in order at its end; or after every encounter by
    one that is drawn from the agent's encounters of this episode. The paper has a buffer that each episode empties."""
    next_state: NextState = "next"
    """What follows an encounter: the next opponent met, or the same one with its new reputation."""
    pairing: Pairing = "all"
    """In a round everybody meets somebody, or one pair alone meets. The paper says that an episode is 200 random
    encounters; they are an agent's with all, and the population's with one."""
    judges: bool = False
    """A random third agent assigns reputations and learns to, instead of the norm."""
