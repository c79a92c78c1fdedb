"""``hideseek watch``: a live viewer in the browser."""

from __future__ import annotations

import contextlib
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import Range, Seed

from ..config.machine_options import DeviceOptions
from ..play.agents import agent_names, check_side
from ..play.episode_files import is_episode_file, load_episodes
from ..play.play_session import choose_scenario
from ..rendering.renderer import CAMERAS
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.devices import resolve_device
from ..viewer.live_world import LiveGame
from ..viewer.player_choice import PlayerChoice
from ..viewer.recorded import Replay
from ..viewer.server import ViewerServer
from ..viewer.viewer import Viewer, ViewerOptions


@dataclass(frozen=True, kw_only=True)
class WatchArguments(DeviceOptions):
    """Watch agents in the browser, play against them, or go through recorded episodes step by step."""

    paths: Positional[tuple[Path, ...]] = ()
    """Run folders and checkpoint files, whose players can be exchanged while watching; or one episode file."""
    hiders: str | None = None
    """Who plays the hiders: a name that the page offers, such as random, zero or blocker. Default: the newest
    checkpoint."""
    seekers: str | None = None
    """Who plays the seekers."""
    scenario: str | None = None
    """Scenario to play in. Default: the one of the first run; hide-and-seek/full without any."""
    seed: Seed = 0
    """Seed of layouts and actions."""
    camera: str = CAMERAS[0]
    """Where it is seen from: overview, top, follow or first-person."""
    width: Annotated[int, Range(low=160, high=1920)] = 640
    """Pixels."""
    height: Annotated[int, Range(low=160, high=1920)] = 480
    """Pixels."""
    paused: bool = False
    """Start with the world at rest."""
    host: str = "127.0.0.1"
    """Address to listen on. The default can be reached from this machine only; all others ask for a token."""
    port: Annotated[int, Range(low=0, high=65535)] = 8080
    """Port to listen on; 0 takes any free one."""
    open: bool = False
    """Open the page in this machine's browser."""


def run(arguments: list[str]) -> None:
    """Show until Ctrl-C."""
    args = parse_arguments(WatchArguments, arguments, "watch")
    _check(args)
    torch.set_num_threads(1)
    options = ViewerOptions(width=args.width, height=args.height, camera=args.camera, paused=args.paused)
    choice, show = _first(args)
    viewer = Viewer(show, choice, options)
    _serve(viewer, show, args)


def _serve(viewer: Viewer, show: LiveGame | Replay, args: WatchArguments) -> None:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(ViewerServer(viewer, args.host, args.port))
        except UserError:
            show.close()
            raise
        make_console().print(f"watch at {server.url} (Ctrl-C ends)", soft_wrap=True)
        if args.open and not _open(server.url):
            make_console().print(f"no browser was found on this machine; open {server.url} yourself", soft_wrap=True)
        with contextlib.suppress(KeyboardInterrupt):  # the usual end
            viewer.run()


def _check(args: WatchArguments) -> None:
    """Refuse impossible requests before anything is loaded."""
    if args.camera not in CAMERAS:
        raise UserError(f"unknown camera '{args.camera}'; choose {', '.join(CAMERAS[:-1])} or {CAMERAS[-1]}")
    others = len(args.paths) > 1 or args.scenario or args.hiders or args.seekers
    if any(is_episode_file(path) for path in args.paths) and others:
        raise UserError("an episode file is watched alone, in its own scenario and with its own players")
    for team in ("hiders", "seekers"):
        check_side(getattr(args, team) or "", team)


def _first(args: WatchArguments) -> tuple[PlayerChoice, LiveGame | Replay]:
    """Return who can play, and what is shown first."""
    if len(args.paths) == 1 and is_episode_file(args.paths[0]):
        return PlayerChoice([]), Replay(load_episodes(args.paths[0]))
    device = resolve_device(args.device)
    choice = PlayerChoice(list(args.paths), device)
    best = choice.names[0] if args.paths else agent_names()[0]
    scenario = choose_scenario(args.scenario, choice.policy(best))
    teams = args.hiders or best, args.seekers or best
    return choice, LiveGame(scenario, args.seed, choice, teams, args.engine)


def _open(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
