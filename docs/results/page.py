"""Write docs/results.md, its figure, and README's table from docs/results/results.json. ``make results`` runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docs.results.measure import DATA, PLAYERS
from train.support.files import write_atomically
from train.support.plotting import panels, save_png

ROOT = Path(__file__).parents[2]
PAGE, README, FIGURE = ROOT / "docs" / "results.md", ROOT / "README.md", DATA.with_name("results.png")
BEGIN, END = "<!-- `make results` writes from here -->\n", "<!-- to here -->\n"

Estimate = dict[str, float]
"""A number and its 95 % interval: value, low, high."""


def main() -> None:
    """Write page, figure and README."""
    data = json.loads(DATA.read_text())
    write_atomically(PAGE, page(data).encode())
    draw(data, FIGURE)
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    write_atomically(README, f"{before}{BEGIN}{summary(data)}{END}{after}".encode())


def summary(data: dict[str, Any]) -> str:
    """Return README's table and the two ratios in words."""
    seekers, hiders = (data["quickstart"]["ratios"][team] for team in ("seekers", "hiders"))
    rows = [
        f"| {match['seekers']} seekers, {match['hiders']} hiders | {match['seen']['value']:.2f} "
        f"| {match['seen']['low']:.2f} - {match['seen']['high']:.2f} |"
        for match in data["quickstart"]["matches"]
    ]
    return "\n".join(
        [
            "| | share of live steps in which a hider is seen | 95 % interval |",
            "|---|---|---|",
            *rows,
            "",
            f"Trained seekers see random hiders {_range(seekers)} times as often as random seekers do; trained hiders",
            f"are seen {_range(hiders)} times as often as random ones.",
            "",
        ]
    )


def page(data: dict[str, Any]) -> str:
    """Return the whole page."""
    quick, cross = data["quickstart"], data["cross_play"]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return "\n".join(
        [
            "# Results",
            "",
            "What the [policies that come with the project](../assets/policies) and the [scripts](scripted_players.md)",
            "reach. `make results` plays all of it again, in 200 seconds of CPU time, and writes this page and the",
            "table in [README](../README.md). Intervals are 95 %: bootstraps over episodes, Wilson's for shares.",
            "",
            "![Shares of live steps in which hiders are seen, and of episodes with a strategy](results/results.png)",
            "",
            "## The quickstart against random play",
            "",
            f"{quick['episodes']} episodes a match on layouts that were never trained on:",
            "",
            "```sh",
            quick["command"],
            "```",
            "",
            summary(data),
            "Almost half of its training episodes had a random opponent. So this says that both sides were learned,",
            "and not how they do against strangers.",
            "",
            "## Everybody against everybody",
            "",
            f"Share of live steps in which a hider is seen, {cross['episodes']} episodes a match:",
            "",
            "```sh",
            cross["command"],
            "```",
            "",
            *_matrix(cross["seen"]),
            "",
            "The chaser's script says nothing of hiders: as hiders it plays at random.",
            "",
            "## Strategies",
            "",
            "Share of episodes from fresh starts in which the [detector](stages.md) tells the strategy:",
            "",
            "```sh",
            *(part["command"] for part in data["strategies"]),
            "```",
            "",
            *_strategies(data["strategies"]),
            "",
            "The quickstart's seekers see hiders more often than chance, but they do not run at them, and that is what",
            "chasing means.",
            "",
            "The worlds of [corner-shelter](../assets/policies/corner-shelter.md),",
            "[door-blocking](../assets/policies/door-blocking.md), [ramp-use](../assets/policies/ramp-use.md) and",
            "[ramp-defence](../assets/policies/ramp-defence.md) are those in which they were trained: one door, always",
            "in the same place, for the last two a ramp, and a box that is seen over. With the few forces of the first",
            "two the scripted blocker is clumsier than [with the usual ones](scripted_players.md#how-well). Shelters",
            "are built against the scripted chaser, ramps climbed against the scripted blocker and defended against",
            "the seekers of `ramp-use`. A blocked door is a shelter as well; `corner-shelter` leaves it open.",
            "",
            "`quickstart` learned from nothing. What the others were given is in [emergence](emergence.md). Scripts",
            "know the whole state of the world.",
            "",
            f"Measured with {versions}.",
            "The numbers are in [results.json](results/results.json).",
            "",
        ]
    )


def draw(data: dict[str, Any], path: Path) -> None:
    """Draw what the tables say: a point and its interval for each row."""
    strategies = data["strategies"]
    figure, axes = panels(1 + len(strategies), 1 + len(strategies), 2.6)
    matches = {f"{m['seekers']} seekers,\n{m['hiders']} hiders": [m["seen"]] for m in data["quickstart"]["matches"]}
    draw_rows(axes[0], "live steps in which a hider is seen", matches)
    for panel, part in zip(axes[1:], strategies, strict=True):
        players = {name: [share] for name, share in part["players"].items()}
        draw_rows(panel, f"episodes with {part['strategy']}", players)
    save_png(figure, path)


def draw_rows(panel: Any, title: str, rows: dict[str, list[Estimate]]) -> None:
    """Draw a point and its interval for each estimate; those of one row stand below each other."""
    points = [
        (row + 0.2 * (index - (len(estimates) - 1) / 2), estimate)
        for row, estimates in enumerate(rows.values())
        for index, estimate in enumerate(estimates)
    ]
    places, estimates = [place for place, _ in points], [estimate for _, estimate in points]
    values = [one["value"] for one in estimates]
    spread = [[one["value"] - one["low"] for one in estimates], [one["high"] - one["value"] for one in estimates]]
    panel.errorbar(values, places, xerr=spread, fmt="o", capsize=3)
    panel.set_yticks(range(len(rows)), [*rows])
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_xlim(0, 1)
    panel.set_title(f"share of {title}", fontsize=10)


def _matrix(seen: dict[str, Estimate]) -> list[str]:
    rows = [
        f"| {hiders} | " + " | ".join(cell(seen[f"{hiders} hiders, {seekers} seekers"]) for seekers in PLAYERS) + " |"
        for hiders in PLAYERS
    ]
    return [f"| hiders | {' | '.join(f'{name} seekers' for name in PLAYERS)} |", "|---" * 4 + "|", *rows]


def _strategies(parts: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"| {part['strategy']} | `{part['scenario']}` | {name} | {share['hits']} of {share['episodes']} "
        f"| {share['value']:.0%} [{share['low']:.0%}, {share['high']:.0%}] |"
        for part in parts
        for name, share in part["players"].items()
    ]
    return ["| strategy | scenario | player | episodes | share |", "|---|---|---|---|---|", *rows]


def cell(estimate: Estimate) -> str:
    """Return an estimate and its interval as a table shows them."""
    return f"{estimate['value']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def _range(estimate: Estimate) -> str:
    return f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"


if __name__ == "__main__":
    main()
