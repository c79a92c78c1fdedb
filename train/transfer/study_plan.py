"""The plan of a transfer study: which tasks are learned from which starts, and where everything is kept.

A study's folder holds ``plan.json``, the weights of every start in ``starts/``, a run folder for each task, start and
seed in ``runs/``, and what is concluded: ``report.md``, ``results.csv``, ``figures/``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Positive, faults
from envs.physics import EngineName

from ..config.task_presets import TASKS, TaskSize, task_config
from ..config.train_config import TrainConfig, validate
from ..runs.run_folder import RunFolder, git_state, package_versions
from ..runs.saved_policy import to_config
from ..support.files import leftovers, make_folder, require_text, write_json
from ..support.json_data import read_object, take, to_plain
from .inputs import same_inputs
from .starts import COUNTS, HIDE_AND_SEEK, SCRATCH, STARTS, InitialWeights, is_age, keep_start, read_start

COUNTING = "object-counting"
"""The task that is not played but answered: a classifier learns it from the frozen policy's memory."""
RANDOM_PLAY = "random play"
"""Stands in the place of a start for play without any policy, which every task is compared with."""
LOCK, WORKERS_LOCK = ".lock", ".workers.lock"
"""Files that are locked by whoever works on a study: the first process, and all others."""
_FILE = "plan.json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for; the same request in the same folder goes on where it stopped."""

    checkpoint: str
    """Run folder or checkpoint of hide-and-seek."""
    tasks: tuple[str, ...]
    """Names of tasks, in order."""
    starts: tuple[str, ...]
    """Names of starts, in order."""
    counts_from: str | None
    """Run folder or checkpoint of intrinsic motivation."""
    checkpoints: str | None
    """Which further ages of the run of ``checkpoint``: iterations or ``all``."""
    seeds: AtLeastOne
    """Runs of every task and start."""
    preset: TaskSize
    """Sizes of the tasks."""
    scale: Positive
    """Factor on the iterations of every run."""
    episodes: AtLeastOne
    """Episodes in which a final policy is judged."""
    device: str
    """Where everything happens: cpu or cuda."""
    engine: EngineName = "auto"
    """Physics engine of all worlds."""


@dataclass(frozen=True, order=True)
class Unit:
    """One run: a task, learned from one start with one seed."""

    task: str
    start: str
    seed: int

    def __str__(self) -> str:
        return (
            f"{self.task}: {RANDOM_PLAY}"
            if self.start == RANDOM_PLAY
            else f"{self.task} from {self.start}, seed {self.seed}"
        )


@dataclass(frozen=True)
class StudyPlan:
    """A study that has been decided on."""

    path: Path
    """Its folder."""
    request: Request
    """What was asked for."""
    configs: dict[str, TrainConfig]
    """How each task is learned; a run replaces the seed."""
    files: dict[str, str]
    """Where the weights of each start but scratch came from."""
    env_steps: dict[str, int]
    """Env steps of training behind each start but scratch."""

    @property
    def starts(self) -> list[str]:
        """Every start, further ages included."""
        return [*self.request.starts, *(name for name in self.files if is_age(name))]

    @property
    def units(self) -> list[Unit]:
        """Everything to be done, in order: random play, then seed by seed, so that a part of it is a whole study."""
        request = self.request
        first = [Unit(task, RANDOM_PLAY, 0) for task in request.tasks if task != COUNTING]
        return first + [
            Unit(task, start, seed) for seed in range(request.seeds) for task in request.tasks for start in self.starts
        ]

    def run_folder(self, unit: Unit) -> RunFolder:
        """Return where a unit's run is kept."""
        return RunFolder(self.path / "runs" / unit.task / unit.start.replace(" ", "-") / f"seed{unit.seed}")

    def result_file(self, unit: Unit) -> Path:
        """Return the file that a unit leaves when it is done."""
        return self.run_folder(unit).path / "result.json"

    def weights_file(self, unit: Unit) -> Path:
        """Return the file that says what became of every tensor of a unit's start."""
        return self.run_folder(unit).path / "weights.json"

    def is_done(self, unit: Unit) -> bool:
        """Whether a unit needs nothing more."""
        return self.result_file(unit).is_file()

    def start_file(self, start: str) -> Path:
        """Return the checkpoint with a start's weights."""
        return self.path / "starts" / f"{start}.safetensors"

    def read_start(self, start: str) -> InitialWeights | None:
        """Return a start's weights; None for scratch.

        Raises:
          UserError: the file is missing or damaged.
        """
        kind = COUNTS if start == COUNTS else HIDE_AND_SEEK
        return None if start == SCRATCH else read_start(self.start_file(start), kind, self.files[start])


def task_configs(request: Request, source: InitialWeights) -> dict[str, TrainConfig]:
    """Return how each task is learned by a policy of the source's sizes and senses.

    Raises:
      UserError: the source's senses make a task impossible.
    """
    configs = {}
    for task in request.tasks:
        base = task_config(task, request.preset)
        iterations = max(1, round(base.iterations * request.scale))
        configs[task] = validate(
            dataclasses.replace(
                base,
                scenario=same_inputs(base.scenario, source.config.scenario),
                network=source.config.network,
                iterations=iterations,
                checkpoint_interval=max(1, min(base.checkpoint_interval, iterations)),
                device=request.device,
                engine=request.engine,
                torch_threads=1,
            )
        )
    return configs


def write_plan(plan: StudyPlan, sources: dict[str, Path]) -> None:
    """Make the folder of a new study, with the weights of its starts.

    Args:
      plan: the study.
      sources: start -> run folder or checkpoint.

    Raises:
      UserError: the folder holds something else, or cannot be written.
    """
    make_folder(plan.path)
    for start, source in sources.items():
        keep_start(source, plan.start_file(start))
    # Last: a folder with a plan is complete.
    write_json(
        plan.path / _FILE,
        {
            "format": 1,
            "created": datetime.now().astimezone().isoformat(timespec="seconds"),
            **git_state(),
            "versions": package_versions(),
            "request": to_plain(plan.request),
            "configs": to_plain(plan.configs),
            "files": plan.files,
            "env_steps": plan.env_steps,
        },
    )


def has_plan(path: Path) -> bool:
    """Whether a folder holds a study."""
    return (path / _FILE).is_file()


def read_plan(path: Path) -> StudyPlan:
    """Read the plan of a study.

    Raises:
      UserError: there is none, or it is damaged.
    """
    file = path / _FILE
    where = str(file)
    try:
        plain = read_object(file)
    except FileNotFoundError:
        raise UserError(f"no transfer study at {path}: it has no {_FILE}") from None
    request = take(plain, "request", Request, where)
    configs = {task: to_config(config, where) for task, config in take(plain, "configs", dict[str, Any], where).items()}
    files = take(plain, "files", dict[str, str], where)
    plan = StudyPlan(path, request, configs, files, take(plain, "env_steps", dict[str, int], where))
    _require_sense(plan, where)
    return plan


def _require_sense(plan: StudyPlan, where: str) -> None:
    """Refuse a plan that no request has led to.

    Raises:
      UserError: says what is wrong with it.
    """
    request = plan.request
    for name, text in faults(request):
        raise UserError(f"{where}: '{name}' {text}")
    for what, words, known in (("task", request.tasks, TASKS), ("start", request.starts, STARTS)):
        for word in words:
            if word not in known:
                raise UserError(f"{where}: unknown {what} '{word}'; there are {', '.join(known)}")
    needed = {*(name for name in request.starts if name != SCRATCH), HIDE_AND_SEEK}
    missing = [*sorted(set(request.tasks) - set(plan.configs)), *sorted(needed - set(plan.files))]
    missing += sorted(set(plan.files) - set(plan.env_steps))
    if missing:
        raise UserError(f"{where} is incomplete: it says nothing of '{missing[0]}'")


def require_same_request(plan: StudyPlan, request: Request) -> None:
    """Refuse to go on with a study that was asked for differently.

    Raises:
      UserError: names the first option that differs.
    """
    for field in dataclasses.fields(Request):
        have, want = getattr(plan.request, field.name), getattr(request, field.name)
        if have != want:
            option = "the checkpoint" if field.name == "checkpoint" else f"--{field.name.replace('_', '-')}"
            raise UserError(
                f"{plan.path} holds another study: {option} is {_show(have)} there, not {_show(want)}; continue that "
                "one "
                f"with --resume {plan.path} or choose another --run-dir"
            )


def require_free(path: Path) -> None:
    """Refuse a folder for a new study that holds anything but what a study left that was killed while it was planned.

    Raises:
      UserError: the path is a file, a folder with something else in it, or no text.
    """
    require_text(path)
    mine = {"starts", LOCK, WORKERS_LOCK}
    if path.is_dir() and {entry.name for entry in path.iterdir()} <= mine | {entry.name for entry in leftovers(path)}:
        return
    if path.exists():
        raise UserError(f"{path} already exists and holds no transfer study; choose another --run-dir")


def _show(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
