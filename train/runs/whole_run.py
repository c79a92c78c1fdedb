"""A run that is written in one go: there is all of it or none, also after a kill."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from ..support.files import make_folder, remove_leftovers, write_error
from ..support.folder_lock import FolderLock
from .run_folder import RunFolder


@contextlib.contextmanager
def whole_run(folder: RunFolder) -> Iterator[RunFolder]:
    """Give a run to write that becomes ``folder`` when all of it is written.

    It has a temporary name beside a new folder, and inside one that was there before. A new folder appears at once; in
    an old one ``config.json``, without which there is no run, comes last. What a writer that was killed has left is
    removed by the next one of the same folder.

    Raises:
      UserError: another process writes there, the folder is taken by now or cannot be written; nothing is left then.
    """
    path = folder.path.resolve()
    existed = path.is_dir()
    part = RunFolder(path / ".run.tmp" if existed else path.with_name(f".{path.name}.tmp"))
    make_folder(part.path)
    with FolderLock(folder.lock_file if existed else part.lock_file):
        try:
            _clear(part)
            yield part
            folder.require_free()
            if existed:
                _move_in(part, RunFolder(path))
        except BaseException:
            shutil.rmtree(part.path, ignore_errors=True)
            raise
    if not existed:  # Not while the lock in it is open, which Windows would not have.
        try:
            os.replace(part.path, path)
        except OSError as error:
            shutil.rmtree(part.path, ignore_errors=True)
            raise write_error(path, error) from error


def _clear(part: RunFolder) -> None:
    """Delete what a writer that was killed has left, but for the lock that is held now."""
    for child in part.path.iterdir():
        if child.is_dir():
            shutil.rmtree(child, ignore_errors=True)
        elif child != part.lock_file:
            child.unlink()


def _move_in(part: RunFolder, folder: RunFolder) -> None:
    """Move everything into the folder that is around it."""
    try:
        for child in sorted(part.path.iterdir(), key=lambda child: child == part.config_file):
            os.replace(child, folder.path / child.name)
    except OSError as error:
        raise write_error(folder.path, error) from error
    remove_leftovers(folder.path)
