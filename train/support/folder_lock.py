"""Keeps two processes from writing into one folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from envs.errors import UserError

from .files import write_error


class FolderLock:
    """While active, nobody else can lock the same file; a process that dies releases it.

    Args:
      file: an empty file, made if need be; it stays.
      shared: others may hold it too, if theirs are shared as well.
    """

    def __init__(self, file: Path, shared: bool = False) -> None:
        self._file, self._kind = file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX
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
            fcntl.flock(handle, self._kind | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise UserError(
                f"{self._file.parent} is in use by another process; wait until it ends, or choose another --run-dir"
            ) from None
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
