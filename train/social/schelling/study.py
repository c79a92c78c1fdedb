"""The study ``schelling``: whether a game is a dilemma, and which."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro

from envs.errors import UserError
from envs.options.ranges import derived_seed
from envs.social.catalogue import GAMES, make_game
from envs.social.game import SocialGame

from ...evaluation.intervals import Estimate, bootstrap_mean
from ...support.plotting import panels, save_png
from ..report import Report, Section
from ..study import Piece, StudyArguments
from .diagram import measure_payoffs
from .strategies import strategies_of

_WORLDS, _QUICK_WORLDS = 1000, 100
_HEAD = ("others who cooperate", "cooperating pays [95 %]", "defecting pays [95 %]", "defecting pays more by")


@dataclass(frozen=True, kw_only=True)
class SchellingArguments(StudyArguments):
    """What cooperating and defecting pay in a social game, against the number of others who cooperate.

    The number of seeds is that of worlds, an episode each.
    """

    game: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GAME")]
    """Name of the game."""
    rules: tuple[str, ...] = ()
    """Its options where they are not the defaults: benefit=2 judges=true."""

    @property
    def options(self) -> dict[str, Any]:
        """The game's options.

        Raises:
          UserError: one is not NAME=VALUE.
        """
        return dict(_option(rule) for rule in self.rules)

    @property
    def worlds(self) -> int:
        """W."""
        return self.seeds or (_QUICK_WORLDS if self.quick else _WORLDS)

    def make(self) -> SocialGame:
        """Return a world."""
        return make_game(self.game, 1, torch.Generator().manual_seed(0), **self.options)


def _option(rule: str) -> tuple[str, Any]:
    name, separator, value = rule.partition("=")
    if not separator or not name or not value:
        raise UserError(f"--rules {rule}: write NAME=VALUE, as in benefit=2")
    try:
        return name.replace("-", "_"), json.loads(value)
    except ValueError:
        return name.replace("-", "_"), value  # A word.


class SchellingStudy:
    """Schelling diagrams."""

    name = "schelling"
    summary = f"what cooperating and defecting pay in a game: {', '.join(GAMES)}"
    paper = ""
    examples: Sequence[str] = (*GAMES, "donation-game --rules benefit=2 agents=20")
    arguments: type[StudyArguments] = SchellingArguments

    def label(self, arguments: SchellingArguments) -> str:
        """Return what the default folder is called after.

        Raises:
          UserError: the game or its options are impossible.
        """
        strategies_of(arguments.make())
        words = [self.name, arguments.game, *(rule.replace("=", "-") for rule in arguments.rules)]
        return "-".join(words) + "-quick" * arguments.quick

    def pieces(self, arguments: SchellingArguments) -> list[Piece]:
        """Return the one thing that is to be done."""
        seed = derived_seed(arguments.seed, 0)
        work = partial(measure_payoffs, arguments.game, arguments.options, arguments.worlds, seed)
        return [Piece("payoffs", 1.0, work)]

    def report(self, arguments: SchellingArguments, results: Mapping[str, Any]) -> Report:
        """Conclude."""
        payoffs = {name: np.array(values) for name, values in results["payoffs"].items()}
        means = {name: [bootstrap_mean(values, 0) for values in rows] for name, rows in payoffs.items()}
        rows = [
            [str(others), one.format("{:.3f}"), other.format("{:.3f}"), f"{other.value - one.value:.3f}"]
            for others, (one, other) in enumerate(zip(means["cooperating"], means["defecting"], strict=True))
        ]
        diagram = Section(
            heading="Schelling diagram",
            text=[strategies_of(arguments.make()).words],
            table=[_HEAD, *rows],
            figure=partial(_draw, means),
        )
        text = (
            "A social dilemma has the first two, and greed or fear (Leibo et al., AAMAS 2017; Hughes et al., NeurIPS "
            "2018)."
        )
        kinds = Section(heading="Is it a dilemma?", text=[text], table=_conditions(means))
        introduction = [
            f"Payoffs per step of {arguments.game}, means over {arguments.worlds} worlds with an episode each. "
            + ", ".join(arguments.rules)
        ]
        data = {name: [estimate.to_plain() for estimate in row] for name, row in means.items()}
        return Report(
            title=f"Cooperating and defecting in {arguments.game}",
            introduction=introduction,
            sections=[diagram, kinds],
            data=data,
        )


Means = Mapping[str, Sequence[Estimate]]


def _conditions(means: Means) -> list[list[str]]:
    """Return what makes a game a dilemma, and whether it is so."""
    cooperating, defecting = ([one.value for one in means[name]] for name in ("cooperating", "defecting"))
    conditions = {
        "all cooperate pays more than all defect": (cooperating[-1], defecting[0]),
        "all cooperate pays more than to cooperate alone": (cooperating[-1], cooperating[0]),
        "greed: with all others cooperating, to defect pays more": (defecting[-1], cooperating[-1]),
        "fear: with all others defecting, to defect pays more": (defecting[0], cooperating[0]),
    }
    rows = [
        [what, f"{more:.3f}", f"{less:.3f}", "yes" if more > less else "no"]
        for what, (more, less) in conditions.items()
    ]
    return [["condition", "this", "that", "holds"], *rows]


def _draw(means: Means, path: Path) -> None:
    """Draw both payoffs against the number of others who cooperate."""
    figure, [panel] = panels(1, 1, 3.4)
    for name, row in means.items():
        others = range(len(row))
        [line] = panel.plot(others, [one.value for one in row], marker="o", markersize=4, label=name)
        panel.fill_between(
            others, [one.low for one in row], [one.high for one in row], color=line.get_color(), alpha=0.2, linewidth=0
        )
    panel.set_xticks(range(len(row)))
    panel.set_xlabel("others who cooperate")
    panel.set_ylabel("payoff per step")
    panel.legend()
    save_png(figure, path)
