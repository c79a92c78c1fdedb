"""The study ``trade``: agents of the Trading Game in the box world beside what is published of the grid version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs import scenarios
from envs.errors import UserError, did_you_mean
from envs.options.ranges import Positive

from ..report import Report
from ..study import Piece, StudyArguments
from .conditions import PARTS, QUICK_PARTS, conditions
from .findings import Found, sections
from .training import anchor_piece, pieces_of


@dataclass(frozen=True, kw_only=True)
class TradeArguments(StudyArguments):
    """The Trading Game with MuJoCo bodies: who trades, and with whose reward.

    Call it again to go on where it stopped.
    """

    parts: str | None = None
    """Parts, separated by commas: night, lite, full. By default night and lite; full takes days."""
    scale: Positive = 1.0
    """Factor on the number of iterations of every run."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts, in their order.

        Raises:
          UserError: there is none of that name.
        """
        words = QUICK_PARTS if self.parts is None else [word.strip() for word in self.parts.split(",") if word.strip()]
        for word in words:
            if word not in PARTS:
                raise UserError(f"unknown part '{word}'{did_you_mean(word, PARTS)}; there are {', '.join(PARTS)}")
        if not words:
            raise UserError(f"--parts is empty; there are {', '.join(PARTS)}")
        return tuple(part for part in PARTS if part in words)


class TradeStudy:
    """Emergent exchange, and theft."""

    name = "trade"
    summary = "agents that gather two foods, and may give each other some: the Trading Game with MuJoCo bodies"
    paper = (
        "Garbus and Pollack, Emergent Resource Exchange and Tolerated Theft Behavior Using Multiagent Reinforcement "
        "Learning, Artificial Life 30, 2024"
    )
    examples: Sequence[str] = ("--quick", "--parts night --seeds 10", "--parts full")
    arguments: type[StudyArguments] = TradeArguments

    def label(self, arguments: TradeArguments) -> str:
        """Return what the default folder is called after."""
        given = "" if arguments.parts is None else "-" + "-".join(arguments.chosen)
        return f"{self.name}{'-quick' * arguments.quick}{given}"

    def pieces(self, arguments: TradeArguments) -> list[Piece]:
        """Return everything that is to be done, the longest first."""
        made = conditions(arguments.chosen, arguments.quick, arguments.scale)
        runs = [piece for condition in made for piece in pieces_of(condition, arguments.seed, arguments.seeds)]
        anchors = [anchor_piece(scenarios.get(name)) for name in _anchored(arguments)]
        return sorted(runs, key=lambda piece: -piece.work) + anchors

    def report(self, arguments: TradeArguments, results: Mapping[str, Any]) -> Report:
        """Conclude."""
        found = []
        for condition in conditions(arguments.chosen, arguments.quick, arguments.scale):
            names = [piece.name for piece in pieces_of(condition, arguments.seed, arguments.seeds)]
            found.append(Found(condition, [results[name] for name in names]))
        anchors = {name: results[anchor_piece(scenarios.get(name)).name] for name in _anchored(arguments)}
        steps, seconds = sum(one.total("steps") for one in found), sum(one.total("seconds") for one in found)
        introduction = [
            "Numbers are per episode, of episodes on layouts that nobody learned from, played when the agents had "
            "learned. Rewards are the game's own, whatever was shared while they learned.",
            f"{steps:,.0f} steps of agents in {seconds:,.0f} seconds of one core.",
        ]
        return Report(
            title="The Trading Game in the box world",
            introduction=introduction,
            sections=sections(arguments.chosen, found, anchors),
            data={one.condition.name: one.runs for one in found} | {"anchors": anchors},
        )


def _anchored(arguments: TradeArguments) -> list[str]:
    """Return the scenarios in which scripted players are measured."""
    return [f"trade/{part}" for part in arguments.chosen if part != "night"]
