"""A sweep's folder: ``sweep.toml``, ``variants/``, ``runs/VARIANT/seedN/``, and what is concluded.

What is done is whatever has a result, so going on after a crash needs no other state.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envs.errors import UserError

from ..runs.saved_policy import to_config
from ..support.files import leftovers, make_folder, write_atomically, write_json
from ..support.folder_lock import FolderLock
from ..support.json_data import read_object, take, to_plain
from .plan import SweepPlan, Unit

LOCK, WORKERS_LOCK = ".lock", ".workers.lock"
_PATIENCE = 120.0  # Seconds for which runs of a sweep that was killed may go on; they end after an iteration.
_FREE = ("threads", "device", "engine")
"""Options of a run that may be others when it goes on."""


def require_fit(plan: SweepPlan) -> None:
    """Check that what the folder holds belongs to this sweep. More variants or seeds are fine.

    Raises:
      UserError: it holds something else, or runs with other options.
    """
    if plan.path.exists() and not plan.file.is_file() and not _is_free(plan.path):
        raise UserError(f"{plan.path} already exists and holds no sweep; choose another --run-dir")
    for unit in plan.units:
        _require_same(plan, unit)


def begin(plan: SweepPlan, file: Path) -> None:
    """Write what is asked for, once nobody else can.

    Raises:
      UserError: as of ``require_fit``; or it cannot be written.
    """
    require_fit(plan)
    make_folder(plan.path / "variants")
    if file.resolve() != plan.file.resolve():
        write_atomically(plan.file, file.read_bytes())
    for variant, values in plan.changes.items():
        write_json(plan.override_file(variant), to_plain(values))


def _is_free(path: Path) -> bool:
    """Whether there is nothing but what a sweep left that was killed while it began."""
    return path.is_dir() and {*path.iterdir()} <= {
        *leftovers(path),
        path / LOCK,
        path / WORKERS_LOCK,
        path / "variants",
    }


def _require_same(plan: SweepPlan, unit: Unit) -> None:
    folder = plan.run_folder(unit)
    if not folder.config_file.is_file():
        return
    have, want = (_flat(to_plain(c)) for c in (to_config(folder.read_config(), str(folder.path)), plan.config(unit)))
    for name in have | want:
        if have.get(name) != want.get(name) and name not in _FREE:
            raise UserError(
                f"{folder.path} was trained with {name} = {have.get(name)}, and {unit.variant} wants {want.get(name)}; "
                "give the variant another name, or choose another --run-dir"
            )


def _flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def wait_for_workers(path: Path, say: Callable[[str], None]) -> None:
    """Wait until runs have ended whose sweep was killed: they save after their iteration.

    Raises:
      UserError: they do not end.
    """
    told, end = False, time.monotonic() + _PATIENCE
    while True:
        try:
            with FolderLock(path / WORKERS_LOCK):
                return
        except UserError:
            if time.monotonic() > end:
                raise
        if not told:
            say("runs of a sweep that was killed are ending their iteration")
            told = True
        time.sleep(0.5)


def read_measures(plan: SweepPlan, unit: Unit) -> dict[str, float] | None:
    """Return how a run was judged; None if it was not yet, or by another number of episodes.

    Raises:
      UserError: the file is damaged.
    """
    file = plan.result_file(unit)
    try:
        plain = read_object(file)
        episodes = take(plain, "episodes", int, str(file))
        measures: dict[str, float] = take(plain, "measures", dict[str, float], str(file))
    except FileNotFoundError:
        return None
    except UserError as error:
        raise UserError(f"{error}; delete {file} to judge that run again") from error
    return measures if episodes == plan.episodes else None
