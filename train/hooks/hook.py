"""A class to derive from, to be told how a run goes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..runs.run_folder import RunFolder
from ..trainer_state import TrainingState


class Hook:
    """Is told how a run goes. Override what you need; the methods here do nothing.

    One process calls it, that which writes the run's files, and after they are written. ``trainer`` is the
    ``Trainer``: its ``config``, ``policy``, ``env``, ``iteration`` and ``env_steps`` are to be looked at. Whoever
    changes them, or draws random numbers from torch's own generator, changes the run.

    An exception ends the run as an error; earlier checkpoints are intact, and ``end`` is called.
    """

    def begin(self, trainer: TrainingState, folder: RunFolder) -> None:
        """Begin a session, before its first iteration; where a run goes on, ``trainer.iteration`` is above 0.

        Args:
          trainer: the run.
          folder: its paths.
        """

    def iteration(self, trainer: TrainingState, metrics: Mapping[str, float]) -> bool | None:
        """See an iteration that is done.

        Args:
          trainer: the run; ``trainer.iteration`` iterations are done.
          metrics: the numbers of the iteration, by the tags of docs/metrics.md.

        Returns:
          True to end the run now, with a checkpoint.
        """

    def checkpoint(self, trainer: TrainingState, path: Path) -> None:
        """See a checkpoint that was written to ``path``."""

    def end(self, trainer: TrainingState) -> None:
        """End a session that ``begin`` began, however it ends."""


class Hooks(Hook):
    """Several hooks, called one after the other."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = hooks
        self._begun: list[Hook] = []

    def begin(self, trainer: TrainingState, folder: RunFolder) -> None:
        """Begin each."""
        for hook in self._hooks:
            self._begun.append(hook)
            hook.begin(trainer, folder)

    def iteration(self, trainer: TrainingState, metrics: Mapping[str, float]) -> bool:
        """Tell each; True if one of them ends the run."""
        return any([hook.iteration(trainer, metrics) for hook in self._hooks])

    def checkpoint(self, trainer: TrainingState, path: Path) -> None:
        """Tell each."""
        for hook in self._hooks:
            hook.checkpoint(trainer, path)

    def end(self, trainer: TrainingState) -> None:
        """End each that was begun, the last one first, also if one of them fails."""
        with contextlib.ExitStack() as stack:
            for hook in self._begun:
                stack.callback(hook.end, trainer)
        self._begun.clear()
