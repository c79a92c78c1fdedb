"""``hideseek train``: start a run or a ladder of runs, or continue one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional, UseAppendAction

from envs.errors import UserError
from envs.physics import choose_engine
from envs.scenarios import is_hide_and_seek
from policies.teams import parameter_counts

from ..config.overrides import override, read_overrides
from ..config.presets import PRESETS, choose
from ..config.train_config import TrainConfig, validate
from ..ladder.catalogue import LADDERS
from ..ladder.ladder_folder import LadderFolder, LadderState
from ..ladder.rungs import Goal, Rung
from ..learning.memory_need import require_memory
from ..loggers.choice import require_loggers
from ..play.named_weights import with_whole_paths
from ..runs.checkpoints import Checkpoint
from ..runs.run_folder import RunFolder, package_versions
from ..runs.saved_policy import to_config
from ..stages.stage_watch import past_shares
from ..support.arguments import parse_words, without_options
from ..support.console import TrainingConsole, duration
from ..support.devices import resolve_device
from ..support.files import make_folder
from ..support.folder_lock import FolderLock
from ..support.interrupts import StopRequest
from ..support.json_data import to_plain
from ..support.ranks import Ranks, join_ranks
from ..trainer import Trainer

Overrides = dict[str, dict[str, Any]]
"""Override file -> what it sets, by dotted name."""
_FIXED_ON_RESUME = (
    "scenario",
    "network",
    "num_worlds",
    "seed",
    "stagger",
    "separate_policies",
    "agent_policies",
    "init_from",
    "init_seekers_from",
    "engine",
    "intrinsic",
    "starts",
)
"""Options that a checkpoint's tensors depend on."""
_ROOM = ("max_contacts", "max_constraints")
"""Fields of the scenario that they do not depend on: raised when the GPU engine asks for it."""


@dataclass(kw_only=True)
class TrainArguments:
    """Train agents by self-play. Options below show the defaults of the preset that is named, quickstart if none is."""

    target: Positional[str | None] = None
    """A preset (quickstart, laptop, paper, gpu), a scenario such as hide-and-seek/quadrant, or a ladder of runs."""
    preset: str | None = None
    """Preset for the scenario; by default the one that was made for it."""
    run_dir: Path | None = None
    """Folder for configuration, checkpoints and curves; it must be empty or new. Default:
    runs/<target>-<date>-<time>."""
    resume: Path | None = None
    """Run folder to continue, exactly as if it had never stopped. Its configuration is used; --iterations may be
    raised."""
    override: UseAppendAction[tuple[Path, ...]] = ()
    """TOML or JSON file with options by name, such as ppo.learning_rate = 1e-3. May be given several times; what is
    given later wins, and options on the command line win over files."""
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = PRESETS["quickstart"].config


def run(arguments: list[str]) -> int:
    """Train and return the exit status: 0, or 128 + the signal that ended the run after a checkpoint."""
    # Parsed twice: the first time for the words that choose the defaults, the second time with those defaults.
    words = [word for word in arguments if word not in ("-h", "--help")]
    chosen = _parse(words, PRESETS["quickstart"].config)
    overrides = {str(path): read_overrides(path) for path in chosen.override}
    if chosen.resume is None and chosen.target in LADDERS:
        return _begin_ladder(chosen, chosen.target, arguments, overrides)
    if chosen.resume is not None:
        _check_resume(chosen)
        if (ladder := LadderFolder(chosen.resume)).exists:
            return _resume_ladder(ladder, arguments, overrides)
        with join_ranks() as ranks:
            return _resume(chosen.resume, arguments, overrides, ranks)
    args = _parse(arguments, _override(choose(chosen.target, chosen.preset), overrides))
    with join_ranks() as ranks:
        return _start(args, overrides, ranks)


def _begin_ladder(args: TrainArguments, name: str, arguments: list[str], overrides: Overrides) -> int:
    """Start a ladder."""
    if args.preset is not None:
        raise UserError(f"'{name}' is a ladder with presets of its own; leave out --preset {args.preset}")
    folder = LadderFolder(args.run_dir or Path("runs") / f"{name.rpartition('/')[2]}-{datetime.now():%Y%m%d-%H%M%S}")
    words = without_options(arguments, "--run-dir")
    words.remove(name)
    configs = {rung.name: to_plain(_changed(rung, rung.config, words, overrides)) for rung in LADDERS[name].rungs}
    with join_ranks() as ranks:
        ranks.from_first(folder.require_free)
        ranks.from_first(lambda: folder.write(LadderState(name, configs)))
        return _climb(folder, words, overrides, ranks)


def _resume_ladder(folder: LadderFolder, arguments: list[str], overrides: Overrides) -> int:
    """Go on with a ladder where it was; options that are given now count from now on."""
    with join_ranks() as ranks:
        return _climb(folder, without_options(arguments, "--resume"), overrides, ranks)


def _changed(rung: Rung, config: TrainConfig, words: list[str], overrides: Overrides) -> TrainConfig:
    """Return the configuration of a rung that has not begun with what was given; prints the help, if asked for."""
    config = with_whole_paths(validate(_parse(words, _override(config, overrides)).config))
    rung.goal.require_reachable(config)
    return config


def _climb(folder: LadderFolder, words: list[str], overrides: Overrides, ranks: Ranks) -> int:
    """Train the rungs that were not reached yet, each from the weights of the one before."""
    console, state = TrainingConsole(silent=not ranks.is_first), ranks.from_first(folder.read)
    if state.ladder not in LADDERS:
        raise UserError(f"{folder.path} is of a ladder '{state.ladder}', which this version does not know")
    rungs = LADDERS[state.ladder].rungs
    runs = [folder.run(number, rung.name) for number, rung in enumerate(rungs)]
    begun = ranks.from_first(lambda: [run.config_file.is_file() for run in runs])
    waiting = {
        rung.name: _changed(rung, to_config(state.configs.get(rung.name), str(folder.path)), words, overrides)
        for rung, has_begun in zip(rungs, begun, strict=True)
        if not has_begun
    }
    state.configs.update({name: to_plain(config) for name, config in waiting.items()})

    def note() -> None:
        ranks.from_first(lambda: folder.write(state))

    for number, (rung, run) in enumerate(zip(rungs, runs, strict=True)):
        if rung.name in state.reached:
            continue
        console.say(
            f"rung {number + 1} of {len(rungs)}, {rung.name}: until {rung.strategy} is played in {rung.share:.0%}"
        )
        status = 0
        if rung.name in waiting:
            note()
            config = waiting[rung.name]
            config = dataclasses.replace(config, init_from=str(runs[number - 1].path) if number else config.init_from)
            status = _start(TrainArguments(run_dir=run.path, config=config), overrides, ranks, rung.goal)
        elif not ranks.from_first(partial(_was_reached, rung.goal, run)):
            status = _resume(run.path, words, overrides, ranks, rung.goal, note)
        if status:
            return status
        state.reached[rung.name] = ranks.from_first(run.checkpoints.iterations)[-1]
        note()
    console.say(f"all rungs of {state.ladder} are reached; next: hideseek watch {runs[-1].path}")
    return 0


def _was_reached(goal: Goal, run: RunFolder) -> bool:
    """Tell whether a run had reached its goal when it ended, which the ladder may not have noted."""
    iterations = run.checkpoints.iterations()
    return bool(iterations) and goal.reached(past_shares(run, iterations[-1]))


def _parse(arguments: list[str], defaults: TrainConfig) -> TrainArguments:
    return parse_words(TrainArguments, arguments, "train", TrainArguments(config=defaults))


def _override(config: TrainConfig, overrides: Overrides) -> TrainConfig:
    for path, values in overrides.items():
        config = override(config, values, path)
    return config


def _start(args: TrainArguments, overrides: Overrides, ranks: Ranks, goal: Goal | None = None) -> int:
    """Start a new run."""
    config = with_whole_paths(validate(args.config))
    _require_stages(config)
    ranks.from_first(lambda: require_loggers(config.logger))
    name = (args.target or args.preset or "quickstart").rpartition("/")[2]
    folder = RunFolder(args.run_dir or Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
    ranks.from_first(folder.require_free)
    console = TrainingConsole(silent=not ranks.is_first)
    require_memory(config, ranks, console.say)
    trainer = Trainer(config, ranks)
    trainer.begin(console.say)
    ranks.from_first(lambda: make_folder(folder.path))
    with _locked(folder, ranks):  # Before anything is written: two starts at once may want the same folder.
        ranks.from_first(lambda: folder.create(config, overrides))
        return _run(trainer, folder, console, goal)


def _require_stages(config: TrainConfig) -> None:
    """Refuse to look for strategies where there are none. Older runs may have been told to, and go on."""
    scenario, interval = config.scenario, config.report.stage_interval
    if interval and not is_hide_and_seek(scenario):
        raise UserError(
            f"--report.stage-interval is {interval}; scenario '{scenario.name}' is not hide-and-seek "
            f"({scenario.game}) and has no stages, set it to 0"
        )


@contextlib.contextmanager
def _locked(folder: RunFolder, ranks: Ranks) -> Iterator[None]:
    """Keep other commands from training in a run's folder."""
    with contextlib.ExitStack() as stack:

        def take() -> None:
            stack.enter_context(FolderLock(folder.lock_file))

        ranks.from_first(take)
        yield


def _resume(
    path: Path,
    arguments: list[str],
    overrides: Overrides,
    ranks: Ranks,
    goal: Goal | None = None,
    accept: Callable[[], None] = lambda: None,
) -> int:
    """Continue a run once nobody else can; ``accept`` is called when nothing is wrong with what was given."""
    folder = RunFolder(path)
    ranks.from_first(folder.read_config)  # Says so if there is no run.
    with _locked(folder, ranks):
        return _go_on(folder, arguments, overrides, ranks, goal, accept)


def _go_on(
    folder: RunFolder,
    arguments: list[str],
    overrides: Overrides,
    ranks: Ranks,
    goal: Goal | None,
    accept: Callable[[], None],
) -> int:
    """Continue a run, from the beginning if it ended before its first checkpoint."""
    console = TrainingConsole(silent=not ranks.is_first)
    source, checkpoint, plain = ranks.from_first(lambda: _read(folder, console))
    saved = to_config(plain, str(source))
    config = _parse(arguments, _override(saved, overrides)).config
    _check_unchanged(saved, config)
    if goal:
        goal.require_reachable(config)
    ranks.from_first(lambda: require_loggers(config.logger))
    require_memory(config, ranks, console.say)
    if checkpoint is None:
        trainer = Trainer(config, ranks)
        accept()
        console.say(f"{folder.path} has no checkpoint yet; starting from the beginning")
        trainer.begin(console.say)
        return _run(trainer, folder, console, goal)
    done = checkpoint.counters(str(source)).iteration
    if config.iterations <= done:
        raise UserError(f"{folder.path} has done {done} iterations already; ask for more than that with --iterations")
    trainer = Trainer(config, ranks)
    trainer.restore(checkpoint, str(source))
    accept()
    console.say(f"resuming after iteration {done} from {source}")
    versions, now = checkpoint.metadata.get("versions"), package_versions()
    versions = versions if isinstance(versions, dict) else {}
    changed = [f"{name} {versions[name]} -> {now[name]}" for name in now if versions.get(name, now[name]) != now[name]]
    if changed:
        console.warn(f"packages changed since the checkpoint ({', '.join(changed)}); numbers may differ slightly")
    return _run(trainer, folder, console, goal)


def _read(folder: RunFolder, console: TrainingConsole) -> tuple[Path, Checkpoint | None, Any]:
    """Return where a run's configuration comes from, its newest intact checkpoint if any, and the configuration."""
    plain = folder.read_config()
    if not folder.checkpoints.iterations():
        return folder.config_file, None, plain
    path, checkpoint = folder.checkpoints.load_newest(console.warn)
    return path, checkpoint, checkpoint.metadata.get("config")


def _check_unchanged(saved: TrainConfig, config: TrainConfig) -> None:
    """Refuse impossible options and changes of what the saved tensors depend on."""
    validate(config)
    room = {name: getattr(config.scenario, name) for name in _ROOM}
    saved = dataclasses.replace(saved, scenario=dataclasses.replace(saved.scenario, **room))
    saved, changed = (
        dataclasses.replace(c, engine=choose_engine(c.engine, resolve_device(c.device))) for c in (saved, config)
    )
    for name in _FIXED_ON_RESUME:
        if getattr(changed, name) != getattr(saved, name):
            option = name.replace("_", "-")
            raise UserError(f"--{option} cannot change on --resume; start a new run to change it")


def _check_resume(args: TrainArguments) -> None:
    """Refuse what contradicts ``--resume``."""
    given = {"a preset or scenario": args.target, "--preset": args.preset, "--run-dir": args.run_dir}
    for what, value in given.items():
        if value is not None:
            raise UserError(f"--resume takes everything from the run folder; leave out {what} ({value})")


def _run(trainer: Trainer, folder: RunFolder, console: TrainingConsole, goal: Goal | None = None) -> int:
    """Train with a heading before and a summary after; until a goal is reached, if there is one."""
    config = trainer.config
    console.say(
        f"{config.scenario.name}: {config.num_worlds} worlds, {config.scenario.hiders} hiders v "
        f"{config.scenario.seekers} seekers, {config.iterations:,} iterations of "
        f"{config.env_steps_per_iteration:,} env steps"
    )
    processes = f" in {trainer.ranks.size} processes" if trainer.ranks.size > 1 else ""
    where = f"{config.device}{processes}; run folder {folder.path}"
    console.say(f"{parameter_counts(trainer.policy)}; seed {config.seed}; {where}")

    def reached() -> bool:
        return bool(goal and trainer.stages and goal.reached(trainer.stages.shares))

    with StopRequest() as stop:
        trainer.run(folder, console, lambda: stop.requested or reached())
    trainer.close()
    spent = f"{trainer.env_steps:,} env steps in {duration(trainer.seconds)}"
    if goal and trainer.ranks.any(reached()):
        console.say(f"reached: {goal.strategy} in {goal.share:.0%} of episodes after {spent}")
        return 0
    if goal and trainer.iteration == config.iterations:
        raise UserError(
            f"{goal.strategy} is not played in {goal.share:.0%} of episodes after {config.iterations:,} iterations; go "
            f"on with: hideseek train --resume {folder.path.parent} --iterations {2 * config.iterations}"
        )
    if trainer.iteration < config.iterations:
        console.say(f"stopped after iteration {trainer.iteration}; {spent}")
        console.say(f"continue with: hideseek train --resume {folder.path} --iterations {config.iterations}")
        return stop.exit_status
    console.say(f"done: {spent}")
    curves = f"   and   tensorboard --logdir {folder.path}" if "tensorboard" in config.logger else ""
    console.say(f"next: hideseek evaluate {folder.path}{curves}")
    return 0
