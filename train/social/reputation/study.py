"""The study ``reputation``: Q-learners in the donation game beside what is published of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast, get_args

from envs.errors import UserError
from envs.options.ranges import AtLeastOne

from ..report import Report
from ..study import Piece, StudyArguments
from .claims import PARTS
from .findings import sections
from .options import Learning, NextState, Pairing, Reading, Schedule, Setting, Ties
from .pieces import Run
from .population import Population

Part = Literal["benefits", "seeding", "introspection", "judges"]
ReadingName = Literal["immediate/all", "immediate/one", "episode/all", "episode/one", "replay/all", "replay/one"]
_QUICK_READINGS: tuple[ReadingName, ...] = ("episode/all",)
_SEEDS, _QUICK_SEEDS = 20, 5
_EPISODES, _QUICK_EPISODES = 10_000, 2_500
_ENOUGH = {"all": 2_500, "one": 10_000}
"""Episodes after which it must hold what must; with one pair in a round an agent meets a fifth as many."""


@dataclass(frozen=True, kw_only=True)
class ReputationArguments(StudyArguments, Learning):
    """Q-learners that know each other by a reputation alone, under several readings of the paper.

    Call it again to go on where it stopped.
    """

    parts: tuple[Part, ...] = get_args(Part)
    """Parts of the study."""
    readings: tuple[ReadingName, ...] | None = None
    """When values are updated (at once; at the end of an episode, in order; or after every encounter by one drawn from
    this episode's), and whether in a round all meet or one pair. By default episode/all with --quick, and all six
    without."""
    ties: tuple[Ties, ...] = ("defect", "random")
    """What agents do whose two values are equal, as all are at the start. The paper does not say."""
    next_state: NextState | None = None
    """What follows an encounter: the next opponent met, or the same one with its new reputation. By default the same
    one where encounters are drawn (replay), as in public code, and the next one otherwise."""
    episodes: AtLeastOne | None = None
    """Of every run. By default 2500 with --quick and 10000 without; the paper has up to 100000."""

    @property
    def chosen(self) -> tuple[ReadingName, ...]:
        """The readings."""
        return self.readings or (_QUICK_READINGS if self.quick else get_args(ReadingName))

    @property
    def runs(self) -> int:
        """Seeds of every setting."""
        return self.seeds or (_QUICK_SEEDS if self.quick else _SEEDS)

    @property
    def length(self) -> int:
        """Episodes of every run."""
        return self.episodes or (_QUICK_EPISODES if self.quick else _EPISODES)

    @property
    def learning(self) -> Learning:
        """What all readings share."""
        return Learning(**{field.name: getattr(self, field.name) for field in fields(Learning)})

    @property
    def must_hold(self) -> bool:
        """Whether all is as it was where something held under every reading."""
        enough = max(_ENOUGH["one" if name.endswith("one") else "all"] for name in self.chosen)
        return self.learning == Learning() and self.next_state is None and self.length >= enough

    def reading(self, name: ReadingName, judges: bool) -> Reading:
        """Return a reading by its name."""
        schedule, pairing = cast(tuple[Schedule, Pairing], tuple(name.split("/")))
        return Reading(
            **vars(self.learning),
            schedule=schedule,
            pairing=pairing,
            next_state=self.next_state or ("same" if schedule == "replay" else "next"),
            judges=judges,
        )


class ReputationStudy:
    """Reputations and norms among Q-learners."""

    name = "reputation"
    summary = "Q-learners that know each other by reputation: when norms make them cooperate"
    paper = "Anastassacos et al., Cooperation and Reputation Dynamics with Reinforcement Learning, AAMAS 2021"
    examples: Sequence[str] = ("--quick", "--parts seeding --readings episode/all --episodes 50000", "")
    arguments: type[StudyArguments] = ReputationArguments

    def label(self, arguments: ReputationArguments) -> str:
        """Return what the default folder is called after.

        Raises:
          UserError: nothing is asked for, or something twice, or agents cannot be paired or judged.
        """
        for name in ("parts", "readings", "ties"):
            asked = getattr(arguments, name)
            if asked is not None and len(set(asked)) != max(1, len(asked)):
                problem = "is empty" if not asked else f"has {max(asked, key=asked.count)} twice"
                raise UserError(f"--{name} {problem}")
        for run in _runs(arguments):
            Population([Setting()], run.reading, 0)
        return f"{self.name}{'-quick' * arguments.quick}"

    def pieces(self, arguments: ReputationArguments) -> list[Piece]:
        """Return everything that is to be done, in order."""
        return [piece for run in _runs(arguments) for piece in run.pieces(arguments.seed, arguments.runs)]

    def report(self, arguments: ReputationArguments, results: Mapping[str, Any]) -> Report:
        """Conclude."""
        found = [run.collect(arguments.seed, arguments.runs, results) for run in _runs(arguments)]
        seconds, encounters = sum(one.seconds for one in found), sum(one.encounters for one in found)
        introduction = [
            "Cooperation is the mean reward over the last half of the episodes, divided by b - c: the share of "
            "actions that are cooperative. Agents who never want to cooperate reach 0.05, since a tenth of actions "
            "is drawn from both.",
            "A reading is: when values are updated / who meets in a round, and what agents do whose values are equal.",
            f"{arguments.runs} seeds of every setting, {arguments.length:,} episodes of {arguments.rounds} "
            f"rounds. {encounters:,} encounters in {seconds:,.0f} s of one core: "
            f"{encounters / max(seconds, 0.1) / 1e6:.1f} million a second.",
        ]
        return Report(
            title="Cooperation and reputation among Q-learners",
            introduction=introduction,
            sections=sections(found, arguments.must_hold),
            data={"encounters": encounters, "seconds": seconds, "runs": [one.to_plain() for one in found]},
        )


def _runs(arguments: ReputationArguments) -> list[Run]:
    """Return every reading, of the parts without judges and of that with them."""
    halves = [tuple(part for part in PARTS if part in arguments.parts and (part == "judges") == j) for j in (0, 1)]
    return [
        Run(
            parts=parts,
            name=name,
            reading=arguments.reading(name, parts == ("judges",)),
            ties=arguments.ties,
            episodes=arguments.length,
        )
        for name in arguments.chosen
        for parts in halves
        if parts
    ]
