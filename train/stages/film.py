"""Videos of episodes that were played before.

Shapes: those of ``Trace``, with W = 1.
"""

from __future__ import annotations

from pathlib import Path

import torch

from envs.scene import Scene

from ..play.moment import Moment
from ..rendering.video import EpisodePainter, Footage, VideoOptions, check_options, frame_times, frames_per_step
from ..rendering.video_files import open_video
from .study import Example


def film(path: Path, scene: Scene, example: Example, options: VideoOptions) -> None:
    """Write a video of an example.

    Args:
      path: the file; its extension decides the format.
      scene: the scenario's.
      example: the episode.
      options: how it looks.

    Raises:
      UserError: impossible options, no OpenGL, or the file cannot be written.
    """
    check_options(path, options)
    per_step = frames_per_step(path, options.speed)
    painter = EpisodePainter(scene, options)
    try:
        shown = to_footage(example)
        painter.show(shown)
        fps = per_step * options.speed / scene.scenario.step_seconds
        with open_video(path, options.width, options.height, fps) as video:
            for step, share in frame_times(len(shown.moments) - 1, per_step):
                video.add(painter.draw(step, share))
    finally:
        painter.close()


def to_footage(example: Example) -> Footage:
    """Return an example as what can be drawn."""
    t = example.trace
    s = t.scenario
    locked_by = torch.where(t.locked, t.locker, -1)[0].numpy()
    visible = t.visible[0].numpy()
    sees = visible[:, s.hiders : s.num_agents, : s.hiders]
    moments, seen = [], []
    for step in range(t.pose.shape[1]):
        live = step > s.preparation_steps
        moments.append(
            Moment(
                pose=t.pose[0, step].double().numpy(),
                holding=t.holding[0, step].numpy(),
                locked_by=locked_by[step],
                sees=sees[step] & live,
                visible=visible[step],
            )
        )
        seen.append(bool(sees[step].any()) if live else None)
    return Footage(example.model, moments, seen, t.score[0].tolist())
