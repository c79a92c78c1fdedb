"""``hideseek stats``: plots of the behaviour in episode files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from tyro.conf import Positional

from envs.errors import UserError

from ..evaluation.behaviour_plots import save_plots
from ..play.episode_files import load_episodes
from ..play.episodes import Episode
from ..support.arguments import parse_arguments
from ..support.console import make_console


@dataclass(kw_only=True)
class StatsArguments:
    """Plot the behaviour in episode files of one scenario: traces, heat maps, timelines, distances."""

    files: Positional[tuple[Path, ...]]
    """Episode files, as written by 'hideseek record'."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder for the PNG files. Default: next to the first file, with its name and -stats."""


def run(arguments: list[str]) -> None:
    """Read, draw, and say what was written and what the numbers are."""
    args = parse_arguments(StatsArguments, arguments, "stats")
    if not args.files:
        raise UserError("give at least one episode file, as 'hideseek record' writes them")
    episodes: list[Episode] = []
    for file in args.files:
        episodes += load_episodes(file)
        if episodes[-1].scenario != episodes[0].scenario:
            raise UserError(f"{file} is of another scenario than {args.files[0]}; plot them one by one")
    folder = args.output or args.files[0].with_name(args.files[0].stem + "-stats")
    console = make_console()
    for path in save_plots(folder, episodes):
        console.print(f"wrote {path}")
    console.print(_summary(episodes))


def _summary(episodes: list[Episode]) -> str:
    """Return a line of numbers."""
    scores = np.mean([episode.score(episode.team("hiders"))[-1] for episode in episodes])
    seen = np.mean([episode.seen[1:][episode.live].mean() for episode in episodes if episode.live.any()] or [0.0])
    locked = np.mean([(episode.locked_by[-1] >= 0).sum() for episode in episodes])
    noun = "episode" if len(episodes) == 1 else "episodes"
    return (
        f"{len(episodes)} {noun}: hiders' score {scores:+.1f}, seen {seen:.0%} of the time, {locked:.1f} objects locked"
    )
