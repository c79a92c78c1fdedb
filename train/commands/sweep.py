"""``hideseek sweep``: variants of a configuration times seeds, and a report that compares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import Threads

from ..learning.memory_need import available_memory, memory_needed, require_memory
from ..support.arguments import parse_arguments
from ..support.console import make_lasting_console, say_on_stderr
from ..support.devices import available_cores, resolve_device
from ..support.files import make_folder
from ..support.folder_lock import FolderLock
from ..support.interrupts import StopRequest
from ..support.plotting import INSTALL_MATPLOTLIB, can_draw
from ..support.task_console import TaskConsole
from ..support.workers import run_all
from ..sweep.outcome import read_outcome
from ..sweep.plan import SweepPlan, Unit, read_plan
from ..sweep.report import improvement_cells, measure_cells, write_report
from ..sweep.runs import Told, do_run
from ..sweep.sweep_folder import LOCK, begin, read_measures, require_fit, wait_for_workers

_MOST_JOBS = 8  # By default.
_PROGRAM = 500_000_000
"""Bytes that a process takes before there is any world."""
_STOPPING = "stopping after this iteration of every run; once more stops at once, without saving it"
_FAILED = 1  # Exit status of a sweep in which a run could not be done.
_HELP = """Train variants of a configuration with several seeds each, and compare them.

Ctrl-C stops it; the same command goes on where it stopped. A run that fails is named, and the others go on.

examples:
  hideseek sweep sweeps/entropy.toml
  hideseek sweep sweeps/entropy.toml --jobs 4 --run-dir runs/entropy
  hideseek sweep --resume runs/entropy

A file of two variants:
  base = "quickstart"
  seeds = 5
  [variants.baseline]
  [variants.entropy-high]
  ppo.entropy_coefficient = 0.03"""


@dataclass(frozen=True, kw_only=True)
class SweepArguments:
    """What can be asked for."""

    file: Annotated[Positional[Path | None], tyro.conf.arg(metavar="FILE")] = None
    """TOML file of variants and seeds (docs/sweeps.md)."""
    run_dir: Path | None = None
    """Folder of the sweep. Default: runs/sweep-<name of the file>."""
    resume: Path | None = None
    """Folder of a sweep to go on with, in place of FILE."""
    jobs: Threads = 0
    """Runs at a time, each on its share of the cores; 0 is one for each core, at most 8 and as many as the memory
    bears, and 1 on a GPU. Results do not depend on it."""


def run(arguments: list[str]) -> int:
    """Do a sweep, or the rest of it, and write its report.

    Returns:
      0; 1 if a run failed; 128 + the signal that stopped it.
    """
    args = parse_arguments(SweepArguments, arguments, "sweep", _HELP)
    file, folder = _where(args)
    plan = read_plan(file, folder)
    for config in plan.configs.values():
        resolve_device(config.device)
        require_memory(config, say=lambda _text: None)
    most = _most_jobs(plan)
    require_fit(plan)
    make_folder(plan.path)
    console = make_lasting_console()
    with FolderLock(plan.path / LOCK):
        wait_for_workers(plan.path, lambda text: console.print(text, soft_wrap=True))
        begin(plan, file)
        return _sweep(plan, args.jobs or most, console)


def _where(args: SweepArguments) -> tuple[Path, Path]:
    """Return the file that says what to do, and the folder."""
    if args.resume is None:
        if args.file is None:
            raise UserError("name a TOML file of variants and seeds, or a sweep to go on with by --resume")
        return args.file, args.run_dir or Path("runs") / f"sweep-{args.file.stem}"
    if args.file is not None or args.run_dir is not None:
        raise UserError("--resume takes everything from the sweep's folder; leave out FILE and --run-dir")
    if not (args.resume / "sweep.toml").is_file():
        raise UserError(f"no sweep at {args.resume}: it has no sweep.toml")
    return args.resume / "sweep.toml", args.resume


def _sweep(plan: SweepPlan, jobs: int, console: Console) -> int:
    """Do what is left, then write the report."""
    make_folder(plan.path / "runs")
    left = [unit for unit in plan.units if read_measures(plan, unit) is None]
    jobs = max(1, min(jobs, len(left)))
    threads = max(available_cores() // jobs, 1)
    number, failures = len(plan.units), dict[Unit, str]()
    already = f", {number - len(left)} are done already" if len(left) < number else ""
    console.print(f"{number} runs in {plan.path}{already}; {jobs} at a time", soft_wrap=True)
    work = {str(unit): float(plan.config(unit).total_env_steps) for unit in plan.units}
    done = {str(unit) for unit in plan.units if unit not in left}
    with TaskConsole(console, work, done, "run") as shown, StopRequest(_STOPPING) as stop:

        def tell(told: Told) -> None:
            if told.warning:
                say_on_stderr(f"warning: {told.unit}: {told.warning}")
            else:
                shown.tell(str(told.unit), told.share, told.words)

        def finished(unit: Unit) -> None:
            measures = read_measures(plan, unit) or {}
            shown.finished(str(unit), ", ".join(f"{name} {value:.3g}" for name, value in measures.items()))

        def failed(unit: Unit, text: str) -> None:
            failures[unit] = text
            shown.failed(str(unit), text)

        run_all(left, partial(do_run, plan, threads), jobs, tell, finished, lambda: stop.requested, failed)
    return _conclude(plan, failures, stop.exit_status, console)


def _conclude(plan: SweepPlan, failures: dict[Unit, str], stopped: int, console: Console) -> int:
    outcome = read_outcome(plan, failures)
    report = write_report(outcome)
    if not can_draw():
        console.print(f"no figures: {INSTALL_MATPLOTLIB}", soft_wrap=True)
    if outcome.measures:
        console.print(_table(measure_cells(outcome)))
        if len(plan.configs) > 1:
            console.print(_table(improvement_cells(outcome)))
    console.print(f"wrote {report}", soft_wrap=True)
    if stopped:
        console.print(f"stopped; continue with: hideseek sweep --resume {plan.path}", soft_wrap=True)
        return stopped
    for unit, text in failures.items():
        say_on_stderr(f"failed: {unit}: {text}")
    return _FAILED if failures else 0


def _most_jobs(plan: SweepPlan) -> int:
    """Return how many runs the machine bears at a time: as many as it has cores and memory for, one on a GPU."""
    configs = plan.configs.values()
    if any(str(resolve_device(config.device)) != "cpu" for config in configs):
        return 1
    need = max(memory_needed(config).total for config in configs) + _PROGRAM
    return max(1, min(available_cores(), available_memory("cpu") // need, _MOST_JOBS))


def _table(rows: list[list[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in rows[0]:
        table.add_column(head)
    for row in rows[1:]:
        table.add_row(*row)
    return table
