"""The report of a sweep: ``report.md``, ``results.csv`` and figures."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

from ..evaluation.intervals import Estimate
from ..evaluation.seed_statistics import improvement, interquartile_mean, mean, rank_test
from ..support.files import make_folder, write_atomically
from ..support.plotting import can_draw
from . import figures
from .outcome import Outcome
from .runs import MEASURES

_FEW = 5
"""Seeds below which a bootstrap's intervals are too narrow to be trusted."""


def write_report(outcome: Outcome) -> Path:
    """Write everything that is concluded into the sweep's folder. Returns the report's path.

    Raises:
      UserError: a file cannot be written.
    """
    path = outcome.plan.path
    write_atomically(path / "results.csv", outcome.to_csv().encode())
    images = _draw(outcome) if can_draw() else {}
    write_atomically(path / "report.md", compose(outcome, images).encode())
    return path / "report.md"


def compose(outcome: Outcome, images: dict[str, str]) -> str:
    """Return the text of ``report.md``.

    Args:
      outcome: what was reached.
      images: title -> path of an image, relative to the report.
    """
    plan = outcome.plan
    done = sum(run.measures is not None for run in outcome.runs)
    lines = [f"# {plan.path.absolute().name}", ""]
    lines += [f"{len(plan.configs)} variants of `{plan.base}`, {len(plan.seeds)} seeds each: {done} runs of "]
    lines[-1] += f"{len(outcome.runs)} are done. Each last policy played {plan.episodes} episodes a match, all runs on "
    lines[-1] += "the same layouts, none of which was trained on."
    lines += ["", *_failed(outcome), *_changes(outcome), "## Measures", ""]
    lines += [*(f"- **{name}**: {meaning(name)}" for name in outcome.measures), ""]
    lines += [*markdown(measure_cells(outcome)), ""]
    lines += ["Over seeds, with 95 % intervals of a bootstrap over seeds. *IQM* is the mean of the middle half.", ""]
    if min((len(outcome.values(v, m)) for v in plan.configs for m in outcome.measures), default=0) < _FEW:
        lines += [f"With fewer than {_FEW} seeds the intervals are too narrow: few values can be drawn.", ""]
    if len(plan.configs) > 1 and outcome.measures:
        lines += ["## Probability of improvement", "", *markdown(improvement_cells(outcome)), ""]
        lines += ["How likely a run of the first variant is above one of the second, with the interval of a bootstrap"]
        lines[-1] += " over the seeds of each; 0.5 is no difference. *p* is of Mann and Whitney's test."
        lines += [""]
    for heading, image in images.items():
        lines += [f"## {heading}", "", f"![{heading}]({image})", ""]
    lines += ["## Every run again", "", "Each from the beginning, bit by bit on the same machine:", "", "```sh"]
    lines += [*(outcome.command(run.unit) for run in outcome.runs), "```", ""]
    return "\n".join(lines)


def meaning(measure: str) -> str:
    """Return what a measure or tag is."""
    return MEASURES.get(measure, "mean over the last tenth of the iterations (docs/metrics.md)")


def measure_cells(outcome: Outcome) -> list[list[str]]:
    """Return heading and rows: each measure of each variant."""
    rows = [["variant", "measure", "seeds", "mean", "IQM", "lowest", "highest"]]
    for measure, variant in itertools.product(outcome.measures, outcome.plan.configs):
        if values := outcome.values(variant, measure):
            ends = [f"{end:.3g}" for end in (min(values), max(values))]
            middles = [_format(middle(values)) for middle in (mean, interquartile_mean)]
            rows.append([variant, measure, str(len(values)), *middles, *ends])
    return rows


def improvement_cells(outcome: Outcome) -> list[list[str]]:
    """Return heading and rows: each later variant against each earlier one."""
    rows = [["variant", "against", "measure", "probability of improvement", "p", "verdict"]]
    for measure, (second, first) in itertools.product(
        outcome.measures, itertools.combinations(outcome.plan.configs, 2)
    ):
        one, other = outcome.values(first, measure), outcome.values(second, measure)
        if one and other:
            chance = improvement(one, other)
            rows.append([first, second, measure, _format(chance), f"{rank_test(one, other):.2g}", _verdict(chance)])
    return rows


def markdown(rows: list[list[str]]) -> list[str]:
    """Return a table, the first row being its heading."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|---" * len(rows[0]) + "|", *body]


def _failed(outcome: Outcome) -> list[str]:
    if not outcome.failures:
        return []
    lines = [f"- **{unit}**: {text}" for unit, text in outcome.failures.items()]
    return ["## Failed", "", "The same command tries them again.", "", *lines, ""]


def _changes(outcome: Outcome) -> list[str]:
    rows = [["variant", "options"]]
    for variant, values in outcome.plan.changes.items():
        rows.append([variant, ", ".join(f"`{name} = {value}`" for name, value in values.items()) or "none"])
    return ["## Variants", "", *markdown(rows), ""]


def _verdict(chance: Estimate) -> str:
    if math.isnan(chance.low):
        return "one seed tells nothing"
    return "above" if chance.low > 0.5 else "below" if chance.high < 0.5 else "not told apart"


def _format(estimate: Estimate) -> str:
    return f"{estimate.value:.3g}" if math.isnan(estimate.low) else estimate.format("{:.3g}")


def _draw(outcome: Outcome) -> dict[str, str]:
    folder = outcome.plan.path / "figures"
    make_folder(folder)
    images = {}
    if outcome.measures:
        figures.draw_measures(folder / "measures.png", outcome)
        images["Measures by variant"] = "figures/measures.png"
    if outcome.curves:
        figures.draw_curves(folder / "curves.png", outcome)
        images["Learning curves"] = "figures/curves.png"
    return images
