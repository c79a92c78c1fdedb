"""Writing files so that a crash, a kill or a full disk never leaves half a file behind."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

from envs.errors import UserError

_FULL = {errno.ENOSPC, errno.EDQUOT}


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader sees either the old file or the complete new one.

    The bytes go to a temporary file in the same folder, reach the disk, and then take the final name.

    Raises:
      UserError: the disk is full or the file cannot be written. The temporary file is gone, the old file is intact.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_to_disk(temporary, data)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN and infinity are refused because JSON has neither.

    Raises:
      UserError: the disk is full or the file cannot be written.
    """
    write_atomically(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def leftovers(folder: Path) -> list[Path]:
    """Return the temporary files and folders that killed writers have left in a folder."""
    return sorted(path for path in folder.iterdir() if path.name.startswith(".") and path.suffix == ".tmp")


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers have left in a folder that nobody else writes to now."""
    for path in leftovers(folder):
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_folder(path: Path) -> None:
    """Create a folder and its parents; an existing one is fine.

    Raises:
      UserError: the disk is full or the folder cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def require_text(path: Path) -> None:
    """Refuse a folder whose name is no text, since TensorBoard cannot write there.

    Raises:
      UserError: some of its bytes are not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"the name {path} is not UTF-8; choose another --run-dir") from None


def write_error(path: Path | str, error: OSError) -> UserError:
    """Return the one-line message for a failed write to ``path``."""
    if error.errno in _FULL:
        return UserError(f"no space left on the disk while writing {path}; free some space and try again")
    return UserError(f"cannot write {path}: {error.strerror or error}")


def _write_to_disk(path: Path, data: bytes) -> None:
    """Write and wait until the disk has it."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename durable. Not every file system can; the rename itself is still atomic there."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
