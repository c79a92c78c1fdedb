"""``hideseek list``: scenarios, presets, ladders and shipped policies with their essentials."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from envs.scenarios import SCENARIOS, Scenario

from ..config.presets import PRESETS, Preset
from ..ladder.catalogue import LADDERS
from ..runs.shipped_policies import card_line, shipped_policies
from ..support.arguments import parse_arguments
from ..support.console import make_console


@dataclass
class ListArguments:
    """Show the scenarios, presets, ladders and policies, with the essentials of each."""


def run(arguments: list[str]) -> None:
    """Print the tables."""
    parse_arguments(ListArguments, arguments, "list")
    console = make_console()
    _print(
        console,
        "Scenarios",
        ["name", "game", "teams", "boxes", "ramps", "layout", "floor", "episode"],
        _scenario_rows(),
    )
    columns = ["name", "scenario", "worlds", "iterations", "env steps", "network", "purpose"]
    _print(console, "Presets", columns, _preset_rows())
    _print(console, "Policies", ["name", "what it does"], [[n, card_line(f)] for n, f in shipped_policies().items()])
    _print(console, "Ladders", ["name", "rungs", "purpose"], _ladder_rows())
    console.print("Options of a scenario: --scenario.hiders 3 and so on; 'hideseek train --help' shows all.")


def _print(console: Console, title: str, columns: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _scenario_rows() -> list[list[str]]:
    return [_scenario_row(scenario) for scenario in SCENARIOS.values()]


def _scenario_row(s: Scenario) -> list[str]:
    boxes = f"{s.boxes[0]}" if s.boxes[0] == s.boxes[1] else f"{s.boxes[0]}-{s.boxes[1]}"
    return [
        s.name,
        s.game.replace("_", " "),
        _teams(s),
        boxes,
        str(s.ramps),
        s.layout,
        f"{s.floor_size:g} m",
        f"{s.horizon} steps" + (f", {s.preparation_steps} to prepare" if s.preparation_steps else ""),
    ]


def _teams(s: Scenario) -> str:
    """Return the sizes of both teams, or of the only one."""
    sizes = [size for size in (s.hiders, s.seekers) if size]
    return " v ".join(f"1-{size}" if s.random_team_sizes and size > 1 else f"{size}" for size in sizes)


def _preset_rows() -> list[list[str]]:
    return [_preset_row(name, preset) for name, preset in PRESETS.items()]


def _ladder_rows() -> list[list[str]]:
    return [[name, ", ".join(r.name for r in ladder.rungs), ladder.purpose] for name, ladder in LADDERS.items()]


def _preset_row(name: str, preset: Preset) -> list[str]:
    config, network = preset.config, preset.config.network
    return [
        name,
        config.scenario.name,
        f"{config.num_worlds:,}",
        f"{config.iterations:,}",
        f"{config.total_env_steps:,}",
        f"{network.embedding_size}/{network.hidden_size}/{network.lstm_size}",
        preset.purpose,
    ]
