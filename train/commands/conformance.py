"""``hideseek conformance DIR``: replay reference trajectories and say where this implementation differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.table import Table

from envs.errors import UserError
from envs.physics import EngineName, choose_engine

from ..config.machine_options import DeviceOptions
from ..conformance import golden
from ..conformance.comparisons import Check
from ..conformance.probes import PROBES, replay_probes
from ..conformance.rules_replay import replay
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.devices import resolve_device

SUPPORTED_TASKS = (*golden.TASKS, PROBES)


@dataclass(frozen=True, kw_only=True)
class ConformanceArguments(DeviceOptions):
    """Replay reference trajectories of the original rules and compare every quantity."""

    path: Annotated[Path, tyro.conf.Positional]
    """A recording (.npz) or a folder of recordings."""


def run(arguments: list[str]) -> int:
    """Print a table per file and quantity; return 1 if any quantity is beyond its tolerance."""
    args = parse_arguments(ConformanceArguments, arguments, "conformance")
    torch.set_num_threads(1)
    device = resolve_device(args.device)
    engine = choose_engine(args.engine, device)
    console = make_console()
    table = Table(box=None, pad_edge=False)
    for column in ("file", "quantity", "compared", "agree", "required", "worst", ""):
        table.add_column(column, no_wrap=True)
    files, skipped = _files(args.path)
    failures, left_out = [], 0
    for file in files:
        for check in _replay(file, engine, device):
            table.add_row(*_row(file.stem, check), style=None if check.passed else "bold red")
            left_out += check.left_out if check.quantity.endswith("visible") else 0
            if not check.passed:
                failures.append(f"{file.stem}: {check.quantity}")
    console.print(table)
    console.print(
        f"{len(files)} files. Left out of the masks: {left_out} pairs whose answer in the original depends on its"
    )
    console.print("testing the vision cone with shifted positions.")
    if skipped:
        console.print(f"Not covered: {', '.join(skipped)}.")
    if failures:
        console.print(f"beyond tolerance: {'; '.join(failures)}", style="bold red")
    return 1 if failures else 0


def _replay(file: Path, engine: EngineName, device: torch.device) -> list[Check]:
    if golden.task_of(file) == PROBES:
        return replay_probes(file, engine, device)
    return replay(golden.load(file), engine, device)


def _files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the recordings to replay and the names of those of other games."""
    found = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not found or not all(file.is_file() for file in found):
        raise UserError(f"no recordings (.npz) in '{path}'; give a recording or a folder of them")
    supported = [file for file in found if golden.task_of(file) in SUPPORTED_TASKS]
    skipped = [file.stem for file in found if file not in supported]
    if not supported:
        raise UserError(f"'{path}' holds no recording of {' or '.join(SUPPORTED_TASKS)}")
    return supported, skipped


def _row(name: str, check: Check) -> list[str]:
    note = "FAILED" if not check.passed else f"{check.left_out} left out" if check.left_out else ""
    return [
        name,
        check.quantity,
        f"{check.compared}",
        f"{check.agreement:.4%}",
        f"{check.required:.1%}",
        f"{check.worst:.2g}",
        note,
    ]
