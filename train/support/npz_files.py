"""Archives of NumPy arrays (.npz) that somebody else may have written."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.errors import UserError


def read_npz(path: Path, what: str, only: str | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive by name. Nothing in it is run.

    Args:
      path: the file.
      what: it should be, for messages: "episode file".
      only: the one array to read; None for all.

    Raises:
      UserError: it cannot be read, is no such archive, is damaged, or holds anything but numbers and text.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise UserError(f"{what} {path} is damaged, or is no .npz file")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ([only] if only else archive.files)}
    except UserError:
        raise
    except Exception as error:  # Whatever the parsers of zip files and arrays trip over.
        said = " ".join(str(error).split())[:120] or type(error).__name__
        why = "it holds Python objects" if "allow_pickle" in said else said
        raise UserError(f"{what} {path} is damaged, or is none ({why})") from error
    if strange := [name for name, values in arrays.items() if not isinstance(values, np.ndarray)]:
        raise UserError(f"{what} {path} is damaged: '{strange[0]}' is no array")
    return arrays
