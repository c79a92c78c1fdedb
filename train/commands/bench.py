"""``hideseek bench``: env steps per second of the engine, the environment, inference and training."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.table import Table

from envs import scenarios
from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Positive, Seed, Threads

from ..bench.measurements import PARTS, SWEPT, Benchmark, report, sweep
from ..bench.step_parts import PARTS as STEP_PARTS
from ..config.machine_options import MachineOptions
from ..config.presets import preset_for_scenario
from ..learning.memory_need import size
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.devices import resolve_device
from ..support.files import write_json


@dataclass(frozen=True, kw_only=True)
class BenchArguments(MachineOptions):
    """Measure env steps per second of every part of training, side by side."""

    scenario: str = "hide-and-seek/full"
    """Scenario to measure; 'hideseek list' shows all."""
    num_worlds: tuple[AtLeastOne, ...] = (64,)
    """Worlds stepped at once. Several numbers are measured one after the other, up to the first that does not fit."""
    seconds: Positive = 6.0
    """Time for each part, over all its turns; training takes at least one iteration per turn."""
    turns: AtLeastOne = 3
    """How often each part is measured; the parts alternate and the median counts."""
    torch_threads: Threads = 0
    """Threads of a tensor operation; 0 takes the default of training."""
    seed: Seed = 0
    """Seed of layouts and actions."""
    json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None
    """Write the report to this JSON file."""


def run(arguments: list[str]) -> None:
    """Measure, print the table and write the file."""
    args = parse_arguments(BenchArguments, arguments, "bench")
    if not args.num_worlds:
        raise UserError("--num-worlds is empty; give one number or several")
    if args.json_file is not None and not os.access(args.json_file.absolute().parent, os.W_OK):
        raise UserError(f"cannot write {args.json_file}: its folder is missing or not writable")
    device = resolve_device(args.device)
    scenario = scenarios.get(args.scenario)
    config = dataclasses.replace(
        preset_for_scenario(scenario.name),
        scenario=scenario,
        num_worlds=args.num_worlds[0],
        threads=args.threads,
        torch_threads=args.torch_threads,
        device=str(device),
        engine=args.engine,
        seed=args.seed,
    )
    if len(args.num_worlds) > 1:
        configs = [dataclasses.replace(config, num_worlds=number) for number in args.num_worlds]
        reports = sweep(configs, args.seconds, args.turns, _show)
        _show("")
        make_console().print(sweep_table(reports))
        if args.json_file is not None:
            write_json(args.json_file, {"sweep": reports})
        return
    benchmark = Benchmark(config)
    speeds = benchmark.run(args.seconds, args.turns, _show)
    _show("")
    result = report(benchmark, speeds)
    _print(result)
    if args.json_file is not None:
        write_json(args.json_file, result)


def _show(part: str) -> None:
    """Show on a terminal what is being measured; an empty name clears the line."""
    if sys.stderr.isatty():
        print(f"\r{part:<12}\r", end="", file=sys.stderr, flush=True)


def _print(result: dict[str, Any]) -> None:
    console = make_console()
    machine = result["machine"]
    console.print(
        f"{result['scenario']}: {result['num_worlds']} worlds, {result['num_agents']} agents, "
        f"{result['substeps']} substeps, {result['bytes_per_world'] / 1024:.0f} KiB per world"
    )
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['physics_threads']} physics threads, "
        f"{machine['torch_threads']} torch threads"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    for title in ("env steps/s", "agent steps/s", "of engine", "x Python loop"):
        table.add_column(title, justify="right")
    table.add_column("what runs")
    for part, text in PARTS.items():
        table.add_row(
            part,
            f"{result[part]:,.0f}",
            f"{result['agent_steps_per_second'][part]:,.0f}",
            f"{result['ratio_to_engine'][part]:.0%}",
            f"{result['ratio_to_python_loop'][part]:.2f}",
            text,
        )
    console.print(table)
    milliseconds = result["milliseconds_per_step"]
    whole = sum(milliseconds.values())
    parts = [f"{part} {value:.2f} ms ({value / whole:.0%})" for part, value in milliseconds.items()]
    console.print(f"one training step of all worlds: {', '.join(parts)}", soft_wrap=True)
    if result["memory"]:
        console.print(f"GPU memory: {_memory(result)}")


def sweep_table(reports: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each number of worlds: speeds, milliseconds per step by part, memory."""
    table = Table(box=None, pad_edge=False)
    table.add_column("worlds", justify="right")
    for part in SWEPT:
        table.add_column(f"{part}, env steps/s", justify="right")
    for part in STEP_PARTS:
        table.add_column(f"{part}, ms", justify="right")
    table.add_column("GPU memory")
    for result in reports:
        if "error" in result:
            table.add_row(f"{result['num_worlds']:,}", result["error"])
            continue
        speeds = [f"{result[part]:,.0f}" for part in SWEPT]
        milliseconds = [f"{result['milliseconds_per_step'][part]:.2f}" for part in STEP_PARTS]
        table.add_row(f"{result['num_worlds']:,}", *speeds, *milliseconds, _memory(result))
    return table


def _memory(result: dict[str, Any]) -> str:
    memory = result["memory"]
    return f"{size(memory['in_use_bytes'])}, torch {size(memory['torch_peak_bytes'])}" if memory else "-"
