"""``hideseek export``: a policy for other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from envs.errors import UserError
from envs.options.ranges import Whole
from policies.actor_critic import ActorCritic

from ..export.inputs import choose_network
from ..export.numpy_file import write_numpy
from ..export.onnx_file import write_onnx
from ..play.agents import refuse_agent
from ..runs.checkpoints import load_checkpoint
from ..runs.saved_policy import load_policy
from ..runs.shipped_policies import ship
from ..support.arguments import parse_arguments
from ..support.console import make_console
from ..support.files import make_folder

WRITERS: dict[str, Callable[[ActorCritic, Path], None]] = {".onnx": write_onnx, ".npz": write_numpy}
"""By the file's extension."""
_SMALL = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class ExportArguments:
    """Write a policy as ONNX (.onnx), as arrays for NumPy (.npz), or alone in half precision (.safetensors).

    Examples: hideseek export runs/first -o policy.onnx; hideseek export runs/first -o policy.npz
    """

    run: Positional[Path]
    """Run folder (its newest checkpoint), checkpoint file or name of a policy that comes with the project."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """File to write; an existing one is replaced. Its extension says what: .onnx, .npz or .safetensors."""
    side: Literal["hiders", "seekers"] | None = None
    """Whose network, where each team has its own."""
    agent: Whole | None = None
    """Whose network, from 0 on, where each agent has its own."""


def run(arguments: list[str]) -> None:
    """Write the file and say what is in it."""
    args = parse_arguments(ExportArguments, arguments, "export")
    kind = args.output.suffix.lower()
    if kind not in (*WRITERS, _SMALL):
        raise UserError(f"'{args.output}' has no known extension; it must be .onnx, .npz or .safetensors")
    refuse_agent(args.run, "name a run, checkpoint or shipped policy")
    saved = load_policy(args.run)
    if kind == _SMALL and (args.side is not None or args.agent is not None):
        raise UserError("a .safetensors file holds the whole policy; leave out --side and --agent")
    network = None if kind == _SMALL else choose_network(saved, args.side, args.agent)
    make_folder(args.output.absolute().parent)
    if network is None:
        ship(load_checkpoint(saved.path), args.output)
    else:
        WRITERS[kind](network, args.output)
    size = args.output.stat().st_size / 1024
    make_console().print(
        f"wrote {args.output}: {saved.path}, iteration {saved.iteration}, {size:.0f} KiB", soft_wrap=True
    )
