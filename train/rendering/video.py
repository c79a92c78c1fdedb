"""Videos: episodes are data, played or read from a file, and then drawn one after the other or in a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.errors import UserError
from envs.layouts import Layout
from envs.scenarios import Scenario
from envs.scene import Scene

from ..play.episodes import Episode
from ..play.moment import Moment, between
from .annotations import DrawOptions
from .minimap import Minimap
from .overlays import Status, draw_status
from .renderer import CAMERAS, WorldRenderer
from .video_files import check_target, open_video

_SIZES = (64, 4096)
_SPEEDS = (0.1, 4.0)
_GRID = (1, 64)


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How a video looks."""

    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""
    drawing: DrawOptions = DrawOptions()
    """Camera, and what is drawn into the scene."""
    speed: float = 1.0
    """Times real time. Slower videos get more frames between two steps."""
    grid: int = 1
    """Episodes that are shown at once."""
    minimap: bool = False
    """Show a plan of the world with the agents' paths in a corner."""
    overlay: bool = True
    """Show phase, time, whether hiders are seen, and the score."""
    caption: str = ""
    """Small text in the lower left corner."""


@dataclass
class Footage:
    """An episode as it is drawn: T steps have T + 1 states."""

    model: mujoco.MjModel
    """Its world: walls and sizes."""
    moments: Sequence[Moment]
    """T + 1."""
    seen: Sequence[bool | None]
    """T + 1: whether some seeker saw some hider; None in the preparation phase."""
    hiders_score: Sequence[float] | NDArray[np.float64]
    """T + 1: rewards of the hiders so far, averaged over the team."""
    layout: Layout | None = None
    """Of one world, for the minimap; None leaves it out."""


def footage(episode: Episode, scene: Scene) -> Footage:
    """Return an episode as it is drawn; ``scene`` is that of its scenario."""
    seen = [None, *(bool(seen) if live else None for seen, live in zip(episode.seen[1:], episode.live, strict=True))]
    return Footage(
        model=episode.world_model(scene),
        moments=[episode.moment(index) for index in range(episode.steps + 1)],
        seen=seen,
        hiders_score=episode.score(episode.team("hiders")),
        layout=episode.layout,
    )


def check_options(path: Path, options: VideoOptions) -> None:
    """Refuse impossible requests before anything is loaded or played.

    Raises:
      UserError: names the option.
    """
    check_target(path)
    for name, value in (("--width", options.width), ("--height", options.height)):
        if not _SIZES[0] <= value <= _SIZES[1] or value % 2:
            raise UserError(f"{name} is {value}; it must be an even number from {_SIZES[0]} to {_SIZES[1]}")
    if not _SPEEDS[0] <= options.speed <= _SPEEDS[1]:
        raise UserError(f"--speed is {options.speed:g}; it must lie between {_SPEEDS[0]:g} and {_SPEEDS[1]:g}")
    if options.drawing.camera not in CAMERAS:
        raise UserError(f"unknown camera '{options.drawing.camera}'; choose {', '.join(CAMERAS[:-1])} or {CAMERAS[-1]}")
    if not _GRID[0] <= options.grid <= _GRID[1]:
        raise UserError(f"--grid is {options.grid}; it must lie between {_GRID[0]} and {_GRID[1]}")
    if min(_tile(options)) < _SIZES[0] // 2:
        raise UserError(f"--grid {options.grid} leaves less than 32 pixels for an episode; use a larger --width")


def check_focus(scenario: Scenario, drawing: DrawOptions) -> None:
    """Refuse an agent that the scenario does not have.

    Raises:
      UserError: says how many there are.
    """
    if drawing.agent is not None and not 0 <= drawing.agent < scenario.num_agents:
        raise UserError(f"--focus is {drawing.agent}; '{scenario.name}' has agents 0 to {scenario.num_agents - 1}")


def frames_per_step(path: Path, speed: float) -> int:
    """Return how many frames are drawn for every step: about 27 per second, and half of that in gif files."""
    return max(1, round((1.0 if path.suffix.lower() == ".gif" else 2.0) / speed))


class EpisodePainter:
    """Draws the frames of episodes of one scenario.

    Args:
      scene: the compiled scenario.
      options: how they look.

    Raises:
      UserError: there is no OpenGL.
    """

    def __init__(self, scene: Scene, options: VideoOptions) -> None:
        self._scene = scene
        self._options = options
        check_focus(scene.scenario, options.drawing)
        self._renderer = WorldRenderer(scene, *_tile(options))

    def show(self, footage: Footage) -> None:
        """Draw this from now on."""
        self._footage = footage
        self._path = np.stack([moment.pose for moment in footage.moments])
        self._renderer.show(footage.model)

    def draw(self, step: int, share: float) -> NDArray[np.uint8]:
        """Return the frame a share of the way from state ``step`` to the next one."""
        moments, last = self._footage.moments, len(self._footage.moments) - 1
        before, after = min(step, last), min(step + 1, last)
        moment = between(moments[before], moments[after], share)
        told = after if share >= 1.0 else before
        picture = self._renderer.draw(moment, self._options.drawing)
        if self._options.minimap and self._footage.layout is not None:
            plan = Minimap(self._scene.scenario, self._footage.layout)
            picture = plan.draw(picture, self._path[: told + 1], moment)
        if not self._options.overlay:
            return picture
        return draw_status(picture, self._status(told, min(before + share, float(last))))

    def _status(self, told: int, steps: float) -> Status:
        s = self._scene.scenario
        return Status(
            seconds=steps * s.step_seconds,
            duration=s.horizon * s.step_seconds,
            preparation=s.preparation_steps * s.step_seconds,
            seen=self._footage.seen[told],
            hiders_score=float(self._footage.hiders_score[told]),
            alone=s.seekers == 0,
            caption=self._options.caption,
        )

    def close(self) -> None:
        """Free what OpenGL holds."""
        self._renderer.close()


def record(
    path: Path,
    scene: Scene,
    episodes: Iterable[Episode],
    count: int,
    options: VideoOptions,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Write a video of episodes.

    Args:
      path: the file to write; its extension decides the format.
      scene: the compiled scenario of all episodes.
      episodes: what to show; each is asked for when it is its turn.
      count: how many there will be.
      options: how it looks.
      progress: called after every frame with the number of frames done, and how many there will be.

    Returns:
      The number of frames.

    Raises:
      UserError: impossible options, no OpenGL, or the file cannot be written; nothing is written then.
    """
    return record_footage(path, scene, (footage(episode, scene) for episode in episodes), count, options, progress)


def record_footage(
    path: Path,
    scene: Scene,
    footages: Iterable[Footage],
    count: int,
    options: VideoOptions,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Write a video of what can be drawn; as ``record``."""
    check_options(path, options)
    per_step = frames_per_step(path, options.speed)
    painters: list[EpisodePainter] = []
    done, shown, horizon = 0, 0, scene.scenario.horizon
    try:
        painters += [EpisodePainter(scene, options) for _ in range(min(options.grid, count))]
        fps = per_step * options.speed / scene.scenario.step_seconds
        with open_video(path, options.width, options.height, fps) as video:
            for together in _batches(footages, options.grid):
                shown += len(together)
                for painter, shown_now in zip(painters, together, strict=False):
                    painter.show(shown_now)
                steps = max(len(each.moments) - 1 for each in together)
                total = (
                    done + 1 + per_step * steps + math.ceil((count - shown) / options.grid) * (1 + per_step * horizon)
                )
                for step, share in frame_times(steps, per_step):
                    video.add(_arrange([p.draw(step, share) for p in painters[: len(together)]], options))
                    done += 1
                    progress(done, total)
    finally:
        for painter in painters:
            painter.close()
    return done


def frame_times(steps: int, per_step: int) -> list[tuple[int, float]]:
    """Return the frames of an episode: its start, then ``per_step`` frames for every step, the last one at its end."""
    return [(0, 0.0)] + [(step, (k + 1) / per_step) for step in range(steps) for k in range(per_step)]


def _batches(footages: Iterable[Footage], size: int) -> Iterable[list[Footage]]:
    """Group what is shown at once."""
    source = iter(footages)
    while together := list(itertools.islice(source, size)):
        yield together


def _columns(options: VideoOptions) -> int:
    return math.ceil(math.sqrt(options.grid))


def _tile(options: VideoOptions) -> tuple[int, int]:
    """Return width and height of one episode's picture."""
    columns = _columns(options)
    return options.width // columns, options.height // math.ceil(options.grid / columns)


def _arrange(pictures: list[NDArray[np.uint8]], options: VideoOptions) -> NDArray[np.uint8]:
    """Put pictures side by side, row by row."""
    if options.grid == 1:
        return pictures[0]
    frame = np.full((options.height, options.width, 3), 255, dtype=np.uint8)
    width, height = _tile(options)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, _columns(options))
        frame[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
    return frame
