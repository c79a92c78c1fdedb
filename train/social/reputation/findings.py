"""What the study concludes: what must hold, published results beside ours, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ..report import Result, Section
from .claims import CLAIMS, MUST_HOLD, PARTS, Claim
from .figures import draw_curves, draw_distributions, draw_rules
from .options import Ties
from .pieces import Found

_TIES: dict[Ties, str] = {"defect": "ties to defect", "random": "random ties", "cooperate": "ties to cooperate"}


def sections(found: Sequence[Found], must_hold: bool) -> list[Section]:
    """Return the sections of the report.

    Args:
      found: what all runs found.
      must_hold: whether what held under every reading is asked for.
    """
    made = [_must_hold(found)] if must_hold else []
    parts = [part for part in PARTS if any(part in one.run.parts for one in found)]
    for part in parts:
        runs = [one for one in found if part in one.run.parts]
        made.append(_overview(part, runs))
        made += [_details(part, one, ties) for one in runs for ties in one.run.ties]
    return [section for section in made if section.results or section.table]


def _variants(runs: Sequence[Found]) -> list[tuple[Found, Ties]]:
    return [(one, ties) for one in runs for ties in one.run.ties]


def _title(one: Found, ties: Ties) -> str:
    return f"{one.run.name}, {_TIES[ties]}"


def _must_hold(found: Sequence[Found]) -> Section:
    """Return what held under every reading that was tried before."""
    results = [
        Result(
            what=f"{must.claim.what(one.run.reading)} ({_title(one, ties)})",
            values=one.values(must.claim, ties),
            low=must.low,
            high=must.high,
            form="{:.3f}",
            must_hold=True,
        )
        for must in MUST_HOLD
        for one, ties in _variants(found)
        if must.part in one.run.parts and ties in must.ties and one.run.reading.pairing in must.pairings
    ]
    text = "Results that are the same under every reading of the paper. The study fails if one does not hold."
    return Section(heading="What must hold", text=[text], results=results)


def _overview(part: str, runs: Sequence[Found]) -> Section:
    """Return the means of all claims of a part under all readings, and its distributions over seeds."""
    variants = _variants(runs)
    rows = [
        [claim.what(runs[0].run.reading), claim.words, *(_mean(claim, one, ties) for one, ties in variants)]
        for claim in CLAIMS
        if claim.part == part
    ]
    head = ["result", "paper", *(_title(one, ties) for one, ties in variants)]
    drawn = [(_title(one, ties), one, ties) for one, ties in variants]
    text = "Means over seeds; an asterisk where ours counts as the paper's. Figures: a dot a seed, dashes of the paper."
    return Section(
        heading=PARTS[part],
        text=[text],
        table=[head, *rows],
        figure=partial(draw_distributions, part, drawn),
    )


def _mean(claim: Claim, one: Found, ties: Ties) -> str:
    mean = float(np.mean(one.values(claim, ties)))
    return f"{mean:.2f}{'*' * (claim.low <= mean <= claim.high)}"


def _details(part: str, one: Found, ties: Ties) -> Section:
    """Return the claims of a part under one reading, with intervals, and how agents learned."""
    results = [
        Result(
            what=claim.what(one.run.reading),
            paper=claim.words,
            values=one.values(claim, ties),
            low=claim.low,
            high=claim.high,
        )
        for claim in CLAIMS
        if claim.part == part
    ]
    draw = draw_rules if part == "introspection" else draw_curves
    return Section(
        heading=f"{PARTS[part]}: {_title(one, ties)}", results=results, figure=partial(draw, part, one, ties)
    )
