"""``hideseek reproduce NAME``: a paper's results on a social game beside ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from envs.errors import UserError

from ..social.catalogue import STUDIES, get_study
from ..social.report import Report, Section, write_report
from ..social.study import Piece, Study, StudyArguments
from ..social.study_folder import StudyFolder, Told
from ..support.arguments import parse_arguments
from ..support.console import make_lasting_console
from ..support.devices import available_cores
from ..support.files import make_folder, write_json
from ..support.folder_lock import FolderLock
from ..support.interrupts import StopRequest
from ..support.plotting import INSTALL_MATPLOTLIB, can_draw
from ..support.task_console import TaskConsole

_MOST_JOBS = 8  # By default.
_STOPPING = "stopping; what is finished is kept"
_BROKEN = 1  # Exit status of a study in which something does not hold that must.


def run(arguments: list[str]) -> int:
    """Do a study, or the rest of it, and write its report.

    Returns:
      0, also if the studies were listed; 1 if a result that must hold does not; 128 + the signal that stopped it.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    name, *rest = arguments
    study = get_study(name)
    args = parse_arguments(study.arguments, rest, f"reproduce {name}", _examples(study))
    label = study.label(args)  # Refuses what is impossible, before anything is written.
    folder = StudyFolder(args.run_dir or Path("runs") / f"reproduce-{label}")
    _check_json(args)
    torch.set_num_threads(1)
    folder.require_fit(study, args)
    make_folder(folder.path)
    with FolderLock(folder.lock_file):
        folder.begin(study, args)
        return _study(study, args, folder)


def _check_json(args: StudyArguments) -> None:
    if args.json_file is not None and not os.access(args.json_file.absolute().parent, os.W_OK):
        raise UserError(f"cannot write {args.json_file}: its folder is missing or not writable")


def _study(study: Study, args: Any, folder: StudyFolder) -> int:
    """Do what is left, then write the report."""
    console = make_lasting_console()
    pieces = study.pieces(args)
    done = {piece.name for piece in pieces if folder.is_done(piece)}
    jobs = max(1, min(args.jobs or min(available_cores(), _MOST_JOBS), len(pieces) - len(done)))
    already = f", {len(done)} are done already" if done else ""
    console.print(f"{study.name}: {len(pieces)} pieces in {folder.path}{already}; {jobs} at a time", soft_wrap=True)
    work = {piece.name: piece.work for piece in pieces}
    with TaskConsole(console, work, done, "piece") as shown, StopRequest(_STOPPING) as stop:

        def tell(told: Told) -> None:
            shown.tell(told.piece, told.share, told.words)

        def finished(piece: Piece) -> None:
            shown.finished(piece.name)

        whole = folder.work(pieces, jobs, tell, finished, lambda: stop.requested)
    if not whole:
        console.print(f"stopped; the same command with --run-dir {folder.path} goes on", soft_wrap=True)
        return stop.exit_status
    report = study.report(args, {piece.name: folder.result(piece) for piece in pieces})
    path = write_report(report, folder.path, study.paper)
    if args.json_file is not None:
        write_json(args.json_file, report.to_plain())
    _print(report, console)
    if not can_draw():
        console.print(f"no figures: {INSTALL_MATPLOTLIB}", soft_wrap=True)
    console.print(f"wrote {path}", soft_wrap=True)
    for result in report.broken:
        console.print(f"does not hold: {result.what}", soft_wrap=True)
    return _BROKEN if report.broken else 0


def _print(report: Report, console: Console) -> None:
    for section in report.sections:
        for rows in section.tables:
            console.print(_table(section, rows))
            console.print()


def _table(section: Section, rows: list[list[str]]) -> Table:
    table = Table(title=section.heading, title_justify="left", box=None, pad_edge=False)
    for head in rows[0]:
        table.add_column(head)
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _examples(study: Study) -> str:
    lines = [f"  hideseek reproduce {study.name} {example}".rstrip() for example in study.examples]
    return "\n".join([study.summary, *([f"Paper: {study.paper}"] if study.paper else []), "examples:", *lines])


def _help() -> str:
    lines = ["usage: hideseek reproduce NAME [--quick] [--run-dir DIR] [--json FILE] [...]", ""]
    lines += ["Run the settings of a paper on social games, and show its results beside ours.", ""]
    lines += [f"  {name:<12} {study.summary}" for name, study in STUDIES.items()]
    lines += ["", "'hideseek reproduce NAME --help' shows the options. Examples:"]
    lines += [f"  hideseek reproduce {name} {study.examples[0]}" for name, study in STUDIES.items()]
    return "\n".join(lines)
