"""Weights & Biases, without an account unless one is asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.errors import UserError

from ..support.json_data import read_object
from .logger import Logger, Row, finite

_MODES = ("offline", "online", "disabled")


class WandbLogger(Logger):
    """The numbers of each iteration as a run of Weights & Biases in the folder's ``wandb/``.

    Offline unless the environment says ``WANDB_MODE=online``; wandb's other variables (``WANDB_PROJECT``, ...) count,
    too. A run has one id for all its sessions, and an iteration is one step, so that none is there twice. Offline, each
    session writes all from the first iteration on, in place of what earlier ones wrote.
    """

    _run: Any

    def begin(self, folder: Path, env_steps: int, rows: Sequence[Row]) -> None:
        """Open the run and log what it lacks of ``rows``."""
        import wandb

        described = folder / "config.json"
        name = hashlib.sha256(described.read_bytes()).hexdigest()[:16]
        mode = _mode()
        offline = mode == "offline"
        if offline:
            for earlier in (folder / "wandb").glob(f"offline-run-*-{name}"):
                shutil.rmtree(earlier, ignore_errors=True)
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "hideseek"),
                name=folder.resolve().name,
                id=name,
                dir=folder,
                mode=mode,
                resume=None if offline else "allow",
                config=read_object(described)["config"],
                settings=wandb.Settings(console="off", silent=offline),
            )
        except wandb.Error as error:
            raise _user_error(error) from error
        self._run.define_metric("*", step_metric="env_steps")
        first = self._run.step  # Online, rows of earlier sessions are there already.
        for row in rows:
            numbers = finite(row)
            if (iteration := int(numbers.pop("iteration"))) >= first:
                self._run.log(numbers, step=iteration)

    def write(self, iteration: int, env_steps: int, metrics: Mapping[str, float]) -> None:
        """Log a step."""
        self._run.log({"env_steps": env_steps, **finite(metrics)}, step=iteration)

    def close(self) -> None:
        """Write what is left, and upload it if it goes online."""
        self._run.finish()


def require_wandb() -> None:
    """Refuse to go on where ``WandbLogger.begin`` would fail.

    Raises:
      UserError: says what is missing.
    """
    if importlib.util.find_spec("wandb") is None:
        raise UserError("--logger wandb: wandb is not installed; in the clone: pip install -e '.[wandb]'")
    if (mode := _mode()) not in _MODES:
        raise UserError(f"WANDB_MODE is '{mode}'; --logger wandb knows {', '.join(_MODES)}")
    if mode == "online":
        import wandb  # Slow.

        try:
            wandb.login()  # Asks for a key, if there is a terminal.
        except wandb.Error as error:
            raise _user_error(error) from error


def _mode() -> Any:
    return os.environ.get("WANDB_MODE", "offline")


def _user_error(error: Exception) -> UserError:
    line = " ".join(str(error).split()).rstrip(".")
    return UserError(f"--logger wandb: {line}; or leave out WANDB_MODE: offline it needs no account")
