"""What the study concludes: published results beside ours, part by part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from envs.social.prisoners_dilemma import CELLS

from ...support.plotting import panels, save_png
from ..report import Result, Section
from .conditions import PARTS
from .pieces import Found

Methods = Mapping[str, Found]


def sections(parts: Sequence[str], found: Sequence[Found]) -> list[Section]:
    """Return a section for each part.

    Args:
        parts: Of ``PARTS``.
        found: What all conditions of these parts found.
    """
    made = []
    for part in parts:
        methods = {one.condition.method: one for one in found if one.condition.part == part}
        results, table = _CONCLUSIONS[part](methods)
        made.append(
            Section(
                heading=PARTS[part],
                results=results,
                table=table,
                figure=partial(_draw, methods, _CURVES.get(part, _DILEMMA)),
            )
        )
    return made


Conclusion = tuple[list[Result], list[list[str]]]
_COOPERATE, _DEFECT = ("cooperate", 0.6, math.inf), ("defect", -math.inf, 0.2)
"""What is expected of agents among each other: the paper's words, and between which returns they hold."""


def _among(methods: Methods, expected: Mapping[str, tuple[str, float, float]]) -> list[Result]:
    """Return the results of games among agents."""
    return [
        Result(
            what=f"return among agents, {methods[method].condition.title}",
            paper=words,
            values=methods[method].final["peers/reward"],
            low=low,
            high=high,
        )
        for method, (words, low, high) in expected.items()
    ]


def _shaping(methods: Methods) -> Conclusion:
    own = {method: one.final["naive/reward"] for method, one in methods.items()}
    theirs = {method: one.final["naive/their_cooperated"] for method, one in methods.items()}
    baselines = [method for method in methods if method != "coala"]
    best = np.max([own[method] for method in baselines], axis=0)
    most = np.max([theirs[method] for method in baselines], axis=0)
    margin = np.array(own["coala"]) - 2 * best
    last = np.array(methods["coala"].final["naive/last_reward"])
    results = [
        Result(
            what="return of COALA minus twice that of the better baseline, worst seed",
            values=[margin.min()],
            low=0.0,
            must_hold=True,
        ),
        Result(
            what="cooperation of COALA's naive learner, worst seed",
            values=[min(theirs["coala"])],
            low=0.2,
            must_hold=True,
        ),
        Result(what="cooperation of a baseline's, worst seed", values=[most.max()], high=0.1, must_hold=True),
        Result(
            what="COALA extorts: its return minus the naive learner's, last inner episode",
            paper="extortion (Fig. 5)",
            values=list(last - np.array(methods["coala"].final["naive/last_their_reward"])),
            low=0.3,
        ),
        *(
            Result(
                what=f"{methods[method].condition.title} cooperates",
                paper="defects (Fig. 5)",
                values=methods[method].final["naive/cooperated"],
                high=0.1,
            )
            for method in baselines
        ),
    ]
    return results, _dilemma_table(methods)


def _networks(methods: Methods) -> Conclusion:
    results, table = _shaping(methods)
    # What is asked of tabular learners is only told of these.
    return [Result(**vars(result) | {"must_hold": False}) for result in results], table


def _mixed(methods: Methods) -> Conclusion:
    expected = {"coala": _COOPERATE, "mfos": _DEFECT, "unaware": _DEFECT, "alone": _DEFECT}
    return _among(methods, expected), _dilemma_table(methods)


def _analytic(methods: Methods) -> Conclusion:
    final = methods["naive100"].final
    gap = np.array(final["naive/reward"]) - np.array(final["naive/their_reward"])
    extorted = Result(
        what="agents extort naive players: difference of returns", paper="extort", values=list(gap), low=0.3
    )
    expected = {"naive75": _COOPERATE, "naive25": _COOPERATE, "naive0": _DEFECT, "sum": _COOPERATE}
    head = ["pool", *(f"cooperates after {cell}" for cell in CELLS)]
    means = {one.condition.title: np.mean(one.chances, axis=(0, 1)) for one in methods.values()}
    rows = [[title, *(f"{chance:.2f}" for chance in row)] for title, row in means.items()]
    return [extorted, *_among(methods, expected)], [head, *rows]


def _in_context(methods: Methods) -> Conclusion:
    return _among(methods, {"pool": _COOPERATE, "identity": _DEFECT, "alone": _DEFECT}), _dilemma_table(methods)


def _cleanup(methods: Methods) -> Conclusion:
    own = {method: np.array(one.final["naive/reward"]) for method, one in methods.items()}
    results = [
        Result(
            what=f"return of COALA minus that of {methods[method].condition.title}, apples per step",
            paper="higher (Fig. 6)",
            values=list(own["coala"] - own[method]),
            low=0.0,
            form="{:.3f}",
        )
        for method in methods
        if method != "coala"
    ]
    names = {
        "return": "naive/reward",
        "naive return": "naive/their_reward",
        "cleans": "naive/cleaned",
        "naive cleans": "naive/their_cleaned",
        "zaps": "naive/zapped",
        "naive zaps": "naive/their_zapped",
        "dirt": "naive/dirt",
    }
    rows = [
        [one.condition.title, *(f"{np.mean(one.final[name]):.3f}" for name in names.values())]
        for one in methods.values()
    ]
    return results, [["method", *names], *rows]


def _dilemma_table(methods: Methods) -> list[list[str]]:
    """Return means over seeds of what was measured."""
    names = {
        "return with naive": "naive/reward",
        "naive return": "naive/their_reward",
        "cooperates": "naive/cooperated",
        "naive cooperates": "naive/their_cooperated",
        "return, last inner episode": "naive/last_reward",
        "naive return, last": "naive/last_their_reward",
        "return among agents": "peers/reward",
    }
    there = {title: name for title, name in names.items() if any(name in one.final for one in methods.values())}

    def cell(one: Found, name: str) -> str:
        return f"{np.mean(one.final[name]):.2f}" if name in one.final else "-"

    rows = [[one.condition.title, *(cell(one, name) for name in there.values())] for one in methods.values()]
    return [["method", *there], *rows]


_CONCLUSIONS: dict[str, Callable[[Methods], Conclusion]] = {
    "shaping": _shaping,
    "mixed": _mixed,
    "networks": _networks,
    "analytic": _analytic,
    "in-context": _in_context,
    "cleanup": _cleanup,
}
_DILEMMA = {
    "naive/reward": "return with naive",
    "naive/their_reward": "naive return",
    "naive/their_cooperated": "naive cooperates",
    "peers/reward": "return among agents",
}
_CURVES = {
    "cleanup": {
        "naive/reward": "return",
        "naive/their_reward": "naive return",
        "naive/cleaned": "cleans",
        "naive/dirt": "dirt",
    }
}


def _draw(methods: Methods, names: Mapping[str, str], path: Path) -> None:
    """Draw curves while learning, a line a seed."""
    there = {name: title for name, title in names.items() if any(name in one.curves for one in methods.values())}
    figure, axes = panels(len(there), min(len(there), 3), 2.8)
    for panel, (name, title) in zip(axes, there.items(), strict=True):
        for number, one in enumerate(methods.values()):
            for seed, curve in enumerate(one.curves.get(name, [])):
                updates = one.every * np.arange(1, len(curve) + 1)
                label = one.condition.title if not seed else None
                panel.plot(updates, curve, color=f"C{number}", linewidth=1.0, alpha=0.8, label=label)
        panel.set_title(title)
        panel.set_xlabel("updates")
    axes[0].legend(fontsize="small")
    save_png(figure, path)
