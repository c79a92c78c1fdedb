"""``hideseek record``: play episodes and write everything that happened to a file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import track
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import AtLeastOne

from ..play.episode_files import EXTENSION, save_episodes
from ..play.play_session import PlayArguments, PlaySession
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.files import make_folder


@dataclass(frozen=True, kw_only=True)
class RecordArguments(PlayArguments):
    """Play episodes and write layouts, states, actions, rewards and masks to a file for video, watch and stats."""

    run: Positional[Path | None] = None
    """Run folder (its newest checkpoint) or checkpoint file; not needed with --agent."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """File to write, .npz; an existing one is replaced."""
    episodes: AtLeastOne = 1
    """Episodes, one after the other."""


def run(arguments: list[str]) -> None:
    """Play, write, and say what was written."""
    args = parse_arguments(RecordArguments, arguments, "record")
    args.check()
    path = args.output
    if path is None:
        raise UserError(f"say where the episodes shall go: -o FILE{EXTENSION}")
    if path.suffix.lower() != EXTENSION:
        raise UserError(f"cannot write {path}: an episode file's name must end in {EXTENSION}")
    make_folder(path.absolute().parent)
    torch.set_num_threads(1)
    with PlaySession(args, args.run, attention=True) as performers:
        quiet = not sys.stderr.isatty()
        numbers = track(range(args.episodes), path.name, console=Console(stderr=True), transient=True, disable=quiet)
        episodes = [performers.play() for _ in numbers]
    save_episodes(path, episodes)
    steps = sum(episode.steps for episode in episodes)
    noun = "episode" if len(episodes) == 1 else "episodes"
    make_console().print(f"wrote {path}: {len(episodes)} {noun}, {steps} steps, {path.stat().st_size / 1024:.0f} KiB")
