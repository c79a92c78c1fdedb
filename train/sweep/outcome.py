"""What the runs of a sweep have reached, by variant; and as a table of one row a run."""

from __future__ import annotations

import csv
import io
import math
import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..runs.metrics import read_metrics
from .plan import SweepPlan, Unit
from .sweep_folder import read_measures

_LAST_SHARE = 10
"""A tag's number of a run is its mean over this part of the iterations, at the end."""
_ALWAYS = ("charts/seen_fraction", "charts/episodic_return/hiders", "losses/entropy")


@dataclass(frozen=True)
class RunOutcome:
    """One run."""

    unit: Unit
    measures: dict[str, float] | None
    """Measure or tag -> its number; None while the run is not done."""
    lines: list[dict[str, float | None]]
    """One a finished iteration: its metrics by tag."""

    def last(self, tag: str) -> float | None:
        """Return a metric of the newest iteration; None if there is none."""
        return self.lines[-1].get(tag) if self.lines else None


@dataclass(frozen=True)
class Outcome:
    """All runs of a sweep."""

    plan: SweepPlan
    runs: list[RunOutcome]
    failures: dict[Unit, str]
    """Runs that could not be done, and why."""

    @property
    def measures(self) -> list[str]:
        """What finished runs are compared by."""
        known = [name for run in self.runs for name, value in (run.measures or {}).items() if math.isfinite(value)]
        return list(dict.fromkeys(known))

    @property
    def curves(self) -> list[str]:
        """Tags that are drawn: those that were asked for, and a few that most runs have."""
        known = {tag for run in self.runs for line in run.lines for tag, value in line.items() if value is not None}
        return [tag for tag in dict.fromkeys((*self.plan.tags, *_ALWAYS)) if tag in known]

    def of(self, variant: str) -> list[RunOutcome]:
        """Return the runs of a variant."""
        return [run for run in self.runs if run.unit.variant == variant]

    def values(self, variant: str, measure: str) -> list[float]:
        """Return a measure of every finished run of a variant that has it."""
        found = [run.measures[measure] for run in self.of(variant) if run.measures and measure in run.measures]
        return [value for value in found if math.isfinite(value)]

    def command(self, unit: Unit) -> str:
        """Return the command that does a run again, from the beginning and bit by bit on the same machine."""
        words = ["hideseek", "train", self.plan.base, "--override", str(self.plan.override_file(unit.variant))]
        return shlex.join([*words, "--seed", str(unit.seed)])

    def to_csv(self) -> str:
        """Return one row a run."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["variant", "seed", "state", "iterations", "env_steps", *self.measures, "folder", "command"])
        for run in self.runs:
            unit, measures = run.unit, run.measures or {}
            state = "done" if run.measures is not None else "failed" if unit in self.failures else "unfinished"
            numbers = [_cell(measures.get(name)) for name in self.measures]
            where = self.plan.run_folder(unit).path.relative_to(self.plan.path)
            counts = [int(run.last(name) or 0) for name in ("iteration", "env_steps")]
            writer.writerow([unit.variant, unit.seed, state, *counts, *numbers, where, self.command(unit)])
        return text.getvalue()


def read_outcome(plan: SweepPlan, failures: dict[Unit, str]) -> Outcome:
    """Read what all runs have left so far.

    Raises:
      UserError: a file is damaged.
    """
    return Outcome(plan, [_read(plan, unit) for unit in plan.units], failures)


def _read(plan: SweepPlan, unit: Unit) -> RunOutcome:
    file = plan.run_folder(unit).metrics_file
    lines = read_metrics(file) if file.is_file() else []
    measures = read_measures(plan, unit)
    if measures is not None:
        end = lines[-max(len(lines) // _LAST_SHARE, 1) :]
        measures = measures | {tag: _mean([line.get(tag) for line in end]) for tag in plan.tags}
    return RunOutcome(unit, measures, lines)


def _mean(values: list[Any]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


def _cell(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"
