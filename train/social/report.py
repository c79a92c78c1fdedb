"""The report of a study: the paper's results beside ours, tables and figures; as text, JSON and on the console."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.intervals import Estimate, bootstrap_mean
from ..support.files import make_folder, write_atomically, write_json
from ..support.plotting import can_draw

_SEED = 0  # Of the resampling behind intervals.


@dataclass(frozen=True, kw_only=True)
class Result:
    """One published number beside ours."""

    what: str
    """What was measured, in which setting."""
    paper: str = "-"
    """What the paper says of it, as it says it."""
    values: Sequence[float]
    """What we found, one number a seed."""
    low: float = -math.inf
    """The result counts as reproduced if our mean is from here ..."""
    high: float = math.inf
    """... to here."""
    form: str = "{:.2f}"
    """How numbers are written."""
    must_hold: bool = False
    """Whether the study fails without it: what held under every reading of the paper."""

    @property
    def estimate(self) -> Estimate:
        """Mean over seeds with its 95 % interval (bootstrap over seeds)."""
        return bootstrap_mean(np.array(self.values, dtype=np.float64), _SEED)

    @property
    def criterion(self) -> str:
        """What counts as reproduced, in words."""
        low, high = self.form.format(self.low), self.form.format(self.high)
        if self.low == -math.inf:
            return "-" if self.high == math.inf else f"at most {high}"
        return f"at least {low}" if self.high == math.inf else f"{low} to {high}"

    @property
    def holds(self) -> bool | None:
        """Whether it is reproduced; None if nothing was to be expected."""
        if self.low == -math.inf and self.high == math.inf:
            return None
        return self.low <= float(np.mean(self.values)) <= self.high

    @property
    def verdict(self) -> str:
        """The same in words."""
        words = {None: "-", True: "holds", False: "DOES NOT HOLD"}
        if not self.must_hold:
            words |= {True: "reproduced", False: "not reproduced"}
        return words[self.holds]

    def cells(self) -> list[str]:
        """Return the cells of a row of ``RESULT_HEAD``."""
        sorted_values = sorted(self.values)
        seeds = len(sorted_values)
        spread = f"{self.form.format(sorted_values[0])} ... {self.form.format(sorted_values[-1])}" if seeds > 1 else "-"
        ours = self.estimate.format(self.form) if seeds > 1 else self.form.format(sorted_values[0])
        return [self.what, self.paper, ours, spread, str(seeds), self.criterion, self.verdict]

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        limits = {"low": self.low, "high": self.high}
        return {
            "what": self.what,
            "paper": self.paper,
            "ours": self.estimate.to_plain(),
            "values": [float(value) for value in self.values],
            "expected": {name: value if math.isfinite(value) else None for name, value in limits.items()},
            "must_hold": self.must_hold,
            "holds": self.holds,
        }


RESULT_HEAD = ("result", "paper", "ours, mean [95 %]", "lowest ... highest seed", "seeds", "counts if", "verdict")
"""Heading of a table of results."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a report, of whatever it has, in this order."""

    heading: str
    """Its title."""
    text: Sequence[str] = ()
    """Paragraphs in Markdown."""
    results: Sequence[Result] = ()
    """Published results beside ours."""
    table: Sequence[Sequence[str]] = ()
    """Another table: its heading, then its rows."""
    figure: Callable[[Path], None] | None = None
    """Draws a PNG file at a path."""

    @property
    def tables(self) -> list[list[list[str]]]:
        """Its tables: of results, and the other one."""
        both = [[list(RESULT_HEAD), *(result.cells() for result in self.results)]] if self.results else []
        return both + ([[list(row) for row in self.table]] if self.table else [])


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a study has found."""

    title: str
    """Of the report."""
    introduction: Sequence[str]
    """Paragraphs in Markdown."""
    sections: Sequence[Section]
    """The rest."""
    data: dict[str, Any] = field(default_factory=dict)
    """More for ``results.json``: JSON values."""

    @property
    def results(self) -> list[Result]:
        """Those of all sections."""
        return [result for section in self.sections for result in section.results]

    @property
    def broken(self) -> list[Result]:
        """Those that must hold and do not."""
        return [result for result in self.results if result.must_hold and not result.holds]

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        sections = {
            section.heading: {
                "results": [result.to_plain() for result in section.results],
                "table": [list(row) for row in section.table],
            }
            for section in self.sections
        }
        return {"title": self.title, "sections": sections, "data": self.data}


def write_report(report: Report, folder: Path, paper: str) -> Path:
    """Write ``report.md``, ``results.json`` and the figures into a study's folder. Returns the report's path.

    Raises:
      UserError: a file cannot be written.
    """
    lines = [f"# {report.title}", "", *([f"Paper: {paper}", ""] if paper else []), *_paragraphs(report.introduction)]
    for number, section in enumerate(report.sections, 1):
        lines += [f"## {section.heading}", "", *_paragraphs(section.text)]
        for table in section.tables:
            lines += [*_markdown(table), ""]
        if section.figure is not None and can_draw():
            make_folder(folder / "figures")
            name = f"figures/{number:02d}.png"
            section.figure(folder / name)
            lines += [f"![{section.heading}]({name})", ""]
    write_json(folder / "results.json", report.to_plain())
    path = folder / "report.md"
    write_atomically(path, ("\n".join(lines).rstrip() + "\n").encode())
    return path


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in (text, "")]


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *body]
