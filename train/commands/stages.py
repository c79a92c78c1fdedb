"""``hideseek stages RUN``: which strategies a run's checkpoints play, with the evidence."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from tyro.conf import Positional

from envs import scenarios
from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Seed

from ..config.machine_options import MachineOptions
from ..evaluation.matches import lost
from ..play.agents import agent_choices, check_agent, check_kept, refuse_agent
from ..rendering.video import VideoOptions
from ..runs.checkpoints import load_checkpoint, pick_iterations
from ..runs.metrics import read_metrics
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import load_policy
from ..runs.shipped_policies import find_run
from ..stages import curves
from ..stages.film import film
from ..stages.stage_report import began, compose, examined, left_out
from ..stages.strategies import strategies_of
from ..stages.study import CHANCE, Study, StudyOptions, examine_agent, study
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.devices import resolve_device
from ..support.files import make_folder, write_atomically
from ..support.plotting import INSTALL_MATPLOTLIB, can_draw

_WIDTH, _HEIGHT = 480, 360  # Pixels of videos.


@dataclass(frozen=True, kw_only=True)
class StagesArguments(MachineOptions):
    """Play a run's checkpoints against themselves, tell their strategies, and write report.md into the run folder.

    Of a checkpoint file, a policy that comes with the project, or an agent without a policy (--agent) they are told,
    and nothing is written.
    """

    run: Positional[Path | None] = None
    """Run folder, checkpoint file or name of a policy that comes with the project; not needed with --agent."""
    agent: str | None = None
    """Examine an agent without a policy instead: random, zero, chaser, blocker, climber, ramp-thief or defender; after
    the scripts a strength may follow, as in chaser:0.5."""
    scenario: str | None = None
    """Scenario in which the agent plays, hide-and-seek/quickstart by default; checkpoints play in their own."""
    hiders: str | None = None
    """Who plays the hiders instead of the run: an agent without a policy, such as blocker, or a run, checkpoint or
    shipped policy. Random play then meets the same hiders."""
    seekers: str | None = None
    """Who plays the seekers instead, such as chaser."""
    episodes: AtLeastOne = 100
    """Episodes of each checkpoint; more make the intervals narrower."""
    checkpoints: str = "all"
    """Of a run folder: all that it has kept, last (the newest one alone), or iterations such as 20,60,120."""
    seed: Seed = 0
    """Seed of layouts and actions; every checkpoint plays the same layouts."""
    num_worlds: AtLeastOne = 50
    """Worlds played at the same time; changes the layouts, not their distribution."""
    videos: bool = True
    """Film an example of every strategy that was found."""


def run(arguments: list[str]) -> None:
    """Play, print the table, and write the report with its curves and videos."""
    args = parse_arguments(StagesArguments, arguments, "stages")
    _check(args)
    if args.agent is not None:
        _agent(args, args.agent)
        return
    assert args.run is not None
    refuse_agent(args.run, f"examine it with --agent {args.run}")
    shipped = find_run(args.run)
    if shipped.is_file():
        if args.checkpoints != "all":
            raise UserError(f"--checkpoints is '{args.checkpoints}', and {args.run} is no run folder; leave it out")
        _shipped(args, shipped)
        return
    folder = RunFolder(args.run)
    files = _files(args, folder)
    config = load_policy(files[-1]).config
    strategies_of(config.scenario)
    torch.set_num_threads(1)
    console = make_console()
    options = _options(args)
    with _progress() as bar:
        tasks: dict[Path | str, TaskID] = {CHANCE: bar.add_task(CHANCE, total=args.episodes)}
        tasks |= {file: bar.add_task(file.stem, total=args.episodes) for file in files}
        result = study(files, options, lambda file, done: bar.update(tasks[file], completed=done))
    console.print(examined(result.findings, config.total_env_steps), soft_wrap=True)
    console.print(_table(result))
    for line in left_out(result, options):
        console.print(line, soft_wrap=True)

    def say(text: str) -> None:
        console.print(text, soft_wrap=True)

    images = _draw(folder, result, say)
    videos = _film(folder, result, say) if args.videos else {}
    name = folder.path.absolute().name
    report = folder.path / "report.md"
    write_atomically(report, compose(result, options, name, config.total_env_steps, images, videos).encode())
    say(f"wrote {report}")


def _options(args: StagesArguments) -> StudyOptions:
    return StudyOptions(
        episodes=args.episodes,
        seed=args.seed,
        num_worlds=args.num_worlds,
        hiders=args.hiders,
        seekers=args.seekers,
        device=str(resolve_device(args.device)),
        engine=args.engine,
        threads=args.threads,
    )


def _agent(args: StagesArguments, agent: str) -> None:
    """Tell the strategies of an agent without a policy."""
    scenario = scenarios.get(args.scenario or scenarios.QUICKSTART.name)
    torch.set_num_threads(1)
    with _progress() as bar:
        task = bar.add_task(agent, total=args.episodes)
        shares = examine_agent(agent, scenario, _options(args), lambda done: bar.update(task, completed=done))
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{agent} in {scenario.name}")
    table.add_column(f"share of {args.episodes} episodes", justify="right")
    for name, share in shares.items():
        table.add_row(name, str(share))
    console = make_console()
    console.print(table)
    if broken := args.episodes - next(iter(shares.values())).episodes:
        console.print(lost(broken, [], args.episodes), soft_wrap=True)


def _shipped(args: StagesArguments, file: Path) -> None:
    """Tell the strategies of one file's policy beside those of random play."""
    torch.set_num_threads(1)
    console = make_console()
    options = _options(args)
    with _progress() as bar:
        tasks: dict[Path | str, TaskID] = {CHANCE: bar.add_task(CHANCE, total=args.episodes)}
        tasks[file] = bar.add_task(file.stem, total=args.episodes)
        result = study([file], options, lambda part, done: bar.update(tasks[part], completed=done))
    console.print(_table(result))
    for line in left_out(result, options):
        console.print(line, soft_wrap=True)


def _check(args: StagesArguments) -> None:
    """Refuse impossible requests before anything is loaded."""
    if (args.run is None) == (args.agent is None):
        raise UserError(f"give either a run, or --agent {agent_choices()}")
    if args.agent is not None and args.checkpoints != "all":
        raise UserError(f"--checkpoints is '{args.checkpoints}', and {args.agent} has none; leave it out")
    if args.agent is None and args.scenario is not None:
        raise UserError("--scenario is where an --agent plays; checkpoints play in their own")
    if args.agent is not None:
        check_agent(args.agent)
        check_kept(args.agent, args.hiders, args.seekers)
    resolve_device(args.device)


def _files(args: StagesArguments, folder: RunFolder) -> list[Path]:
    """Return the checkpoints to examine, oldest first.

    Raises:
      UserError: there are none, or the folder is not writable.
    """
    folder.read_config()
    if not os.access(folder.path, os.W_OK):
        raise UserError(f"cannot write {folder.path / 'report.md'}: the folder is not writable")
    if args.checkpoints == "last":
        return [folder.checkpoints.load_newest(_warn)[0]]
    picked = pick_iterations(args.checkpoints, folder.checkpoints.iterations(), folder.path)
    files = [folder.checkpoints.file(iteration) for iteration in picked]
    if args.checkpoints != "all":  # What was named must be there.
        for file in files:
            load_checkpoint(file)
        return files
    intact = [file for file in files if _intact(file)]
    return intact or [folder.checkpoints.load_newest(lambda _text: None)[0]]


def _intact(file: Path) -> bool:
    try:
        load_checkpoint(file)
    except UserError as error:
        _warn(str(error))
        return False
    return True


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _table(result: Study) -> Table:
    table = Table(box=None, pad_edge=False)
    assert result.chance is not None
    table.add_column("share of episodes at env step")
    table.add_column(CHANCE, justify="right")
    for finding in result.findings:
        table.add_column(f"{finding.env_steps:,}", justify="right")
    table.add_column("began at env step")
    for name in result.strategies:
        shares = [str(finding.shares[name]) for finding in (result.chance, *result.findings)]
        table.add_row(name, *shares, began(result, name))
    return table


def _draw(folder: RunFolder, result: Study, say: Callable[[str], None]) -> dict[str, str]:
    """Draw the curves. Returns title -> path relative to the run's folder."""
    if not can_draw():
        say(f"no curves: {INSTALL_MATPLOTLIB}")
        return {}
    pictures = folder.path / "report"
    make_folder(pictures)
    curves.draw_shares(pictures / "strategies.png", result)
    images = {"Strategies during training": "report/strategies.png"}
    metrics = read_metrics(folder.metrics_file) if folder.metrics_file.is_file() else []
    if curves.draw_statistics(pictures / "statistics.png", metrics):
        images["What agents did with objects during training"] = "report/statistics.png"
    return images


def _film(folder: RunFolder, result: Study, say: Callable[[str], None]) -> dict[str, str]:
    """Film an example of every strategy that was found. Returns strategy -> path relative to the run's folder."""
    videos = {}
    make_folder(folder.videos)
    for name in result.strategies:
        if result.began(name) is None:
            continue
        file = folder.videos / f"stage-{name.replace(' ', '-')}.mp4"
        example = result.examples[name]
        try:
            caption = f"{name}, iteration {example.iteration:,}"
            film(file, result.scene, example, VideoOptions(width=_WIDTH, height=_HEIGHT, caption=caption))
        except UserError as error:
            say(f"no videos: {error}")
            break
        videos[name] = f"{folder.videos.name}/{file.name}"
    return videos


def _progress() -> Progress:
    """Return a bar of episodes for every checkpoint, on stderr if that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty())
