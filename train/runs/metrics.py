"""The numbers of one iteration: gathered under fixed tags, written to ``metrics.jsonl``, handed to loggers.

docs/metrics.md explains every tag. The x axis is always global env steps: steps of all worlds together.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from envs.errors import UserError

from ..loggers.logger import Logger
from ..support.files import write_atomically, write_error
from ..support.json_data import convert, parse_object
from ..support.ranks import Ranks

CHART_TAGS = {
    "return/hiders": "charts/episodic_return/hiders",
    "return/seekers": "charts/episodic_return/seekers",
    "length": "charts/episodic_length",
    "seen_fraction": "charts/seen_fraction",
}
"""Episode statistics that have a tag of their own; all others appear as ``stats/<name>``."""


class EpisodeMeans:
    """Means of the final statistics of the episodes that ended since the last ``pop``."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._names: list[str] = []
        self._totals: Tensor | float = 0.0
        """(names, 2) float64: sums, and how many were added."""
        self._episodes: Tensor | int = 0

    def add(self, finals: Mapping[str, Tensor], counted: Tensor) -> None:
        """Add the episodes that ended in one step, those of the worlds ``counted`` (W,) bool.

        Args:
          finals: name -> (W,) numbers, the same names whenever there are any. NaN is left out. Nothing waits for a GPU.
          counted: the worlds whose numbers are taken.
        """
        if not finals:
            return
        self._names = [*finals]
        values = torch.stack([*finals.values()]).double()
        known = counted & ~values.isnan()
        self._totals = self._totals + torch.stack([torch.where(known, values, 0.0).sum(1), known.sum(1)], dim=1)
        self._episodes = self._episodes + counted.sum()

    def pop(self, ranks: Ranks | None = None) -> dict[str, float]:
        """Return the means by tag, with the number of episodes, and start again. Empty if no episode ended.

        Args:
          ranks: the processes whose episodes are all counted; None for this one's alone.
        """
        rows = self._totals.tolist() if isinstance(self._totals, Tensor) else []
        parts = (ranks or Ranks()).collect((dict(zip(self._names, rows, strict=True)), int(self._episodes)))
        self._clear()
        sums: dict[str, float] = {}
        counts: dict[str, float] = {}
        for numbers, _ in parts:
            for name, (total, count) in numbers.items():
                sums[name] = sums.get(name, 0.0) + total
                counts[name] = counts.get(name, 0.0) + count
        means = {
            CHART_TAGS.get(name, f"stats/{name}"): total / counts[name] for name, total in sums.items() if counts[name]
        }
        episodes = sum(part_episodes for _, part_episodes in parts)
        return means | ({"charts/episodes": float(episodes)} if episodes else {})


class MetricsLog:
    """Writes each iteration's numbers into the run folder's ``metrics.jsonl``, and hands them to loggers.

    After a resume, what an abandoned continuation had written beyond the checkpoint is dropped, so curves never fold
    back.
    """

    def __init__(self, folder: Path, iteration: int, env_steps: int, loggers: Sequence[Logger] = ()) -> None:
        """Open the log.

        Args:
          folder: the run folder.
          iteration: iterations that are already done; later lines of ``metrics.jsonl`` are dropped.
          env_steps: global env steps already done; what loggers have of later ones is dropped.
          loggers: where the numbers go besides.

        Raises:
          UserError: the disk is full or a file cannot be written.
        """
        self._file, self._loggers = folder / "metrics.jsonl", loggers
        self._keep_lines_up_to(iteration)
        if loggers:
            rows = read_metrics(self._file) if self._file.is_file() else []
            for logger in loggers:
                logger.begin(folder, env_steps, rows)

    def write(self, iteration: int, env_steps: int, metrics: Mapping[str, float]) -> None:
        """Write one iteration. Values that are not finite are null in the JSON file.

        Raises:
          UserError: the disk is full or the file cannot be written.
        """
        plain = {tag: value if math.isfinite(value) else None for tag, value in metrics.items()}
        line = json.dumps({"iteration": iteration, "env_steps": env_steps, **plain}, allow_nan=False)
        try:
            with open(self._file, "a") as file:
                file.write(line + "\n")
        except OSError as error:
            raise write_error(self._file.parent, error) from error
        for logger in self._loggers:
            logger.write(iteration, env_steps, metrics)

    def histogram(self, tag: str, counts: Sequence[int], env_steps: int) -> None:
        """Hand loggers how often each of the whole numbers from 0 on occurred."""
        for logger in self._loggers:
            logger.histogram(tag, counts, env_steps)

    def gif(self, tag: str, data: bytes, size: tuple[int, int], env_steps: int) -> None:
        """Hand loggers an animated GIF of the given width and height, pixels."""
        for logger in self._loggers:
            logger.gif(tag, data, size, env_steps)

    def close(self) -> None:
        """Flush and close the logs.

        Raises:
          UserError: the disk is full.
        """
        with contextlib.ExitStack() as stack:
            for logger in self._loggers:
                stack.callback(logger.close)

    def _keep_lines_up_to(self, iteration: int) -> None:
        """Drop lines after ``iteration`` and a line that was cut short by a crash."""
        if not self._file.is_file():
            return
        lines = _lines(self._file)
        kept = [line for line in lines if (numbers := _numbers(line)) and numbers["iteration"] <= iteration]
        if len(kept) < len(lines):
            write_atomically(self._file, b"".join(line + b"\n" for line in kept))


def read_metrics(path: Path) -> list[dict[str, float | None]]:
    """Return the lines of a ``metrics.jsonl``; those that hold no metrics, as after a crash, are left out.

    Raises:
      UserError: the file cannot be read.
    """
    return [numbers for line in _lines(path) if (numbers := _numbers(line)) is not None]


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from error


def _numbers(line: bytes) -> dict[str, Any] | None:
    """Return the numbers of one line; None if it is not complete, or holds something else."""
    try:
        numbers = convert(parse_object(line, "line"), dict[str, float | None])
        return numbers | {name: int(numbers[name]) for name in ("iteration", "env_steps")}
    except (UserError, KeyError, TypeError, ValueError, OverflowError):
        return None
