"""TensorBoard's event files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..support.files import write_error
from .logger import Logger, Row


class TensorBoardLogger(Logger):
    """Curves, histograms and films in the run folder; the x axis is env steps."""

    _folder: Path
    _board: Any

    def begin(self, folder: Path, env_steps: int, rows: Sequence[Row]) -> None:
        """Open an event file. TensorBoard drops the points of earlier ones beyond ``env_steps``."""
        from torch.utils.tensorboard import SummaryWriter  # Takes a second, and commands that only play need no curves.

        self._folder = folder
        self._board = SummaryWriter(str(folder), purge_step=env_steps + 1)

    def write(self, iteration: int, env_steps: int, metrics: Mapping[str, float]) -> None:
        """Add a point to every curve; values that are not finite as they are."""
        try:
            for tag, value in metrics.items():
                self._board.add_scalar(tag, value, env_steps)
        except OSError as error:
            raise write_error(self._folder, error) from error

    def histogram(self, tag: str, counts: Sequence[int], env_steps: int) -> None:
        """Write how often each of the whole numbers from 0 on occurred."""
        values = list(enumerate(counts))
        self._board.add_histogram_raw(
            tag,
            min=0,
            max=len(counts) - 1,
            num=sum(counts),
            sum=sum(value * count for value, count in values),
            sum_squares=sum(value * value * count for value, count in values),
            bucket_limits=[value + 0.5 for value, _ in values],
            bucket_counts=list(counts),
            global_step=env_steps,
        )

    def gif(self, tag: str, data: bytes, size: tuple[int, int], env_steps: int) -> None:
        """Add an animated GIF to the images."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        image = Summary.Image(width=size[0], height=size[1], colorspace=3, encoded_image_string=data)
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self._board._get_file_writer().add_summary(summary, env_steps)

    def close(self) -> None:
        """Flush and close the event file."""
        try:
            self._board.close()
        except OSError as error:
            raise write_error(self._folder, error) from error
