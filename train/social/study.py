"""What a study is: pieces of work that can be done apart, and a report made of what they found.

A study's folder holds ``request.json``, a file for each finished piece in ``pieces/``, and what is concluded:
``report.md``, ``results.json``, ``figures/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import tyro

from envs.options.ranges import AtLeastOne, Seed, Threads

from .report import Report


@dataclass(frozen=True, kw_only=True)
class StudyArguments:
    """What every study can be asked for; a study may have more fields."""

    quick: bool = False
    """A small version that takes minutes on two cores."""
    seeds: AtLeastOne | None = None
    """Runs of every setting, with seeds that follow each other. By default the study's own number."""
    seed: Seed = 0
    """The first of them."""
    run_dir: Path | None = None
    """Folder of the study; the same command goes on there where it stopped. Default: runs/reproduce-NAME."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """Also write the results to this JSON file."""
    jobs: Threads = 0
    """Pieces done at a time, each in a process; 0 is one for each core, at most 8. Results do not depend on it."""


class Progress(Protocol):
    """How a piece tells that it goes on, and hears that it shall not."""

    def __call__(self, share: float, words: str = "") -> None:
        """Tell which share of the piece is done, from 0 to 1, and what there is to be said.

        Raises:
          StopStudyError: somebody asked to stop. A piece lets it pass; it is begun anew when the study goes on.
        """
        ...


class StopStudyError(Exception):
    """Somebody asked to stop; what is finished is kept."""


@dataclass(frozen=True)
class Piece:
    """A part of a study that is kept when it is done: some minutes of work at most."""

    name: str
    """Name of its file in ``pieces/``: letters, digits, ``-``, ``_`` and ``.``."""
    work: float
    """How long it takes, in any unit that is the same for all pieces of a study."""
    function: Callable[[Progress], Any]
    """Does it and returns JSON values. Can be pickled: a ``functools.partial`` of a function of a module."""


class Study(Protocol):
    """A comparison of a paper's results with ours."""

    name: str
    """As users type it."""
    summary: str
    """What it does, a line for the help."""
    paper: str
    """Citation; empty if there is none."""
    examples: Sequence[str]
    """Command lines for the help, without ``hideseek reproduce NAME``."""
    arguments: type[StudyArguments]
    """What can be asked for: a dataclass with a default for every option that may be left out."""

    def label(self, arguments: Any) -> str:
        """Return what the default folder is called after: the name, and whatever makes it another study.

        Raises:
          UserError: the arguments are impossible.
        """
        ...

    def pieces(self, arguments: Any) -> Sequence[Piece]:
        """Return everything that is to be done, in order."""
        ...

    def report(self, arguments: Any, results: Mapping[str, Any]) -> Report:
        """Conclude.

        Args:
          arguments: what was asked for.
          results: name of a piece -> what its function returned, after a way through JSON.
        """
        ...
