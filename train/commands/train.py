"""``hideseek train``: start a run, or continue one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from envs.errors import UserError

from ..checkpoints import Checkpoint
from ..console import TrainingConsole, duration
from ..interrupts import StopRequest
from ..plain import from_plain
from ..presets import PRESETS, TrainConfig, choose, validate
from ..run_folder import RunFolder, package_versions
from ..trainer import Trainer, parameter_counts

_FIXED_ON_RESUME = ("scenario", "network", "num_worlds", "seed", "stagger")
"""Options that a checkpoint's tensors depend on."""


@dataclass(kw_only=True)
class TrainArguments:
    """Train agents by self-play. Options below show the defaults of the preset that is named, quickstart if none is."""

    target: Positional[str | None] = None
    """A preset (quickstart, laptop, paper) or a scenario such as hide-and-seek/quadrant."""
    preset: str | None = None
    """Preset for the scenario; by default the one that was made for it."""
    run_dir: Path | None = None
    """Folder for configuration, checkpoints and curves; it must be empty or new. Default: runs/<target>-<date>-<time>."""
    resume: Path | None = None
    """Run folder to continue, exactly as if it had never stopped. Its configuration is used; --iterations may be raised."""
    config: Annotated[TrainConfig, tyro.conf.arg(name="")] = PRESETS["quickstart"].config


def run(arguments: list[str]) -> int:
    """Train and return the exit status: 0, or 128 + the signal that ended the run after a checkpoint."""
    # Parsed twice: the first time for the words that choose the defaults, the second time with those defaults.
    words = [word for word in arguments if word not in ("-h", "--help")]
    chosen = _parse(words, PRESETS["quickstart"].config)
    console = TrainingConsole()
    if chosen.resume is None:
        args = _parse(arguments, choose(chosen.target, chosen.preset))
        return _start(args, console)
    _check_resume(chosen)
    folder = RunFolder(chosen.resume)
    plain = folder.read_config()
    if not folder.checkpoints.iterations():
        saved = from_plain(TrainConfig, plain, str(folder.config_file))
        return _begin_again(folder, saved, _parse(arguments, saved).config, console)
    path, checkpoint = folder.checkpoints.load_newest(console.warn)
    saved = from_plain(TrainConfig, checkpoint.metadata.get("config"), str(path))
    return _resume(folder, path, checkpoint, saved, _parse(arguments, saved).config, console)


def _parse(arguments: list[str], defaults: TrainConfig) -> TrainArguments:
    return tyro.cli(TrainArguments, args=arguments, default=TrainArguments(config=defaults), prog="hideseek train")


def _start(args: TrainArguments, console: TrainingConsole) -> int:
    """Start a new run."""
    validate(args.config)
    name = (args.target or args.preset or "quickstart").rpartition("/")[2]
    folder = RunFolder(args.run_dir or Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
    folder.require_free()
    trainer = Trainer(args.config)
    trainer.begin()
    folder.create(args.config)
    return _run(trainer, folder, console)


def _resume(
    folder: RunFolder,
    path: Path,
    checkpoint: Checkpoint,
    saved: TrainConfig,
    config: TrainConfig,
    console: TrainingConsole,
) -> int:
    """Continue a run."""
    _check_unchanged(saved, config)
    done = int(checkpoint.metadata["counters"]["iteration"])
    if config.iterations <= done:
        raise UserError(f"{folder.path} has done {done} iterations already; ask for more than that with --iterations")
    trainer = Trainer(config)
    trainer.restore(checkpoint, str(path))
    console.say(f"resuming after iteration {done} from {path}")
    versions, now = checkpoint.metadata.get("versions", {}), package_versions()
    changed = [f"{name} {versions[name]} -> {now[name]}" for name in now if versions.get(name, now[name]) != now[name]]
    if changed:
        console.warn(f"packages changed since the checkpoint ({', '.join(changed)}); numbers may differ slightly")
    return _run(trainer, folder, console)


def _begin_again(folder: RunFolder, saved: TrainConfig, config: TrainConfig, console: TrainingConsole) -> int:
    """Start a run whose folder is there but which ended before its first checkpoint."""
    _check_unchanged(saved, config)
    trainer = Trainer(config)
    trainer.begin()
    console.say(f"{folder.path} has no checkpoint yet; starting from the beginning")
    return _run(trainer, folder, console)


def _check_unchanged(saved: TrainConfig, config: TrainConfig) -> None:
    """Refuse impossible options and changes of what the saved tensors depend on."""
    validate(config)
    for name in _FIXED_ON_RESUME:
        if getattr(config, name) != getattr(saved, name):
            option = name.replace("_", "-")
            raise UserError(f"--{option} cannot change on --resume; start a new run to change it")


def _check_resume(args: TrainArguments) -> None:
    """Refuse what contradicts ``--resume``."""
    given = {"a preset or scenario": args.target, "--preset": args.preset, "--run-dir": args.run_dir}
    for what, value in given.items():
        if value is not None:
            raise UserError(f"--resume takes everything from the run folder; leave out {what} ({value})")


def _run(trainer: Trainer, folder: RunFolder, console: TrainingConsole) -> int:
    """Train with a heading before and a summary after."""
    config = trainer.config
    console.say(
        f"{config.scenario.name}: {config.num_worlds} worlds, {config.scenario.hiders} hiders v "
        f"{config.scenario.seekers} seekers, {config.iterations:,} iterations of "
        f"{config.env_steps_per_iteration:,} env steps"
    )
    console.say(f"{parameter_counts(trainer.policy)}; seed {config.seed}; {config.device}; run folder {folder.path}")
    with StopRequest() as stop:
        trainer.run(folder, console, lambda: stop.requested)
    trainer.close()
    spent = f"{trainer.env_steps:,} env steps in {duration(trainer.seconds)}"
    if trainer.iteration < config.iterations:
        console.say(f"stopped after iteration {trainer.iteration}; {spent}")
        console.say(f"continue with: hideseek train --resume {folder.path} --iterations {config.iterations}")
        return stop.exit_status
    console.say(f"done: {spent}")
    console.say(f"next: hideseek evaluate {folder.path}   and   tensorboard --logdir {folder.path}")
    return 0
