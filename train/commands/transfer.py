"""``hideseek transfer``: what a policy that learned hide-and-seek brings to the paper's five tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from envs.errors import UserError, did_you_mean
from envs.options.ranges import AtLeastOne, Positive, Range, Threads
from envs.physics import choose_engine

from ..config.machine_options import DeviceOptions
from ..config.task_presets import TASKS, TaskSize
from ..learning.memory_need import require_memory
from ..play.agents import refuse_agent
from ..runs.saved_policy import find_checkpoint
from ..support.arguments import parse_arguments
from ..support.console import make_lasting_console, say_on_stderr
from ..support.devices import available_cores, resolve_device
from ..support.files import make_folder
from ..support.folder_lock import FolderLock
from ..support.interrupts import StopRequest
from ..support.plotting import INSTALL_MATPLOTLIB, can_draw
from ..support.task_console import TaskConsole
from ..transfer.outcome import Outcome, read_outcome, read_run
from ..transfer.starts import COUNTS, HIDE_AND_SEEK, SCRATCH, STARTS, age_name, checkpoints_of, read_start, title
from ..transfer.study_plan import (
    COUNTING,
    LOCK,
    Request,
    StudyPlan,
    Unit,
    has_plan,
    read_plan,
    require_free,
    require_same_request,
    task_configs,
    write_plan,
)
from ..transfer.study_report import one_line, result_cells, verdicts, write_report
from ..transfer.study_runs import Progress, check_fit, work
from ..transfer.workers import run_all, workers_lock

_MOST_JOBS = 8  # By default: each takes half a gigabyte of memory.
_SEEDS: dict[TaskSize, int] = {"small": 1, "paper": 3}


@dataclass(frozen=True, kw_only=True)
class TransferArguments(DeviceOptions):
    """Learn the paper's five test tasks from several starts, and compare how fast and how well.

    Call it again to go on where it stopped.
    """

    checkpoint: Annotated[Positional[Path | None], tyro.conf.arg(metavar="CKPT")] = None
    """Run folder (its newest checkpoint) or checkpoint file of hide-and-seek."""
    tasks: str = ",".join(TASKS)
    """Tasks, separated by commas."""
    starts: str | None = None
    """Starts, separated by commas: scratch, hide-and-seek (CKPT's weights), counts (those of --counts-from). By default
    all that there is a checkpoint for."""
    counts_from: Path | None = None
    """Run folder or checkpoint that learned by intrinsic motivation, for the start counts."""
    checkpoints: str | None = None
    """More starts: other checkpoints of the run CKPT, as iterations separated by commas, all or last. Shows how
    transfer changes with age."""
    seeds: Annotated[int, Range(above=0)] | None = None
    """Runs of every task and start, with seeds 0, 1, ... By default 1 with small, 3 (as in the paper) with paper."""
    preset: TaskSize = "small"
    """Sizes of the tasks: small for minutes on two cores, paper for large machines."""
    scale: Positive = 1.0
    """Factor on the iterations of every run."""
    episodes: AtLeastOne = 200
    """Episodes in which each final policy is judged; the same layouts for all."""
    run_dir: Path | None = None
    """Folder of the study. Default: runs/transfer-<name of the run>."""
    resume: Path | None = None
    """Folder of a study to go on with; everything else comes from there."""
    jobs: Threads = 0
    """Runs at a time, each on its share of the cores; 0 is one for each core, at most 8, and 1 on a GPU. Results do not
    depend on it."""


def run(arguments: list[str]) -> int:
    """Do the study, or the rest of it, and write its report. Returns 0, or 128 + the signal that stopped it."""
    args = parse_arguments(TransferArguments, arguments, "transfer")
    torch.set_num_threads(1)
    sources: dict[str, Path] = {}
    if args.resume is not None:
        _check_resume(args)
        plan = read_plan(args.resume)
    else:
        plan, sources = _plan(args)
    resolve_device(plan.request.device)
    make_folder(plan.path)
    with FolderLock(plan.path / LOCK):
        with workers_lock(plan.path):
            pass  # No worker of a process that was killed is left.
        if sources:
            write_plan(plan, sources)
        return _study(plan, args.jobs)


def _check_resume(args: TransferArguments) -> None:
    """Refuse what contradicts ``--resume``."""
    default = TransferArguments()
    for field in dataclasses.fields(TransferArguments):
        given = getattr(args, field.name)
        if field.name not in ("resume", "jobs") and given != getattr(default, field.name):
            what = "CKPT" if field.name == "checkpoint" else f"--{field.name.replace('_', '-')}"
            raise UserError(f"--resume takes everything from the study's folder; leave out {what} ({given})")


def _plan(args: TransferArguments) -> tuple[StudyPlan, dict[str, Path]]:
    """Return the plan that the options mean and, if it is a new one, where its starts' weights are."""
    if args.checkpoint is None:
        raise UserError("name a run or checkpoint of hide-and-seek, or a study to go on with by --resume")
    for path in filter(None, (args.checkpoint, args.counts_from)):
        refuse_agent(path, "name a run or checkpoint of hide-and-seek")
    request = _request(args, args.checkpoint)
    folder = args.run_dir or Path("runs") / f"transfer-{_name(args.checkpoint)}"
    if has_plan(folder):
        plan = read_plan(folder)
        require_same_request(plan, request)
        return plan, {}
    require_free(folder)
    sources = _sources(args, request)
    starts = {name: read_start(path, COUNTS if name == COUNTS else HIDE_AND_SEEK) for name, path in sources.items()}
    configs = task_configs(request, starts[HIDE_AND_SEEK])
    check_fit(configs, starts)
    for task, config in configs.items():
        if task != COUNTING:  # Its worlds are those of the classifier, a few.
            require_memory(config, say=lambda _text: None)
    files = {name: start.file for name, start in starts.items()}
    return StudyPlan(
        folder, request, configs, files, {name: start.env_steps for name, start in starts.items()}
    ), sources


def _request(args: TransferArguments, checkpoint: Path) -> Request:
    """Turn options into a request, and refuse what cannot be."""
    tasks = _words(args.tasks, TASKS, "task")
    usual = [SCRATCH, HIDE_AND_SEEK] + [COUNTS] * (args.counts_from is not None)
    starts = _words(args.starts, STARTS, "start") if args.starts is not None else tuple(usual)
    if COUNTS in starts and args.counts_from is None:
        raise UserError(
            "the start counts needs --counts-from, a run or checkpoint that learned by intrinsic motivation"
        )
    if COUNTS not in starts and args.counts_from is not None:
        raise UserError("--counts-from is for the start counts, which --starts leaves out")
    device = resolve_device(args.device)
    seeds = _SEEDS[args.preset] if args.seeds is None else args.seeds
    return Request(
        checkpoint=str(checkpoint.resolve()),
        tasks=tasks,
        starts=starts,
        counts_from=None if args.counts_from is None else str(args.counts_from.resolve()),
        checkpoints=args.checkpoints,
        seeds=seeds,
        preset=args.preset,
        scale=args.scale,
        episodes=args.episodes,
        device=str(device),
        engine=choose_engine(args.engine, device),
    )


def _words(text: str, known: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the words of a comma-separated list, each once, in the order of those that there are."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known:
            raise UserError(f"unknown {what} '{word}'{did_you_mean(word, known)}; there are {', '.join(known)}")
    if not words:
        raise UserError(f"--{what}s is empty; there are {', '.join(known)}")
    return tuple(word for word in known if word in words)


def _sources(args: TransferArguments, request: Request) -> dict[str, Path]:
    """Return where the weights of every start but scratch are.

    Those of CKPT are always among them, because they decide sizes and inputs.
    """
    assert args.checkpoint is not None
    newest, _ = find_checkpoint(args.checkpoint)
    sources = {HIDE_AND_SEEK: newest}
    if COUNTS in request.starts and args.counts_from is not None:
        sources[COUNTS] = find_checkpoint(args.counts_from)[0]
    if request.checkpoints is not None:
        for file in checkpoints_of(args.checkpoint, request.checkpoints):
            if file != newest:
                sources[age_name(read_start(file, HIDE_AND_SEEK).env_steps)] = file
    return sources


def _name(checkpoint: Path) -> str:
    """Name a study after its run; after run and iteration if one checkpoint file was named."""
    path = checkpoint.resolve()
    return path.name if path.is_dir() else f"{path.parent.parent.name}-{path.stem}"


def _study(plan: StudyPlan, jobs: int) -> int:
    """Do what is left, then write the report."""
    console = make_lasting_console()
    left = [unit for unit in plan.units if not plan.is_done(unit)]
    jobs = _jobs(plan, jobs, len(left))
    threads = 0 if jobs == 1 else max(available_cores() // jobs, 1)
    _introduce(plan, left, jobs, console)
    tasks = {str(unit): float(work(plan, unit)) for unit in plan.units}
    done = {str(unit) for unit in plan.units if unit not in left}
    with TaskConsole(console, tasks, done, "run") as shown, StopRequest() as stop:

        def tell(progress: Progress) -> None:
            shown.tell(str(progress.unit), progress.done / progress.total, progress.words)

        def finished(unit: Unit) -> None:
            shown.finished(str(unit), one_line(read_run(plan, unit)))

        def warn(text: str) -> None:
            say_on_stderr(f"warning: {text}")

        whole = run_all(plan, left, jobs, threads, tell, finished, warn, lambda: stop.requested)
    outcome = read_outcome(plan)
    report = write_report(outcome)
    if not can_draw():
        console.print(f"no figures: {INSTALL_MATPLOTLIB}", soft_wrap=True)
    if not whole:
        console.print(f"stopped; continue with: hideseek transfer --resume {plan.path}", soft_wrap=True)
        return stop.exit_status
    console.print(_table(outcome))
    for line in verdicts(outcome):
        console.print(line.replace("**", ""), soft_wrap=True)
    console.print(f"wrote {report}", soft_wrap=True)
    return 0


def _jobs(plan: StudyPlan, asked: int, left: int) -> int:
    """Return how many runs go on at a time."""
    usual = 1 if plan.request.device != "cpu" else min(available_cores(), _MOST_JOBS)
    return max(1, min(asked or usual, left))


def _introduce(plan: StudyPlan, left: list[Unit], jobs: int, console: Console) -> None:
    """Say what is about to happen."""
    for start, file in plan.files.items():
        console.print(f"{title(start)}: {file}, {plan.env_steps[start]:,} env steps", soft_wrap=True)
    number, steps = len(plan.units), sum(work(plan, unit) for unit in left)
    done = f", {number - len(left)} are done already" if len(left) < number else ""
    console.print(
        f"{number} runs in {plan.path}{done}; {steps:,} env steps to go, {jobs} run{'s' * (jobs > 1)} at a time",
        soft_wrap=True,
    )


def _table(outcome: Outcome) -> Table:
    table = Table(box=None, pad_edge=False)
    heads, *rows = result_cells(outcome)
    for head in heads:
        table.add_column(head)
    for row in rows:
        table.add_row(*row)
    return table
