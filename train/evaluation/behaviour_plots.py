"""Plots of behaviour from episodes: traces, places at the end of preparation, grabs and locks in time, distances.

Shapes: T steps, A agents, O objects, E = A + O entities.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.scenarios import plays

from ..play.episodes import Episode, entity_names
from ..support.files import make_folder
from ..support.plotting import new_figure, require_matplotlib, save_png
from . import market_plots

_HIDERS, _SEEKERS, _BOXES, _RAMPS, _CYLINDERS = "#2f8fe0", "#df3f38", "#c99a2e", "#6f7a88", "#7d55b5"
_WALL = "#9aa3ae"
_MOST_TRACES = 9
_CELLS = 24
_SPANS_MARGIN = 0.4


def plots(episodes: list[Episode]) -> dict[str, Callable[[], Any]]:
    """Return name -> function that draws the figure, for episodes of one scenario.

    Raises:
      UserError: matplotlib is not installed.
    """
    require_matplotlib()
    drawings: dict[str, Callable[[], Any]] = {
        "traces": lambda: _traces(episodes[:_MOST_TRACES]),
        "heatmap": lambda: _heatmap(episodes),
        "timeline": lambda: _timeline(episodes[0]),
        "distances": lambda: _distances(episodes),
    }
    if plays(episodes[0].scenario, "trade"):
        drawings |= {"market": lambda: market_plots.market(episodes), "deals": lambda: market_plots.deals(episodes)}
    return drawings


def save_plots(folder: Path, episodes: list[Episode]) -> list[Path]:
    """Draw every plot into a folder, as PNG. Returns the files.

    Raises:
      UserError: no matplotlib, or a file cannot be written.
    """
    drawings = plots(episodes)
    make_folder(folder)
    files = []
    for name, draw in drawings.items():
        path = folder / f"{name}.png"
        save_png(draw(), path)
        files.append(path)
    return files


def _floor(axes: Any, episode: Episode) -> None:
    """Draw walls from above."""
    from matplotlib.patches import Rectangle

    layout, size = episode.layout, episode.scenario.floor_size
    for (x, y, half_x, half_y, _), there in zip(layout.walls[0].tolist(), layout.wall_present[0].tolist(), strict=True):
        if there:
            axes.add_patch(Rectangle((x - half_x, y - half_y), 2 * half_x, 2 * half_y, color=_WALL, lw=0))
    axes.set(xlim=(-0.2, size + 0.2), ylim=(-0.2, size + 0.2), aspect="equal", xticks=[], yticks=[])


def _kinds(episode: Episode) -> list[tuple[str, str, list[int]]]:
    """Return name, colour and entities (those that take part) of every kind."""
    s, present = episode.scenario, episode.present
    bounds = np.cumsum([0, s.hiders, s.seekers, s.max_boxes, s.ramps, s.cylinders.movable]).tolist()
    kinds = []
    for i, (name, colour) in enumerate(
        (("hiders", _HIDERS), ("seekers", _SEEKERS), ("boxes", _BOXES), ("ramps", _RAMPS), ("cylinders", _CYLINDERS))
    ):
        kinds.append((name, colour, [e for e in range(bounds[i], bounds[i + 1]) if present[e]]))
    food = plays(s, "trade")  # Its boxes are taken away when eaten; the plot of the market is about them.
    return [kind for kind in kinds if kind[2] and not (food and kind[0] == "boxes")]


def _traces(episodes: list[Episode]) -> Any:
    """Paths of agents and of what was moved, one panel per episode; dots are starts, squares ends."""
    columns = min(3, len(episodes))
    rows = -(-len(episodes) // columns)
    figure = new_figure(3.6 * columns, 3.8 * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat[len(episodes) :]:
        axes.axis("off")
    for number, (axes, episode) in enumerate(zip(panels.flat, episodes, strict=False)):
        _floor(axes, episode)
        pose = episode.states["pose"]
        for name, colour, members in _kinds(episode):
            agents = name in ("hiders", "seekers")
            for entity in members:
                path = pose[:, entity, :2]
                axes.plot(*path.T, color=colour, lw=1.4 if agents else 2.2, alpha=0.85 if agents else 0.6)
                axes.plot(*path[0], "o", color=colour, ms=4, mfc="white")
                axes.plot(*path[-1], "o" if agents else "s", color=colour, ms=6)
        score = episode.score(episode.team("hiders"))[-1]
        axes.set_title(f"episode {number + 1}, hiders {score:+.0f}", fontsize=10)
    _legend(figure, episodes[0])
    return figure


def _legend(figure: Any, episode: Episode) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, lw=2, label=name) for name, colour, _ in _kinds(episode)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)


def _heatmap(episodes: list[Episode]) -> Any:
    """Where things are at the end of preparation, one panel per kind, over all episodes."""
    by_kind: dict[str, list[NDArray[Any]]] = {}
    for episode in episodes:
        index = min(episode.scenario.preparation_steps, episode.steps)
        for name, _, members in _kinds(episode):
            by_kind.setdefault(name, []).append(episode.states["pose"][index, members, :2])
    figure = new_figure(3.4 * len(by_kind), 3.7)
    size = episodes[0].scenario.floor_size
    for axes, (name, places) in zip(figure.subplots(1, len(by_kind), squeeze=False)[0], by_kind.items(), strict=True):
        x, y = np.concatenate(places).T
        counts, _, _ = np.histogram2d(x, y, bins=_CELLS, range=[[0, size], [0, size]])
        image = axes.imshow(counts.T / len(episodes), origin="lower", extent=(0, size, 0, size), cmap="magma_r")
        figure.colorbar(image, ax=axes, shrink=0.75)
        axes.set(title=name, xticks=[], yticks=[])
    figure.suptitle(f"Mean number per cell at the end of preparation, {len(episodes)} episodes", fontsize=11)
    return figure


def _timeline(episode: Episode) -> Any:
    """Who holds what and who locked what in one episode, and when hiders are seen."""
    seconds = episode.scenario.step_seconds
    agents, hiders = episode.scenario.num_agents, episode.scenario.hiders
    names, present = entity_names(episode.scenario), episode.present
    rows: list[tuple[str, list[tuple[float, float]], list[str]]] = []
    for agent in np.nonzero(present[:agents])[0].tolist():
        spans = _spans(episode.states["holding"][:, agent] >= 0, seconds)
        rows.append((f"{names[agent]} grabs", spans, [_HIDERS if agent < hiders else _SEEKERS] * len(spans)))
    for obj in np.nonzero(present[agents:])[0].tolist():
        locker = episode.locked_by[:, obj]
        spans = _spans(locker >= 0, seconds)
        owners = [int(locker[round(start / seconds)]) for start, _ in spans]
        rows.append((f"{names[agents + obj]} locked", spans, [_HIDERS if o < hiders else _SEEKERS for o in owners]))
    spans = _spans(episode.seen & np.concatenate([[False], episode.live]), seconds)
    rows.append(("hiders seen", spans, ["#333333"] * len(spans)))
    figure = new_figure(9, 1.2 + 0.24 * len(rows))
    axes = figure.subplots()
    for row, (_, spans, colours) in enumerate(rows):
        axes.broken_barh(spans, (row - _SPANS_MARGIN, 2 * _SPANS_MARGIN), color=colours)
    preparation = episode.scenario.preparation_steps * seconds
    axes.axvspan(0, preparation, color="#f0b23e", alpha=0.15, lw=0, zorder=0)
    axes.set(yticks=range(len(rows)), xlim=(0, max(episode.steps, 1) * seconds), xlabel="seconds (shaded: preparation)")
    axes.set_yticklabels([name for name, _, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    return figure


def _spans(on: NDArray[np.bool_], seconds: float) -> list[tuple[float, float]]:
    """Return start and length, seconds, of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]])))
    return [(start * seconds, (end - start) * seconds) for start, end in edges.reshape(-1, 2).tolist()]


def _distances(episodes: list[Episode]) -> Any:
    """How far kinds of things have moved from their start, and how far the nearest seeker is from a hider."""
    figure = new_figure(10, 3.8)
    moved_axes, gap_axes = figure.subplots(1, 2)
    seconds = episodes[0].scenario.step_seconds
    moved: dict[str, tuple[str, list[NDArray[Any]]]] = {}
    gaps: list[NDArray[Any]] = []
    for episode in episodes:
        pose, s, present = episode.states["pose"][..., :2], episode.scenario, episode.present
        for name, colour, members in _kinds(episode):
            distance = np.linalg.norm(pose[:, members] - pose[:1, members], axis=-1).mean(axis=1)
            moved.setdefault(name, (colour, []))[1].append(distance)
        hiders = pose[:, : s.hiders][:, present[: s.hiders]]
        seekers = pose[:, s.hiders : s.num_agents][:, present[s.hiders : s.num_agents]]
        if hiders.shape[1] and seekers.shape[1]:
            gaps.append(np.linalg.norm(hiders[:, :, None] - seekers[:, None], axis=-1).min(axis=(1, 2)))
    for name, (colour, curves) in moved.items():
        _mean_curve(moved_axes, curves, seconds, colour, name)
    if gaps:
        _mean_curve(gap_axes, gaps, seconds, "#333333", "closest hider and seeker")
    preparation = episodes[0].scenario.preparation_steps * seconds
    for axes, title in ((moved_axes, "Distance from the start"), (gap_axes, "Distance between teams")):
        axes.axvline(preparation, color="#f0b23e", lw=1.5)
        axes.set(title=title, xlabel="seconds (line: end of preparation)", ylabel="metres", ylim=(0, None))
    moved_axes.legend(frameon=False, fontsize=8)
    return figure


def _mean_curve(axes: Any, curves: list[NDArray[Any]], seconds: float, colour: str, label: str) -> None:
    """Draw the mean of episodes of possibly different lengths, and the middle half of them as a band."""
    table = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = curve
    time = np.arange(table.shape[1]) * seconds
    axes.plot(time, np.nanmean(table, axis=0), color=colour, label=label)
    if len(curves) > 1:
        axes.fill_between(time, *np.nanpercentile(table, [25, 75], axis=0), color=colour, alpha=0.15, lw=0)
