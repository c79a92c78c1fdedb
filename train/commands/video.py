"""``hideseek video``: show episodes of a trained policy, of random play or of an episode file as mp4, webm or gif."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    track,
)
from rich.text import Text
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Range, Whole
from envs.scene import Scene, build

from ..play.episode_files import is_episode_file, load_episodes
from ..play.episodes import Episode
from ..play.play_session import PlayArguments, PlaySession
from ..rendering.annotations import DrawOptions
from ..rendering.renderer import CAMERAS
from ..rendering.video import VideoOptions, check_options, record
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import SavedPolicy
from ..support.arguments import parse_arguments
from ..support.console import duration, make_console
from ..support.files import make_folder

_TEAMS = ("hiders", "seekers")


@dataclass(frozen=True, kw_only=True)
class VideoArguments(PlayArguments):
    """Show episodes of a trained policy, of --agent random or of an episode file as mp4, webm or gif."""

    run: Positional[Path | None] = None
    """Run folder (its newest checkpoint), checkpoint file or episode file; not needed with --agent."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """File to write, .mp4, .webm or .gif; an existing one is replaced. Default: in the run's folder videos."""
    episodes: AtLeastOne | None = None
    """Episodes, one after the other. Default: 1, with --grid as many as fit, of an episode file all."""
    best_of: AtLeastOne | None = None
    """Play this many episodes and show those that ended best for --best-for."""
    best_for: str | None = None
    """Team whose score decides which episodes are best: hiders, the default, or seekers."""
    grid: Annotated[int, Range(low=1, high=64)] = 1
    """Show this many episodes at once."""
    camera: str = CAMERAS[0]
    """Where it is seen from: overview, top, follow or first-person."""
    focus: Whole | None = None
    """Number of the agent that is looked at closely; hiders come first, from 0. Some cameras and overlays need it."""
    width: Annotated[int, Range(low=64, high=4096)] = 640
    """Pixels."""
    height: Annotated[int, Range(low=64, high=4096)] = 480
    """Pixels."""
    speed: Annotated[float, Range(low=0.1, high=4)] = 1.0
    """Times real time, 0.1 to 4."""
    cones: bool = False
    """Colour the floor that every agent has in view; with --focus only that of one."""
    lidar: bool = False
    """Show lidar rays of all agents; with --focus only those of one."""
    sees: bool = False
    """Connect the agent --focus with everything it sees."""
    attention: bool = False
    """Connect the agent --focus with what its policy attends to; the thicker the more."""
    minimap: bool = False
    """Show a plan of the world with the agents' paths in a corner."""
    overlay: bool = True
    """Show phase, time, whether hiders are seen, and the score."""


def run(arguments: list[str]) -> None:
    """Play or read episodes, draw them, and say what was written."""
    args = parse_arguments(VideoArguments, arguments, "video")
    args.check()
    _check(args)
    torch.set_num_threads(1)
    if args.run is not None and is_episode_file(args.run):
        _show_file(args, args.run)
    else:
        _show_play(args)


def _check(args: VideoArguments) -> None:
    """Refuse contradictions before anything is loaded."""
    _check_focus(args)
    if args.best_for is not None and args.best_of is None:
        raise UserError("--best-for decides among several episodes; say how many with --best-of")
    if args.best_for not in (None, *_TEAMS):
        raise UserError(f"--best-for is '{args.best_for}'; choose {' or '.join(_TEAMS)}")
    if args.best_of is not None and args.best_of < _wanted(args):
        raise UserError(f"--best-of is {args.best_of}, less than the {_wanted(args)} episodes to show")


def _check_focus(args: VideoArguments) -> None:
    for name, needed in (("--sees", args.sees), ("--attention", args.attention)):
        if needed and args.focus is None:
            raise UserError(f"{name} is about one agent; say which with --focus NUMBER")
    if args.camera in CAMERAS[2:] and args.focus is None:
        raise UserError(f"--camera {args.camera} is about one agent; say which with --focus NUMBER")
    if args.attention and args.agent is not None:
        raise UserError("--attention needs a trained policy; agents without one attend to nothing")


def _wanted(args: VideoArguments) -> int:
    return args.episodes or max(args.grid, 1)


def _show_play(args: VideoArguments) -> None:
    """Play episodes and show them."""
    if args.output is not None:
        check_options(args.output, _options(args, ""))
    with PlaySession(args, args.run, attention=args.attention) as performers:
        path = args.output or _default_path(args, performers.saved)
        if args.output is None:
            make_folder(path.parent)
        count = args.best_of or _wanted(args)
        episodes: Iterable[Episode] = (performers.play() for _ in range(count))
        if args.best_of is not None:
            episodes = _best(_played(episodes, count), args)
        scene = performers.env.engine.scene
        _write(path, scene, episodes, _wanted(args), _options(args, performers.title))


def _played(episodes: Iterable[Episode], count: int) -> Iterable[Episode]:
    """Hand on episodes that are all played before one is shown, with a bar on stderr if that is a terminal."""
    quiet = not sys.stderr.isatty()
    return track(episodes, "playing", count, console=Console(stderr=True), transient=True, disable=quiet)


def _show_file(args: VideoArguments, file: Path) -> None:
    """Show the episodes of a file."""
    for name in ("scenario", "hiders", "seekers"):
        if getattr(args, name) is not None:
            raise UserError(f"--{name} does not go with an episode file, which has its own")
    episodes = load_episodes(file)
    path = args.output or file.with_suffix(".mp4")
    if args.best_of is not None:
        episodes = _best(episodes[: args.best_of], args)
    episodes = episodes[: args.episodes]
    _write(path, build(episodes[0].scenario), episodes, len(episodes), _options(args, episodes[0].title))


def _best(episodes: Iterable[Episode], args: VideoArguments) -> list[Episode]:
    """Return the episodes in which a team did best, the best one first."""
    ranked = sorted(episodes, key=lambda e: -e.score(e.team(args.best_for or _TEAMS[0]))[-1])
    return ranked[: _wanted(args)]


def _options(args: VideoArguments, caption: str) -> VideoOptions:
    drawing = DrawOptions(
        camera=args.camera,
        agent=args.focus,
        cones=args.cones,
        sees=args.sees,
        attention=args.attention,
        lidar=args.lidar,
    )
    return VideoOptions(
        width=args.width,
        height=args.height,
        drawing=drawing,
        speed=args.speed,
        grid=args.grid,
        minimap=args.minimap,
        overlay=args.overlay,
        caption=caption,
    )


def _write(path: Path, scene: Scene, episodes: Iterable[Episode], count: int, options: VideoOptions) -> None:
    started = time.perf_counter()
    with _progress() as bar:
        task = bar.add_task(path.name, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        frames = record(path, scene, episodes, count, options, show)
    seconds = time.perf_counter() - started
    size = f"{options.width}x{options.height}"
    make_console().print(f"wrote {path}: {frames} frames, {size}, in {duration(seconds)}")


def _default_path(args: VideoArguments, saved: SavedPolicy | None) -> Path:
    """Return a file in the run's folder of videos, named after the checkpoint and the seed."""
    if saved is None:
        raise UserError("say where the video shall go: -o FILE.mp4 or -o FILE.gif")
    folder = RunFolder(saved.path.absolute().parent.parent)
    if not folder.config_file.is_file():
        raise UserError(f"{saved.path} is not in a run's folder; say where the video shall go with -o FILE.mp4")
    videos = folder.videos if args.run is None or not args.run.is_dir() else RunFolder(args.run).videos
    return videos / f"{saved.path.stem}-seed-{args.seed}.mp4"


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "", style="progress.data.speed")


def _progress() -> Progress:
    """Return a bar with frames, speed and time left, on stderr if that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
