"""``hideseek evaluate``: play a policy against random play or another policy, or many against each other."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from tyro.conf import Positional

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import JUDGING
from envs.options.ranges import AtLeastOne, Seed
from envs.scenarios import Scenario

from ..config.machine_options import MachineOptions
from ..evaluation.cross_play import play_all
from ..evaluation.cross_play_tables import remarks, tables
from ..evaluation.heat_map import heat_map
from ..evaluation.intervals import Estimate, bootstrap_mean
from ..evaluation.matches import HIDERS_RATIO_WANTED, SEEKERS_RATIO_WANTED, Evaluation, Match, evaluate, lost
from ..evaluation.solo_matches import evaluate_alone
from ..play.agents import check_player, is_agent, make_agent, refuse_agent
from ..play.play_session import choose_scenario
from ..play.players import Player, PolicyPlayer
from ..runs.saved_policy import SavedPolicy, load_policy
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.devices import resolve_device
from ..support.files import write_atomically, write_json
from ..support.plotting import require_matplotlib

_SUBJECT_SEED, _RIVAL_SEED = 1, 2  # added to the seed, so that no two random streams are the same


@dataclass(frozen=True, kw_only=True)
class EvaluateArguments(MachineOptions):
    """Play matches on the same layouts, none of which was ever trained on.

    One run: trained v random, random v random, random v trained, trained v trained. Several runs: every policy's hiders
    against every policy's seekers, and ratings. Where there is one team alone, players are compared side by side.
    """

    runs: Annotated[Positional[tuple[str, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Run folders (their newest checkpoints), checkpoint files or shipped policies to judge. Among several, agents
    without a policy are players too: random, zero, chaser, blocker, climber, ramp-thief, defender, or in trade/...
    forager and trader; after the scripts a strength may follow, as in chaser:0.5."""
    against: str = "random"
    """What one run plays against: random or another agent without a policy, a run folder, a checkpoint file or a
    shipped policy."""
    episodes: AtLeastOne = 200
    """Episodes of each match; more make the intervals narrower."""
    seed: Seed = 0
    """Seed of layouts, actions and intervals."""
    scenario: str | None = None
    """Scenario in which they play, instead of that of the first run or checkpoint; agents without a policy can meet
    there by themselves."""
    num_worlds: AtLeastOne = 50
    """Worlds played at the same time; changes the layouts, not their distribution."""
    deterministic: bool = False
    """Play the most likely actions instead of drawing them from the policy."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """Write everything to this JSON file."""
    csv_file: Annotated[Path | None, tyro.conf.arg(name="csv")] = None
    """Write a CSV file: one row per episode, or one per match if there are several runs."""
    png_file: Annotated[Path | None, tyro.conf.arg(name="png")] = None
    """Write the matrix of several runs as a heat map to this PNG file; needs matplotlib, the extra 'reports'."""


def run(arguments: list[str]) -> None:
    """Load the players, play the matches, print the table and write the files."""
    args = parse_arguments(EvaluateArguments, arguments, "evaluate")
    _check(args)
    if len(args.runs) > 1:
        _several(args)
        return
    refuse_agent(args.runs[0], "name a run beside it, or another agent and --scenario")
    check_player(args.against)
    saved = load_policy(Path(args.runs[0]), resolve_device(args.device))
    scenario = choose_scenario(args.scenario, saved)
    saved.fit(scenario)
    rival = _rival(args, scenario)
    subject_name = "trained" if is_agent(args.against) else _label("first", saved)
    subject = PolicyPlayer(saved.policy, args.seed + _SUBJECT_SEED, args.deterministic, subject_name)

    if not scenario.seekers:
        paths = {subject.name: str(saved.path), rival.name: None if is_agent(args.against) else args.against}
        _alone(args, scenario, [subject, rival], paths)
        return
    torch.set_num_threads(1)
    console = make_console()
    console.print(f"{saved.path}, iteration {saved.iteration}, in {scenario.name}")
    with _shown(args.episodes) as show:
        result = evaluate(_worlds_of(args, scenario), subject, rival, args.episodes, args.seed, show)
    console.print(_table(result))
    for line in _verdict(result, args.against):
        console.print(line, soft_wrap=True)
    _write(args, saved, scenario, result)


def _several(args: EvaluateArguments) -> None:
    """Load the players and let them play each other, or side by side where there is one team alone."""
    if args.png_file is not None:
        require_matplotlib()
    for word in args.runs:
        check_player(word)
    device = resolve_device(args.device)
    loaded = [run if is_agent(run) else load_policy(Path(run), device) for run in args.runs]
    first = next((saved for saved in loaded if not isinstance(saved, str)), None)
    if first is None and not args.scenario:
        raise UserError("at least one of the players must be a run or a checkpoint, or say where with --scenario")
    scenario = choose_scenario(args.scenario, first)
    players: list[Player] = []
    for number, (saved, name) in enumerate(zip(loaded, _names(loaded), strict=True)):
        seed = args.seed + _SUBJECT_SEED + number
        if isinstance(saved, str):
            players.append(make_agent(saved, scenario, seed, name))
        else:
            saved.fit(scenario)
            players.append(PolicyPlayer(saved.policy, seed, args.deterministic, name))
    paths = {
        p.name: None if isinstance(saved, str) else str(saved.path) for p, saved in zip(players, loaded, strict=True)
    }
    play = _cross_play if scenario.seekers else _alone
    play(args, scenario, players, paths)


def _alone(args: EvaluateArguments, scenario: Scenario, players: list[Player], paths: dict[str, str | None]) -> None:
    """Let players of a game for one team play the same episodes, print a table and write the files."""
    if args.png_file is not None:
        raise UserError(f"--png draws who meets whom; in {scenario.name} there is one team alone")
    torch.set_num_threads(1)
    console = make_console()
    console.print(f"{scenario.name}: {args.episodes} episodes of each player, all on the same layouts", soft_wrap=True)
    for name, path in paths.items():
        console.print(f"{name}: {path or 'no policy'}", soft_wrap=True)
    with _shown(args.episodes) as show:
        result = evaluate_alone(_worlds_of(args, scenario), players, args.episodes, args.seed, show)
    console.print(result.table())
    for line in result.remarks():
        console.print(line, soft_wrap=True)
    if args.json_file is not None:
        described = {"checkpoints": paths, "scenario": scenario.name, "deterministic": args.deterministic}
        write_json(args.json_file, described | result.to_plain())
    if args.csv_file is not None:
        write_atomically(args.csv_file, result.to_csv().encode())


def _cross_play(
    args: EvaluateArguments, scenario: Scenario, players: list[Player], paths: dict[str, str | None]
) -> None:
    """Play all pairings of several policies, print matrix and ratings, and write the files."""
    torch.set_num_threads(1)
    console = make_console()
    console.print(
        f"{len(players)} players in {scenario.name}: {len(players) ** 2} matches of {args.episodes} "
        "episodes, all on the same layouts"
    )
    with _shown(args.episodes) as show:
        result = play_all(_worlds_of(args, scenario), players, args.episodes, args.seed, show)
    for table in tables(result):
        console.print(table)
    for line in remarks(result):
        console.print(line, soft_wrap=True)
    if args.json_file is not None:
        described = {"checkpoints": paths, "scenario": scenario.name, "deterministic": args.deterministic}
        write_json(args.json_file, described | result.to_plain())
    if args.csv_file is not None:
        write_atomically(args.csv_file, result.to_csv().encode())
    if args.png_file is not None:
        write_atomically(args.png_file, heat_map(result))


def _names(loaded: list[SavedPolicy | str]) -> list[str]:
    """Name each player after its run and iteration; the same checkpoint twice gets a number."""
    plain = [
        saved if isinstance(saved, str) else f"{saved.path.absolute().parent.parent.name}:{saved.iteration}"
        for saved in loaded
    ]
    return [
        name if plain.count(name) == 1 else f"{name} #{plain[: number + 1].count(name)}"
        for number, name in enumerate(plain)
    ]


def _worlds_of(args: EvaluateArguments, scenario: Scenario) -> Callable[[], BatchEnv]:
    """Return what makes fresh worlds of a scenario, with the same layouts every time."""
    worlds, device = min(args.num_worlds, args.episodes), resolve_device(args.device)
    return lambda: _CheckedWorlds(scenario, worlds, args.seed, device, args.threads, engine=args.engine, domain=JUDGING)


class _CheckedWorlds(BatchEnv):
    """Worlds that say at the end of a match if the physics of the GPU engine had no room for all contacts."""

    def close(self) -> None:
        """DrawOptions for dropped contacts, and free the engine.

        Raises:
          UserError: names the option to raise.
        """
        try:
            if hasattr(self, "engine"):
                self.engine.check_overflow()
        finally:
            super().close()


@contextlib.contextmanager
def _shown(episodes: int) -> Iterator[Callable[[str, int], None]]:
    """Show a bar for every match while the context lasts.

    Yields what is to be called with title and finished episodes.
    """
    with _progress() as bar:
        tasks: dict[str, TaskID] = {}

        def show(title: str, done: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=episodes)
            bar.update(tasks[title], completed=done)

        yield show


def _check(args: EvaluateArguments) -> None:
    """Refuse impossible requests before anything is loaded or played."""
    if not args.runs:
        raise UserError("name a run or checkpoint to judge, or several")
    if len(args.runs) > 1 and args.against != "random":
        raise UserError("several runs play each other; leave out --against, or name that player among the runs")
    if len(args.runs) == 1 and args.png_file is not None:
        raise UserError("--png draws the matrix of several runs; name more than one, such as: RUN random")
    for path in (args.json_file, args.csv_file, args.png_file):
        if path is not None and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
            raise UserError(f"cannot write {path}: it is a folder, or its folder is missing or not writable")


def _rival(args: EvaluateArguments, scenario: Scenario) -> Player:
    """Make the player that the subject is judged against."""
    if is_agent(args.against):
        return make_agent(args.against, scenario, args.seed + _RIVAL_SEED)
    other = load_policy(Path(args.against), resolve_device(args.device))
    other.fit(scenario)
    return PolicyPlayer(other.policy, args.seed + _RIVAL_SEED, args.deterministic, _label("second", other))


def _label(place: str, saved: SavedPolicy) -> str:
    """Tell two trained policies apart by run folder and iteration."""
    return f"{place} ({saved.path.absolute().parent.parent.name}, {saved.iteration})"


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, transient=True, disable=not sys.stdout.isatty())


def _table(result: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("match")
    table.add_column("hiders seen, share of live steps", justify="right")
    for team in result.matches[0].returns:
        table.add_column(f"return of {team}", justify="right")
    for match in result.matches:
        table.add_row(*_row(match, result.seed))
    return table


def _row(match: Match, seed: int) -> list[str]:
    seen = bootstrap_mean(match.seen, seed).format()
    returns = [bootstrap_mean(values, seed).format("{:+.1f}") for values in match.returns.values()]
    return [f"{match.seekers} seekers v {match.hiders} hiders", seen, *returns]


def _verdict(result: Evaluation, against: str) -> list[str]:
    """Say in words what the two ratios mean."""
    rows = [
        ("seekers", "see hiders", result.seekers_ratio, f">= {SEEKERS_RATIO_WANTED:g}", _seekers_reach),
        ("hiders", "are seen", result.hiders_ratio, f"<= {HIDERS_RATIO_WANTED:g}", _hiders_reach),
    ]
    alone, against_random = is_agent(against), against == "random"
    other = "random" if against_random else f"the {against}'s" if alone else "the second policy's"
    lines = ["95 % bootstrap intervals over episodes; both ratios compare matches on the same layouts."]
    for team, verb, ratio, wanted, reached in rows:
        who = f"Trained {team} {verb}" if alone else f"The first policy's {team} {verb}"
        line = f"{who} {ratio.format('{:.2f}')} x as often as {other} {team}"
        lines.append(line + (f" (wanted {wanted}: {'yes' if reached(ratio) else 'no'})" if against_random else ""))
    if diverged := sum(match.diverged for match in result.matches):
        counts = [result.seekers_pairs, result.hiders_pairs]
        lines.append(lost(diverged, counts, len(result.matches[0].seen)))
    return lines


def _seekers_reach(ratio: Estimate) -> bool:
    return ratio.value >= SEEKERS_RATIO_WANTED


def _hiders_reach(ratio: Estimate) -> bool:
    return ratio.value <= HIDERS_RATIO_WANTED


def _write(args: EvaluateArguments, saved: SavedPolicy, scenario: Scenario, result: Evaluation) -> None:
    if args.json_file is not None:
        described = {
            "checkpoint": str(saved.path),
            "iteration": saved.iteration,
            "scenario": scenario.name,
            "against": args.against,
            "deterministic": args.deterministic,
        }
        write_json(args.json_file, described | result.to_plain())
    if args.csv_file is not None:
        write_atomically(args.csv_file, result.to_csv().encode())
