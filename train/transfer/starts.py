"""Starts: the weights with which the network of a task begins to learn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from envs.errors import UserError
from envs.scenarios import is_hide_and_seek
from policies.observation import ObservationSpec
from policies.teams import members

from ..config.train_config import TrainConfig
from ..runs.checkpoints import Checkpoint, pick_iterations, save_checkpoint
from ..runs.run_folder import RunFolder
from ..runs.saved_policy import SavedPolicy, find_checkpoint, load_policy
from ..support.files import make_folder

SCRATCH, HIDE_AND_SEEK, COUNTS = STARTS = ("scratch", "hide-and-seek", "counts")
_AGE = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class InitialWeights:
    """Trained weights and what must be known of them."""

    file: str
    """The checkpoint that they are from."""
    tensors: Mapping[str, Tensor]
    """A policy's ``state_dict``."""
    spec: ObservationSpec
    """What that policy observes."""
    config: TrainConfig
    """How it was trained."""
    env_steps: int
    """Env steps of training behind it."""


def age_name(env_steps: int) -> str:
    """Return the name of the start from a checkpoint of a certain age."""
    return f"step-{env_steps}"


def title(start: str) -> str:
    """Return how a report calls a start."""
    age = _AGE.fullmatch(start)
    return f"hide-and-seek at {int(age[1]):,} steps" if age else start


def is_age(start: str) -> bool:
    """Whether a start is one of several ages of a run."""
    return _AGE.fullmatch(start) is not None


def read_start(path: Path, kind: str, file: str | None = None) -> InitialWeights:
    """Read the policy of a run or checkpoint; where teams have policies of their own, that of the hiders.

    The agent of every task is a hider.

    Args:
      path: a run folder or a checkpoint file.
      kind: ``hide-and-seek`` or ``counts``.
      file: what to call it, if not by its path.

    Raises:
      UserError: there is none, it is damaged, or it was trained in something else.
    """
    saved = load_policy(path)
    _require_kind(saved, kind)
    network, _ = members(saved.policy)[0]
    return InitialWeights(file or str(saved.path), network.state_dict(), network.spec, saved.config, _env_steps(saved))


def _require_kind(saved: SavedPolicy, kind: str) -> None:
    """Refuse a policy that learned something else."""
    scenario = saved.config.scenario
    where = f"{saved.path} was trained in '{scenario.name}', which is game {scenario.game}"
    if kind == HIDE_AND_SEEK and not is_hide_and_seek(scenario):
        raise UserError(f"{where}; give a checkpoint of hide-and-seek")
    if kind == COUNTS and not saved.config.intrinsic.active:
        raise UserError(
            f"{where}, without intrinsic motivation; --counts-from needs a run such as that of: "
            "hideseek train explore --intrinsic counts"
        )


def keep_start(source: Path, target: Path) -> None:
    """Copy the policy of a run or checkpoint, without its worlds and optimisers, to another checkpoint file.

    A run deletes its older checkpoints; what starts from one must be able to go on without it.

    Raises:
      UserError: it cannot be read or written.
    """
    _, checkpoint = find_checkpoint(source)
    make_folder(target.parent)
    tensors = {f"policy.{name}": tensor for name, tensor in checkpoint.group("policy").items()}
    save_checkpoint(target, Checkpoint(tensors, checkpoint.metadata))


def checkpoints_of(path: Path, iterations: str) -> list[Path]:
    """Return the checkpoint files of a run that ``--checkpoints`` names, oldest first; see ``pick_iterations``.

    Raises:
      UserError: not a run, not a number, or no such checkpoint; says which there are.
    """
    if not path.is_dir():
        raise UserError(f"--checkpoints picks from a run's checkpoints, but {path} is not a run folder")
    folder = RunFolder(path).checkpoints
    there = folder.iterations()
    if not there:
        raise UserError(f"no checkpoint in {folder.path}")
    return [folder.file(iteration) for iteration in pick_iterations(iterations, there, path)]


def _env_steps(saved: SavedPolicy) -> int:
    return find_checkpoint(saved.path)[1].counters(str(saved.path)).env_steps
