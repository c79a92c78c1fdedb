"""``hideseek scene``: write the start of an episode as MuJoCo XML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from tyro.conf import Positional

from envs import scenarios
from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.options.ranges import Seed
from envs.scene import scene

from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.files import write_atomically


@dataclass(kw_only=True)
class SceneArguments:
    """Write the start of an episode as MuJoCo XML. The file needs no other file and opens in any MuJoCo viewer."""

    scenario: Positional[str]
    """Scenario such as hide-and-seek/full; 'hideseek list' shows all."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """File to write."""
    seed: Seed = 0
    """Seed of the layout: the first episode that an environment of this seed plays in its first world."""
    force: bool = False
    """Replace a file that exists."""


def run(arguments: list[str]) -> None:
    """Build the scene, write it and say so."""
    args = parse_arguments(SceneArguments, arguments, "scene")
    if args.output.is_dir():
        raise UserError(f"cannot write {args.output}: it is a folder")
    if args.output.exists() and not args.force:
        raise UserError(f"{args.output} already exists; choose another name, or replace it with --force")
    scenario = scenarios.get(args.scenario)
    layout = LayoutStream(scenario, args.seed, 1).draw(torch.zeros(1, dtype=torch.int64))
    built = scene.build(scenario, layout)
    write_atomically(args.output, built.xml.encode())
    boxes, walls = int(layout.box_present.sum()), int(layout.wall_present.sum())
    make_console().print(
        f"wrote {args.output}: {scenario.name}, seed {args.seed}: {scenario.hiders} hiders, {scenario.seekers} "
        "seekers, "
        f"{boxes} boxes, {scenario.ramps} ramps, {walls} walls"
    )
