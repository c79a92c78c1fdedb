"""Videos: episodes are played first, as data, and then drawn.

Shapes: A agents, E entities, O objects, H hiders, S seekers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import torch
from numpy.typing import NDArray

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scene import Scene

from .overlays import Status, draw_status
from .players import Player
from .rendering import CAMERAS, Moment, WorldRenderer, between
from .video_files import check_target, open_video

_SIZES = (64, 4096)
_SPEEDS = (0.1, 4.0)


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How a video looks."""

    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""
    camera: str = CAMERAS[0]
    """Where it is seen from: overview or top."""
    speed: float = 1.0
    """Times real time. Slower videos get more frames between two steps."""
    cones: bool = False
    """Colour the floor that every agent has in view."""
    overlay: bool = True
    """Show phase, time, whether hiders are seen, and the score."""
    caption: str = ""
    """Small text in the lower left corner."""


@dataclass
class EpisodeStep:
    """What an episode looks like after a number of steps."""

    moment: Moment
    """What is seen."""
    steps: int
    """Steps done since the episode's start."""
    seen: bool | None
    """Whether some seeker saw some hider; None in the preparation phase."""
    hiders_score: float
    """Rewards of the hiders so far, averaged over the team."""


@dataclass
class Episode:
    """One episode as it was played."""

    model: mujoco.MjModel
    """Its world: walls and sizes."""
    steps: list[EpisodeStep]
    """Its start, and then one entry per step."""


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
    if options.camera not in CAMERAS:
        raise UserError(f"unknown camera '{options.camera}'; choose {' or '.join(CAMERAS)}")


def play_episode(env: BatchEnv, player: Player) -> Episode:
    """Play the next episode of an environment of one world."""
    obs = env.reset()
    model = env.engine.world_model(0)
    hiders = env.scenario.hiders
    steps = [EpisodeStep(_moment(env, live=False), 0, None, 0.0)]
    started = torch.ones(1, dtype=torch.bool, device=env.device)
    score, done = 0.0, False
    while not done:
        transition = env.advance(player.act(obs, started))
        obs, started = env.observe(), torch.zeros_like(started)
        live, done = bool(transition.live[0]), bool(transition.done[0])
        score += float(transition.reward[0, :hiders].mean())
        seen = bool(transition.hiders_seen[0]) if live else None
        steps.append(EpisodeStep(_moment(env, live), len(steps), seen, score))
    return Episode(model, steps)


def _moment(env: BatchEnv, live: bool) -> Moment:
    """Read what is shown of the environment's only world."""
    state = env.get_state(torch.zeros(1, dtype=torch.int64, device=env.device))
    hiders, agents = env.scenario.hiders, env.num_agents
    locked_by = torch.where(state.locks.locked[0], state.locks.locker[0], -1)
    return Moment(
        pose=state.pose[0].double().cpu().numpy(),
        holding=state.grabs.holding[0].cpu().numpy().copy(),
        locked_by=locked_by.cpu().numpy(),
        sees=state.visible[0, hiders:agents, :hiders].cpu().numpy() & live,
    )


def frames_per_step(path: Path, speed: float) -> int:
    """Return how many frames are drawn for every step: about 27 per second, and half of that in gif files."""
    return max(1, round((1.0 if path.suffix.lower() == ".gif" else 2.0) / speed))


class EpisodePainter:
    """Draws the frames of episodes of one scenario.

    Raises:
      UserError: there is no OpenGL.
    """

    def __init__(self, scene: Scene, options: VideoOptions) -> None:
        self._scenario = scene.scenario
        self._options = options
        self._renderer = WorldRenderer(scene, options.width, options.height, options.camera, options.cones)

    def show(self, episode: Episode) -> None:
        """Draw this episode from now on."""
        self._episode = episode
        self._renderer.show(episode.model)

    def draw(self, step: int, share: float) -> NDArray[np.uint8]:
        """Return the frame a share of the way from entry ``step`` to the next entry of the episode."""
        before = self._episode.steps[step]
        after = self._episode.steps[min(step + 1, len(self._episode.steps) - 1)]
        picture = self._renderer.draw(between(before.moment, after.moment, share))
        if not self._options.overlay:
            return picture
        told = after if share >= 1.0 else before
        return draw_status(picture, self._status(told, before.steps + share))

    def _status(self, told: EpisodeStep, steps: float) -> Status:
        s = self._scenario
        return Status(
            seconds=steps * s.step_seconds,
            duration=s.horizon * s.step_seconds,
            preparation=s.preparation_steps * s.step_seconds,
            seen=told.seen,
            hiders_score=told.hiders_score,
            caption=self._options.caption,
        )

    def close(self) -> None:
        """Free what OpenGL holds."""
        self._renderer.close()


def record(
    path: Path,
    env: BatchEnv,
    player: Player,
    episodes: int,
    options: VideoOptions,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Play episodes and write a video of them.

    Args:
      path: the file to write; its extension decides the format.
      env: one world; its next episodes are shown.
      player: plays all agents.
      episodes: how many, one after the other.
      options: how it looks.
      progress: called after every frame with the number of frames done, and how many there will be.

    Returns:
      The number of frames.

    Raises:
      UserError: impossible options, no OpenGL, or the file cannot be written; nothing is written then.
    """
    check_options(path, options)
    per_step = frames_per_step(path, options.speed)
    painter = EpisodePainter(env.engine.scene, options)
    done, horizon = 0, env.scenario.horizon
    try:
        player.begin(env.num_agents)
        fps = per_step * options.speed / env.scenario.step_seconds
        with open_video(path, options.width, options.height, fps) as video:
            for number in range(episodes):
                episode = play_episode(env, player)
                painter.show(episode)
                rest = (episodes - 1 - number) * (1 + per_step * horizon)
                total = done + 1 + per_step * (len(episode.steps) - 1) + rest
                for step, share in _times(len(episode.steps) - 1, per_step):
                    video.add(painter.draw(step, share))
                    done += 1
                    progress(done, total)
    finally:
        painter.close()
    return done


def _times(steps: int, per_step: int) -> list[tuple[int, float]]:
    """Return the frames of an episode: its start, then ``per_step`` frames for every step, the last one at its end."""
    return [(0, 0.0)] + [(step, (k + 1) / per_step) for step in range(steps) for k in range(per_step)]
