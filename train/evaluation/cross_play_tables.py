"""Cross-play as tables of text."""

from __future__ import annotations

from rich.table import Table

from .cross_play import TEAMS, CrossPlay
from .intervals import Estimate
from .matches import lost


def tables(result: CrossPlay) -> list[Table]:
    """Return the matrix of returns, the matrix of what is seen, and the ratings, best player first."""
    return [
        _matrix(result, result.returns["hiders"], "return of hiders", "{:+.1f}"),
        _matrix(result, result.seen, "hiders seen, share of live steps", "{:.3f}"),
        _ratings(result),
    ]


def remarks(result: CrossPlay) -> list[str]:
    """Return what the reader of the tables must know."""
    lines = [
        "Rows are hiders, columns are seekers; brackets are 95 % bootstrap intervals over episodes.",
        "Ratings (mean ± standard deviation; newcomers have 25 ± 8.3) compare teams that met the same opponents on the "
        "same layouts; only differences mean something, and only within this table.",
    ]
    if result.diverged:
        lines.append(
            f"{lost(result.diverged, [], 0)}; {result.incomplete} games of the ratings are without a player for it"
        )
    return lines


def _matrix(result: CrossPlay, cells: list[list[Estimate]], title: str, form: str) -> Table:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
    table.add_column("hiders \\ seekers")
    for name in result.players:
        table.add_column(name, justify="right")
    for name, row in zip(result.players, cells, strict=True):
        table.add_row(name, *(cell.format(form) for cell in row))
    return table


def _ratings(result: CrossPlay) -> Table:
    table = Table(box=None, pad_edge=False, title="ratings", title_justify="left", title_style="bold")
    table.add_column("player")
    for title in ("overall", *TEAMS):
        table.add_column(title, justify="right")
    for name in result.ranking():
        roles = [result.ratings[team][name] for team in TEAMS]
        table.add_row(name, f"{result.overall(name):.1f}", *(f"{r.mu:.1f} ± {r.sigma:.1f}" for r in roles))
    return table
