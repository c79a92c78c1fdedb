"""Plots of episodes of the Trading Game: what is in the bags, what changes hands, and who gave whom.

Shapes: T steps, A agents.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from envs.games.trade.daylight import sun
from envs.games.trade.market_floor import KINDS

from ..play.episodes import Episode
from ..support.plotting import new_figure

_COLOURS = ("#d8383f", "#4fa843")
_NIGHT = "#2b3350"
_TITLES = {"bag": "In the bags of all agents", "haul": "In the hands of all agents, or beside them"}


def market(episodes: list[Episode]) -> Any:
    """Units that all agents have, and units that have changed hands, in time; means of all episodes."""
    figure = new_figure(10, 3.8)
    bag_axes, hands_axes = figure.subplots(1, 2)
    time = np.arange(min(episode.steps for episode in episodes) + 1) * episodes[0].scenario.step_seconds
    for kind, (name, colour) in enumerate(zip(KINDS, _COLOURS, strict=True)):
        bags = [episode.states["game.trade/bag"][: len(time), :, kind].sum(1) for episode in episodes]
        hands = [_to_others(episode)[: len(time), :, :, kind].sum((1, 2)) for episode in episodes]
        for axes, curves in ((bag_axes, bags), (hands_axes, hands)):
            axes.plot(time, np.mean(curves, axis=0), "-" if kind == 0 else "--", color=colour, label=name)
            if len(curves) > 1:
                axes.fill_between(time, *np.percentile(curves, [25, 75], axis=0), color=colour, alpha=0.15, lw=0)
    for axes, title in (
        (bag_axes, _TITLES[episodes[0].scenario.trade.carry]),
        (hands_axes, "Taken from somebody else"),
    ):
        _shade_nights(axes, episodes[0], time)
        axes.set(title=title, xlabel="seconds (shaded: night)", ylabel="units", ylim=(0, None))
    bag_axes.legend(frameon=False, fontsize=8)
    return figure


def deals(episodes: list[Episode]) -> Any:
    """Who took how much from whom, a panel for each kind; means of all episodes."""
    agents = episodes[0].scenario.num_agents
    figure = new_figure(7, 3.6)
    given = np.mean([_to_others(episode)[-1] for episode in episodes], axis=0)
    for kind, axes in enumerate(figure.subplots(1, len(KINDS))):
        image = axes.imshow(given[..., kind], cmap="magma_r", vmin=0, vmax=max(float(given.max()), 0.5))
        for giver, taker in np.ndindex(agents, agents):
            if giver != taker:
                text = f"{given[giver, taker, kind]:.1f}"
                axes.text(taker, giver, text, ha="center", va="center", color="#3a7bd5", fontsize=8)
        axes.set(title=KINDS[kind], xlabel="taker", ylabel="giver", xticks=range(agents), yticks=range(agents))
        figure.colorbar(image, ax=axes, shrink=0.75)
    figure.suptitle(f"Units that changed hands, mean of {len(episodes)} episodes", fontsize=11)
    return figure


def _to_others(episode: Episode) -> NDArray[np.float64]:
    """Return (T + 1, A, A, 2) units so far by giver, taker and kind, without what agents took back themselves."""
    given = episode.states["game.trade/given"].astype(np.float64)
    return given * ~np.eye(given.shape[1], dtype=bool)[..., None]


def _shade_nights(axes: Any, episode: Episode, time: NDArray[Any]) -> None:
    """Shade the times when the sun is below the horizon."""
    steps = torch.from_numpy(episode.states["game.trade/steps"][: len(time)].copy())
    dark = sun(episode.scenario.trade, steps).numpy() < 0
    axes.fill_between(time, 0, 1, where=dark, transform=axes.get_xaxis_transform(), color=_NIGHT, alpha=0.12, lw=0)
