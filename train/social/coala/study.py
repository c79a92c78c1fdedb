"""The study ``coala``: learning-aware agents beside what is published of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.errors import UserError, did_you_mean
from envs.options.ranges import Positive

from ..report import Report
from ..study import Piece, StudyArguments
from .conditions import PARTS, QUICK_PARTS, Condition, conditions
from .findings import sections
from .pieces import collect, pieces_of

_SEEDS, _QUICK_SEEDS = 5, 3
_QUICK_SCALE = 0.4


@dataclass(frozen=True, kw_only=True)
class CoalaArguments(StudyArguments):
    """Agents that know that others learn (COALA-PG) beside those that do not.

    Call it again to go on where it stopped.
    """

    parts: str | None = None
    """Parts, separated by commas: shaping, mixed, networks, analytic, in-context, cleanup. By default shaping with
    --quick, and all without."""
    scale: Positive = 1.0
    """Factor on the number of updates of every run; --quick makes them 0.4 times as many besides."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts, in their order.

        Raises:
          UserError: there is none of that name.
        """
        if self.parts is None:
            return QUICK_PARTS if self.quick else tuple(PARTS)
        words = [word.strip() for word in self.parts.split(",") if word.strip()]
        for word in words:
            if word not in PARTS:
                raise UserError(f"unknown part '{word}'{did_you_mean(word, PARTS)}; there are {', '.join(PARTS)}")
        if not words:
            raise UserError(f"--parts is empty; there are {', '.join(PARTS)}")
        return tuple(part for part in PARTS if part in words)

    @property
    def conditions(self) -> list[Condition]:
        """What is to be run."""
        return conditions(self.chosen, self.scale * (_QUICK_SCALE if self.quick else 1.0))

    @property
    def runs(self) -> int:
        """Seeds of every condition."""
        return self.seeds or (_QUICK_SEEDS if self.quick else _SEEDS)


class CoalaStudy:
    """Policy gradients for agents whose co-players learn."""

    name = "coala"
    summary = "agents that know that others learn, in the prisoner's dilemma and CleanUp-lite (COALA-PG)"
    paper = (
        "Meulemans et al., Multi-agent cooperation through learning-aware policy gradients, ICLR 2025; "
        "Weis et al., Multi-agent cooperation through in-context co-player inference, 2026"
    )
    examples: Sequence[str] = ("--quick", "--parts mixed --seeds 10", "")
    arguments: type[StudyArguments] = CoalaArguments

    def label(self, arguments: CoalaArguments) -> str:
        """Return what the default folder is called after."""
        given = "" if arguments.parts is None else "-" + "-".join(arguments.chosen)
        return f"{self.name}{'-quick' * arguments.quick}{given}"

    def pieces(self, arguments: CoalaArguments) -> list[Piece]:
        """Return everything that is to be done, in order."""
        seeds = arguments.seed, arguments.runs
        return [piece for condition in arguments.conditions for piece in pieces_of(condition, *seeds)]

    def report(self, arguments: CoalaArguments, results: Mapping[str, Any]) -> Report:
        """Conclude."""
        found = [collect(condition, arguments.seed, arguments.runs, results) for condition in arguments.conditions]
        steps, seconds = sum(one.steps for one in found), sum(one.seconds for one in found)
        introduction = [
            "Rewards are per step. Mutual cooperation in the prisoner's dilemma pays 1 and mutual defection 0. Every "
            "number is a mean over the last tenth of the updates.",
            f"{arguments.runs} seeds of every setting; {steps:,} steps of agents in {seconds:,.0f} s of one core.",
        ]
        data = {one.condition.name: {"final": one.final, "curves": one.curves, "every": one.every} for one in found}
        return Report(
            title="Learning-aware agents",
            introduction=introduction,
            sections=sections(arguments.chosen, found),
            data=data,
        )
