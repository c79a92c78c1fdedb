"""Loggers by name."""

from __future__ import annotations

from collections.abc import Sequence

from .csv_logger import CsvLogger
from .logger import Logger
from .tensorboard_logger import TensorBoardLogger
from .wandb_logger import WandbLogger, require_wandb

_LOGGERS: dict[str, type[Logger]] = {"tensorboard": TensorBoardLogger, "csv": CsvLogger, "wandb": WandbLogger}


def make_loggers(names: Sequence[str]) -> list[Logger]:
    """Return the loggers of these names; ``begin`` must follow."""
    return [_LOGGERS[name]() for name in names]


def require_loggers(names: Sequence[str]) -> None:
    """Refuse loggers that cannot be opened, before anything of a run is written.

    Raises:
      UserError: wandb is not installed, its mode does not exist, or it shall go online and nobody is logged in.
    """
    if "wandb" in names:
        require_wandb()
