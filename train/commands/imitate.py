"""``hideseek imitate EPISODES``: behaviour cloning from episode files; the result is a run of no iteration yet."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import Threads
from policies.actor_critic import ActorCritic

from ..config.presets import choose
from ..config.train_config import TrainConfig, validate
from ..imitation.cloning import Cloned, CloningOptions, Score, clone
from ..imitation.demonstrations import Demonstrations, common_scenario, demonstrations_of
from ..play.episode_files import load_episodes
from ..play.episodes import Episode
from ..reporting import action_names
from ..runs.run_folder import RunFolder
from ..runs.whole_run import whole_run
from ..support.arguments import parse_arguments
from ..support.console import duration, make_lasting_console
from ..support.files import write_json
from ..support.interrupts import StopRequest
from ..trainer import Trainer

_STOPPING = "stopping after this epoch, and keeping the best one so far; once more stops at once and keeps nothing"
_HELP = """Learn from episode files what people, scripts or other policies did.

The result is a run before its first iteration: it plays wherever a run does, and other runs start from it.

examples:
  hideseek record --agent blocker --scenario hide-and-seek/door --episodes 400 -o blocked.npz
  hideseek imitate blocked.npz --side hiders --preset quickstart --run-dir runs/blocker-clone
  hideseek stages runs/blocker-clone
  hideseek train hide-and-seek/door --preset quickstart --init-from runs/blocker-clone
  hideseek train hide-and-seek/door --preset quickstart --ppo.teacher runs/blocker-clone --ppo.teacher-team hiders"""


@dataclass(frozen=True, kw_only=True)
class ImitateArguments(CloningOptions):
    """What can be asked for."""

    episodes: Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(metavar="EPISODES [EPISODES ...]")]
    """Episode files (.npz) of one scenario, from record or watch."""
    side: Literal["both", "hiders", "seekers"] = "both"
    """Whose actions are learned."""
    preset: str | None = None
    """Preset with the network and the discount. Default: the one that was made for the scenario."""
    run_dir: Path | None = None
    """Folder of the run; it must be empty or new. Default: runs/imitate-<name of the first file>."""
    threads: Threads = 0
    """Physics threads; 0 uses all cores. Results do not depend on it."""


def run(arguments: list[str]) -> int:
    """Learn, and write the run. Returns 0, or 128 + the signal that ended it early; the best epoch is kept then."""
    args = parse_arguments(ImitateArguments, arguments, "imitate", _HELP)
    if not args.episodes:
        raise UserError("name episode files; hideseek record makes them")
    folder = RunFolder(args.run_dir or Path("runs") / f"imitate-{args.episodes[0].stem}")
    folder.require_free()
    console = make_lasting_console()
    episodes, config = _read(args)
    bins = config.scenario.action_bins
    names = action_names(bins)
    torch.set_num_threads(1)
    trainer = Trainer(config)
    try:
        policy = trainer.policy
        assert isinstance(policy, ActorCritic)
        learned, held_out = _split(episodes, args, console)
        with StopRequest(_STOPPING) as stop:
            show = _Epochs(args.epochs, names, console)
            cloned = clone(policy, learned, held_out, args, config.ppo.gamma, show, lambda: stop.requested)
        trainer.begin()
        with whole_run(folder) as written:
            written.create(config)
            trainer.save(written)
            write_json(written.path / "imitation.json", _to_plain(args, cloned, len(episodes), names))
    finally:
        trainer.close()
    console.print(_table(cloned, names, bins))
    end = "stopped early; " if cloned.stopped else ""
    console.print(f"{end}wrote {folder.path}, the policy of epoch {cloned.epoch}", soft_wrap=True)
    look = "stages" if config.scenario.game == "hide_and_seek" else "watch"
    console.print(f"next: hideseek {look} {folder.path}   and   --init-from {folder.path}", soft_wrap=True)
    return stop.exit_status


def _read(args: ImitateArguments) -> tuple[list[Episode], TrainConfig]:
    """Return the episodes, and the configuration of a run in their scenario."""
    episodes, files = [], []
    for file in args.episodes:
        some = load_episodes(file)
        episodes += some
        files += [str(file)] * len(some)
    episodes_with_steps = [episode for episode in episodes if episode.steps]
    if len(episodes_with_steps) < 2:
        raise UserError(f"{len(episodes_with_steps)} episode is too few: some are learned from, others are held out")
    scenario = common_scenario(episodes, files)
    if args.side != "both" and not getattr(scenario, args.side):
        raise UserError(f"--side is {args.side}, and {scenario.name} has none")
    config = dataclasses.replace(choose(scenario.name, args.preset), scenario=scenario, seed=args.seed)
    config = dataclasses.replace(config, threads=args.threads, device="cpu")
    config = dataclasses.replace(config, separate_policies=False, agent_policies=False)
    return episodes_with_steps, validate(config)


def _split(episodes: list[Episode], args: ImitateArguments, console: Console) -> tuple[Demonstrations, Demonstrations]:
    """Return what is learned from, and what is held out."""
    scenario, number = episodes[0].scenario, len(episodes)
    held = min(max(round(args.held_out * number), 1), number - 1)
    steps = sum(episode.steps for episode in episodes)
    console.print(
        f"{number} episodes of {scenario.name}, {steps:,} steps; {held} episodes are held out", soft_wrap=True
    )
    every = demonstrations_of(
        episodes, args.threads, lambda done: console.print(f"looked again at what was seen in {done} of {number}")
    )
    agents = torch.arange(scenario.num_agents)
    ours = {"both": agents >= 0, "hiders": agents < scenario.hiders, "seekers": agents >= scenario.hiders}[args.side]
    order = torch.randperm(number, generator=torch.Generator().manual_seed(args.seed))
    sequences = torch.arange(number * scenario.num_agents).view(number, -1)[:, ours]
    learned, held_out = (every.select(sequences[part].flatten()) for part in (order[held:], order[:held]))
    for part in (learned, held_out):
        if not part.steps.any():
            raise UserError(f"there is nothing to learn: no action of the {args.side} had an effect in some episodes")
    return learned, held_out


class _Epochs:
    """Prints a line an epoch."""

    def __init__(self, epochs: int, names: list[str], console: Console) -> None:
        self._epochs, self._names, self._console, self._begun = epochs, names, console, time.monotonic()

    def __call__(self, epoch: int, nats: float, score: Score) -> None:
        left = (time.monotonic() - self._begun) / epoch * (self._epochs - epoch)
        words = f"{nats:.2f} nats, held out {score.nats:.2f} nats, accuracy "
        accuracy = ", ".join(f"{name} {share:.0%}" for name, share in zip(self._names, score.accuracy, strict=True))
        self._console.print(f"epoch {epoch}/{self._epochs}  {duration(left)} left  {words}{accuracy}", soft_wrap=True)


def _table(cloned: Cloned, names: list[str], bins: tuple[int, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("component", "bins", "held-out accuracy", "commonest bin", "at random"):
        table.add_column(head, justify="left" if head == "component" else "right")
    for row in zip(names, bins, cloned.score.accuracy, cloned.commonest, strict=True):
        name, number, accuracy, commonest = row
        table.add_row(name, str(number), f"{accuracy:.1%}", f"{commonest:.1%}", f"{1 / number:.1%}")
    uniform = sum(math.log(number) for number in bins)
    table.add_row("all", "", f"{cloned.score.nats:.2f} nats", "", f"{uniform:.2f} nats")
    return table


def _to_plain(args: ImitateArguments, cloned: Cloned, episodes: int, names: list[str]) -> dict[str, object]:
    return {
        "files": [str(file.resolve()) for file in args.episodes],
        "episodes": episodes,
        "side": args.side,
        "epoch": cloned.epoch,
        "held_out_nats": cloned.score.nats,
        "held_out_accuracy": dict(zip(names, cloned.score.accuracy, strict=True)),
        "commonest_bin": dict(zip(names, cloned.commonest, strict=True)),
    }
