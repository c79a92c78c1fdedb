"""Videos of episodes that were played before.

Shapes: those of ``Trace``, with W = 1.
"""

from __future__ import annotations

from pathlib import Path

import torch

from envs.scene import Scene

from ..rendering import Moment
from ..video import Episode, EpisodePainter, EpisodeStep, VideoOptions, check_options, frames_per_step
from ..video_files import open_video
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
    episode = to_episode(example)
    per_step = frames_per_step(path, options.speed)
    painter = EpisodePainter(scene, options)
    try:
        painter.show(episode)
        fps = per_step * options.speed / scene.scenario.step_seconds
        with open_video(path, options.width, options.height, fps) as video:
            video.add(painter.draw(0, 0.0))
            for step in range(len(episode.steps) - 1):
                for part in range(per_step):
                    video.add(painter.draw(step, (part + 1) / per_step))
    finally:
        painter.close()


def to_episode(example: Example) -> Episode:
    """Return an example as what can be drawn."""
    t = example.trace
    s = t.scenario
    locked_by = torch.where(t.locked, t.locker, -1)[0].numpy()
    sees = t.visible[0, :, s.hiders : s.num_agents, : s.hiders].numpy()
    steps = []
    for step in range(t.pose.shape[1]):
        live = step > s.preparation_steps
        moment = Moment(
            pose=t.pose[0, step].double().numpy(),
            holding=t.holding[0, step].numpy(),
            locked_by=locked_by[step],
            sees=sees[step] & live,
        )
        seen = bool(sees[step].any()) if live else None
        steps.append(EpisodeStep(moment, step, seen, float(t.score[0, step])))
    return Episode(example.model, steps)
