"""Does the runs of a study one after the other, or several at a time, each in a process of its own.

A run that is stopped ends after its iteration, with a checkpoint. A worker whose first process has died ends in the
same way, and until then holds a lock that keeps others from its files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..support import workers
from ..support.folder_lock import FolderLock
from .study_plan import WORKERS_LOCK, StudyPlan, Unit, read_plan
from .study_runs import Progress, run_unit


def workers_lock(path: Path, shared: bool = False) -> FolderLock:
    """Return the lock that every worker of a study holds as a shared one."""
    return FolderLock(path / WORKERS_LOCK, shared)


def run_all(
    plan: StudyPlan,
    units: Sequence[Unit],
    jobs: int,
    threads: int,
    tell: Callable[[Progress], None],
    finished: Callable[[Unit], None],
    warn: Callable[[str], None],
    stop: Callable[[], bool],
) -> bool:
    """Do runs in order.

    Args:
      plan: the study.
      units: what is left to do.
      jobs: how many run at a time; 1 runs them in this process.
      threads: physics threads of each.
      tell: is told of progress.
      finished: is told of runs that are done.
      warn: is given warnings.
      stop: True ends everything soon, resumable.

    Returns:
      Whether all of them are done.

    Raises:
      UserError: a run failed or its process died; the others have been stopped and can be resumed.
    """

    def hear(said: Progress | str) -> None:
        warn(said) if isinstance(said, str) else tell(said)

    work = partial(_do_here, plan, threads) if jobs == 1 else partial(_do, plan.path, threads)
    return workers.run_all(units, work, jobs, hear, finished, stop)


def _do_here(plan: StudyPlan, threads: int, unit: Unit, tell: workers.Tell, stop: workers.Stop) -> bool:
    return run_unit(plan, unit, threads, tell, tell, stop)


def _do(path: Path, threads: int, unit: Unit, tell: workers.Tell, stop: workers.Stop) -> bool:
    """Do one run in a process of its own."""
    with workers_lock(path, shared=True):
        return _do_here(read_plan(path), threads, unit, tell, stop)
