"""``hideseek video``: record episodes of a trained policy, or of random play, as mp4 or gif."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text
from tyro.conf import Positional

from envs import scenarios
from envs.batch_env import ACTION_BINS, BatchEnv
from envs.errors import UserError
from envs.scenarios import Scenario

from ..console import duration, make_console
from ..files import make_folder
from ..players import Player, PolicyPlayer, RandomPlayer, StillPlayer
from ..run_folder import RunFolder
from ..saved_policy import SavedPolicy, load_policy
from ..video import VideoOptions, check_options, record

_AGENTS = ("random", "zero")
_PLAYER_SEED = 1  # added to the seed, so that layouts and actions are not drawn from the same numbers


@dataclass(kw_only=True)
class VideoArguments:
    """Record episodes of a trained policy, or of --agent random, as mp4 or gif."""

    run: Positional[Path | None] = None
    """Run folder (its newest checkpoint) or checkpoint file; not needed with --agent."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """File to write, .mp4 or .gif; an existing one is replaced. Default: in the run's folder videos."""
    agent: str | None = None
    """Show agents without a policy instead: random or zero (motionless)."""
    scenario: str | None = None
    """Scenario to play in. Default: the one of the run; hide-and-seek/full with --agent."""
    seed: int = 0
    """Seed of layouts and actions. The same seed gives the same pictures."""
    episodes: int = 1
    """Episodes, one after the other."""
    camera: str = "overview"
    """Where it is seen from: overview or top."""
    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""
    speed: float = 1.0
    """Times real time, 0.1 to 4."""
    deterministic: bool = False
    """Play the most likely actions instead of drawing them from the policy."""
    cones: bool = False
    """Colour the floor that every agent has in view."""
    overlay: bool = True
    """Show phase, time, whether hiders are seen, and the score."""


def run(arguments: list[str]) -> None:
    """Play and record; say what was written."""
    args = tyro.cli(VideoArguments, args=arguments, prog="hideseek video")
    _check(args)
    saved = load_policy(args.run) if args.run is not None else None
    scenario = scenarios.get(args.scenario) if args.scenario else saved.config.scenario if saved else scenarios.FULL
    path = args.output or _default_path(args, saved)
    options = VideoOptions(
        width=args.width,
        height=args.height,
        camera=args.camera,
        speed=args.speed,
        cones=args.cones,
        overlay=args.overlay,
        caption=_caption(args, saved, scenario),
    )
    if args.output is None:
        make_folder(path.parent)
    check_options(path, options)
    torch.set_num_threads(1)
    env = BatchEnv(scenario, 1, args.seed)
    try:
        if saved is not None:
            saved.require_scenario(env.observation_spec, scenario.name)
        started = time.perf_counter()
        with _progress() as bar:
            task = bar.add_task(path.name, total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            frames = record(path, env, _player(args, saved), args.episodes, options, show)
    finally:
        env.close()
    seconds = time.perf_counter() - started
    make_console().print(f"wrote {path}: {frames} frames, {args.width}x{args.height}, in {duration(seconds)}")


def _check(args: VideoArguments) -> None:
    """Refuse contradictions before anything is loaded."""
    if (args.run is None) == (args.agent is None):
        raise UserError("give either a run or checkpoint, or --agent random or zero")
    if args.agent not in (None, *_AGENTS):
        raise UserError(f"unknown agent '{args.agent}'; choose {' or '.join(_AGENTS)}")
    if args.episodes < 1:
        raise UserError(f"--episodes is {args.episodes}; it must be at least 1")
    if args.seed < 0:
        raise UserError(f"--seed is {args.seed}; it must not be negative")


def _default_path(args: VideoArguments, saved: SavedPolicy | None) -> Path:
    """Return a file in the run's folder of videos, named after the checkpoint and the seed."""
    if saved is None:
        raise UserError("say where the video shall go: -o FILE.mp4 or -o FILE.gif")
    folder = RunFolder(saved.path.absolute().parent.parent)
    if not folder.config_file.is_file():
        raise UserError(f"{saved.path} is not in a run's folder; say where the video shall go with -o FILE.mp4")
    videos = folder.videos if args.run is None or not args.run.is_dir() else RunFolder(args.run).videos
    return videos / f"{saved.path.stem}-seed-{args.seed}.mp4"


def _player(args: VideoArguments, saved: SavedPolicy | None) -> Player:
    seed = args.seed + _PLAYER_SEED
    if saved is not None:
        return PolicyPlayer(saved.policy, seed, args.deterministic)
    return RandomPlayer(ACTION_BINS, seed) if args.agent == "random" else StillPlayer(ACTION_BINS)


def _caption(args: VideoArguments, saved: SavedPolicy | None, scenario: Scenario) -> str:
    if saved is not None:
        return f"{scenario.name}, iteration {saved.iteration:,}"
    return f"{scenario.name}, {'random play' if args.agent == 'random' else 'motionless agents'}"


class _Speed(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "", style="progress.data.speed")


def _progress() -> Progress:
    """Return a bar with frames, speed and time left, on stderr if that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
