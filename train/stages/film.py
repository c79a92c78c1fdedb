"""Videos of episodes that were played before.

Shapes: those of ``Trace``, with W = 1.
"""

from __future__ import annotations

from pathlib import Path

import torch

from envs.scene import Scene

from ..play.moment import Moment
from ..rendering.video import Footage, VideoOptions, record_footage
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
    record_footage(path, scene, [to_footage(example)], 1, options)


def to_footage(example: Example) -> Footage:
    """Return an example as what can be drawn."""
    t = example.trace
    s = t.scenario
    locked_by = torch.where(t.locked, t.locker, -1)[0].numpy()
    visible = t.visible[0].numpy()
    sees = visible[:, s.hiders : s.num_agents, : s.hiders]
    moments, seen = [], []
    ends = range(0, t.pose.shape[1], t.moments_per_step)
    for step in ends:
        live = step > t.live_from
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
    return Footage(example.model, moments, seen, t.score[0, list(ends)].tolist())
