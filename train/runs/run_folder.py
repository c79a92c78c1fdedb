"""A run's folder: ``config.json``, ``checkpoints/``, ``videos/``, ``metrics.jsonl`` and TensorBoard's event files."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from envs.errors import UserError

from ..support.files import leftovers, make_folder, remove_leftovers, require_text, write_atomically, write_json
from ..support.json_data import read_object, to_plain
from .checkpoints import CheckpointFolder

_PACKAGES = ("hideseek", "mujoco", "torch", "numpy", "safetensors")
_ROOT = Path(__file__).resolve().parents[2]
_MOST_CHANGES = 1_000_000
"""Characters of uncommitted changes that a run folder keeps."""


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run's folder."""

    path: Path
    """The folder itself."""

    @property
    def config_file(self) -> Path:
        """The full configuration, the scenario as data, package versions, git revision, and what override files set."""
        return self.path / "config.json"

    @property
    def changes_file(self) -> Path:
        """What the code differed by from the git revision, if it did."""
        return self.path / "uncommitted.diff"

    @property
    def checkpoints(self) -> CheckpointFolder:
        """The run's checkpoints."""
        return CheckpointFolder(self.path / "checkpoints")

    @property
    def videos(self) -> Path:
        """Where videos of this run go."""
        return self.path / "videos"

    @property
    def league(self) -> Path:
        """Past versions of the policy."""
        return self.path / "league"

    @property
    def metrics_file(self) -> Path:
        """One JSON object per iteration."""
        return self.path / "metrics.jsonl"

    @property
    def lock_file(self) -> Path:
        """Who holds its lock (``FolderLock``) trains here; the file itself says nothing."""
        return self.path / "run.lock"

    def create(self, config: Any, overrides: dict[str, Any] | None = None) -> None:
        """Make the folder and write ``config.json``.

        Args:
          config: the run's configuration, a dataclass.
          overrides: file -> what it had set in the configuration, for the record.

        Raises:
          UserError: the folder is taken (see ``require_free``) or cannot be written; nothing of it is left then.
        """
        self.require_free()
        existed = self.path.exists()
        try:
            make_folder(self.path)
            remove_leftovers(self.path)
            # First of all: with it there is a run that can be resumed, without it nothing but an empty folder.
            write_json(self.config_file, _description(config, overrides or {}))
            if changes := uncommitted_changes():
                write_atomically(self.changes_file, changes.encode())
            for folder in (self.checkpoints.path, self.videos):
                make_folder(folder)
        except UserError:
            self._remove(existed)
            raise

    def require_free(self) -> None:
        """Refuse a path that holds anything but a lock and what a writer that was killed has left.

        Raises:
          UserError: the path is a file, a folder with something in it, or no text.
        """
        require_text(self.path)
        if self.path.is_dir() and {*self.path.iterdir()} <= {*leftovers(self.path), self.lock_file}:
            return
        if self.path.exists():
            hint = f"continue it with --resume {self.path} or" if self.config_file.is_file() else "please"
            raise UserError(f"{self.path} already exists; {hint} choose another --run-dir")

    def read_config(self) -> dict[str, Any]:
        """Return what ``config.json`` holds under ``config``.

        Raises:
          UserError: there is no run here, or the file is damaged.
        """
        if not self.path.is_dir():
            raise UserError(f"no run at {self.path}: there is no such folder")
        try:
            plain = read_object(self.config_file)
        except FileNotFoundError:
            raise UserError(f"no run at {self.path}: it has no config.json") from None
        if not isinstance(plain.get("config"), dict):
            raise UserError(f"{self.config_file} cannot be read: it holds no 'config'")
        return plain["config"]

    def _remove(self, existed: bool) -> None:
        """Undo a failed ``create``; a folder that was there before stays."""
        with contextlib.suppress(OSError):
            self.config_file.unlink(missing_ok=True)
            self.changes_file.unlink(missing_ok=True)
        folders = [self.checkpoints.path, self.videos] + ([] if existed else [self.path])
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the numbers."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def git_state() -> dict[str, Any]:
    """Return ``git_revision``, this checkout's commit, and ``git_dirty``, whether tracked files differ from it.

    Both are None outside a checkout.
    """
    revision = _git(_ROOT, "rev-parse", "HEAD") if (_ROOT / ".git").exists() else None
    changes = _git(_ROOT, "status", "--porcelain", "--untracked-files=no") if revision else None
    return {"git_revision": revision and revision.strip(), "git_dirty": None if changes is None else bool(changes)}


def uncommitted_changes() -> str | None:
    """Return what the code differs by from ``git_revision``, for ``git apply``.

    None if it does not, or is too much to keep.

    Files that git does not know are not in it.
    """
    changes = _git(_ROOT, "diff", "--binary", "HEAD") if (_ROOT / ".git").exists() else None
    return changes if changes and len(changes) <= _MOST_CHANGES else None


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    with contextlib.suppress(OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
    return None


def _description(config: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    """Everything ``config.json`` holds."""
    return {
        "format": 1,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        **git_state(),
        "versions": package_versions(),
        "overrides": to_plain(overrides),
        "config": to_plain(config),
    }
