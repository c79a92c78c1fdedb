"""Past versions of a policy on disk: weights only, in the run folder's ``league/``.

Which versions there are is a function of the iteration alone: every ``interval`` iterations one is kept, and whenever
more than ``most`` would be, every second one is dropped and the interval doubles from then on. So they are spread
evenly over the whole past, and a resumed run has the versions of the run that never stopped.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from envs.errors import UserError

from ..runs.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from ..support.files import make_folder, remove_leftovers

_NAME = re.compile(r"version-(\d+)\.safetensors")


def spacing(iteration: int, interval: int, most: int) -> int:
    """Return the iterations between two versions, as of ``iteration``: ``interval`` times a power of two."""
    step = interval
    while iteration // step > most:
        step *= 2
    return step


def versions_at(iteration: int, interval: int, most: int) -> list[int]:
    """Return the iterations whose policies are in the pool as of ``iteration``, ascending; at most ``most``."""
    step = spacing(iteration, interval, most)
    return list(range(step, iteration + 1, step))


class VersionFolder:
    """The files of a pool, ``version-<iteration>.safetensors``; each can be evaluated like a checkpoint.

    Args:
      path: the folder.
      interval: iterations between two versions at the start of the run.
      most: versions that are drawn from.
      warn: called with one line for every version that cannot be read.
    """

    def __init__(self, path: Path, interval: int, most: int, warn: Callable[[str], None]) -> None:
        self.path, self.interval, self.most = path, interval, most
        self._warn = warn

    def file(self, version: int) -> Path:
        """Return the path of a version."""
        return self.path / f"version-{version:07d}.safetensors"

    def save(self, version: int, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Write a version if it belongs to the pool.

        Args:
          version: iterations of training behind it.
          tensors: the policy's, under ``policy.``.
          metadata: what a checkpoint says of its policy.

        Raises:
          UserError: it cannot be written.
        """
        make_folder(self.path)
        remove_leftovers(self.path)
        save_checkpoint(self.file(version), Checkpoint(tensors, metadata))

    def load(self, version: int) -> dict[str, Tensor] | None:
        """Return a version's tensors, by their names in the policy; None, with a warning, if it cannot be read."""
        try:
            return load_checkpoint(self.file(version)).group("policy")
        except UserError as error:
            self._warn(f"{error}; the league plays without it")
            return None

    def prune(self, oldest: int, now: int) -> None:
        """Delete files that no run can need that goes on from any iteration between ``oldest`` and ``now``."""
        if not self.path.is_dir():
            return
        step = spacing(oldest, self.interval, self.most)
        for entry in self.path.iterdir():
            match = _NAME.fullmatch(entry.name)
            if match and (int(match[1]) % step or int(match[1]) > now):
                with contextlib.suppress(OSError):
                    entry.unlink()
