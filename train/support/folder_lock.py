"""Keeps two processes from writing into one folder."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType

from envs.errors import UserError

from .console import say_on_stderr
from .files import write_error

with contextlib.suppress(ImportError):  # Windows has none.
    import fcntl

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_warned: set[Path] = set()


class FolderLock:
    """While active, nobody else can lock the same file; a process that dies releases it.

    Some file systems know no locks (Lustre without flock, some NFS), nor does Windows: there a warning says so, once a
    folder, and nothing keeps two processes apart.

    Args:
      file: an empty file, made if need be; it stays.
      shared: others may hold it too, if theirs are shared as well.
    """

    def __init__(self, file: Path, shared: bool = False) -> None:
        self._file, self._shared = file, shared
        self._handle: int | None = None

    def __enter__(self) -> FolderLock:
        """Take it.

        Raises:
          UserError: another process has it, or the file cannot be made.
        """
        try:
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise write_error(self._file, error) from error
        try:
            _lock(handle, self._shared)
        except OSError as error:
            if error.errno in _HELD:
                os.close(handle)
                raise UserError(
                    f"{self._file.parent} is in use by another process; wait until it ends, or choose another --run-dir"
                ) from None
            self._warn(error)
        self._handle = handle
        return self

    def _warn(self, error: OSError) -> None:
        folder = self._file.absolute().parent
        if folder not in _warned:
            _warned.add(folder)
            say_on_stderr(
                f"warning: {folder} cannot be locked ({error.strerror or error}); see to it that no other process "
                "writes there"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _lock(handle: int, shared: bool) -> None:
    """Lock an open file, or raise an OSError: one of ``_HELD`` where somebody else has it."""
    if "fcntl" not in globals():
        raise OSError(errno.ENOSYS, "this system has no file locks")
    fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
