"""Checkpoints: named tensors and plain metadata in one safetensors file, written atomically, with a checksum.

The file's own JSON header carries two strings: ``metadata`` (a JSON object) and ``sha256`` (over the metadata and every
tensor's name, type, shape and bytes). Nothing is pickled, so no code runs when a file is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from envs.errors import UserError
from envs.options.ranges import NotNegative, Range, Whole, faults

from ..support.files import make_folder, remove_leftovers, write_atomically, write_json
from ..support.json_data import from_plain, parse_object, read_object, to_plain

FORMAT = "hideseek-checkpoint-1"
"""Changes when old files can no longer be read."""
_BEST = "best.json"
_NAME = re.compile(r"iteration-(\d+)\.safetensors")


@dataclass(frozen=True, kw_only=True)
class Counters:
    """How far a run is."""

    iteration: Whole
    """Iterations done."""
    env_steps: Annotated[int, Range(low=0, high=2**63 - 1)] = 0
    """Steps of all worlds done."""
    seconds: NotNegative = 0.0
    """Time spent in iterations, over all sessions of the run."""


@dataclass
class Checkpoint:
    """What a checkpoint file holds."""

    tensors: dict[str, Tensor]
    """Everything that is numbers, by dotted name: ``policy.*``, ``optimizer.*``, ``env.*``, ``rng.*``,
    ``running.*``."""
    metadata: dict[str, Any]
    """Everything else, as JSON values: configuration, counters, versions."""

    def group(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors under ``prefix.``, without the prefix."""
        start = prefix + "."
        return {name.removeprefix(start): t for name, t in self.tensors.items() if name.startswith(start)}

    def counters(self, where: str) -> Counters:
        """Return how far the run was.

        Args:
          where: the file, for messages.

        Raises:
          UserError: it does not say so.
        """
        counters = from_plain(Counters, self.metadata.get("counters"), where)
        for name, text in faults(counters):
            raise UserError(f"{where}: '{name}' {text}")
        return counters


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; ``path`` has either its old content or all of the new one.

    Raises:
      UserError: the disk is full or the file cannot be written; existing checkpoints are untouched.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in checkpoint.tensors.items()}
    text = json.dumps(checkpoint.metadata, sort_keys=True, allow_nan=False)
    header = {"format": FORMAT, "metadata": text, "sha256": _digest(tensors, text)}
    from safetensors.torch import save

    write_atomically(path, save(tensors, header))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU and check it.

    Raises:
      UserError: the file is missing, truncated, changed, or not a checkpoint of this project.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise UserError(f"no checkpoint at {path}: there is no such file")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        text = header.get("metadata", "")
        digest = _digest(tensors, text)
    except Exception as error:  # Whatever the parser trips over.
        raise UserError(f"checkpoint {path} is truncated or damaged ({_one_line(error)})") from error
    if header.get("format") != FORMAT:
        raise UserError(f"{path} is not a hideseek checkpoint of this version (format {header.get('format')!r})")
    if header.get("sha256") != digest:
        raise UserError(f"checkpoint {path} is damaged: its content does not match its checksum")
    return Checkpoint(tensors, parse_object(text, f"what checkpoint {path} says of itself"))


@dataclass(frozen=True)
class _Best:
    """What ``best.json`` holds."""

    iteration: int
    score: float
    file: str = ""
    deviation: float = 0.0


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one run, ``iteration-<number>.safetensors``."""

    path: Path
    """The folder."""

    def file(self, iteration: int) -> Path:
        """Return the path of the checkpoint written after ``iteration``."""
        return self.path / f"iteration-{iteration:07d}.safetensors"

    def iterations(self) -> list[int]:
        """Return the iterations that have a file, ascending."""
        if not self.path.is_dir():
            return []
        matches = (_NAME.fullmatch(entry.name) for entry in self.path.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def last(self, iteration: int, number: int) -> list[int]:
        """Return the last ``number`` iterations up to ``iteration`` whose files were not cut short, ascending."""
        found: list[int] = []
        for candidate in reversed(self.iterations()):
            if candidate <= iteration and len(found) < number and _is_whole(self.file(candidate)):
                found.append(candidate)
        return found[::-1]

    def save(
        self,
        iteration: int,
        checkpoint: Checkpoint,
        keep: int,
        keep_every: int = 0,
        for_good: Collection[int] = (),
    ) -> Path:
        """Write a checkpoint, then delete what is no longer wanted of those up to ``iteration``. Returns its path.

        The one marked as the best is always wanted. Those that were cut short count for nothing, and neither do those
        of later iterations, which a run that was resumed before them has left: damaged, all of them.

        Args:
          iteration: number of the checkpoint.
          checkpoint: its content.
          keep: how many of the last ones stay.
          keep_every: those of iterations that are multiples of this stay, too; 0 for none.
          for_good: iterations whose checkpoints stay as well.

        Raises:
          UserError: it cannot be written; nothing has been deleted then.
        """
        make_folder(self.path)
        remove_leftovers(self.path)
        path = self.file(iteration)
        save_checkpoint(path, checkpoint)
        wanted, (best, _) = self.last(iteration, keep), self.best()
        for old in self.iterations() if len(wanted) == keep else []:
            if old < wanted[0] and old not in {best, *for_good} and not (keep_every and old % keep_every == 0):
                with contextlib.suppress(OSError):
                    self.file(old).unlink()
        return path

    def best(self) -> tuple[int | None, float]:
        """Return the iteration of the best checkpoint and its score; None and minus infinity if none is marked."""
        try:
            mark = from_plain(_Best, read_object(self.path / _BEST), _BEST)
        except (OSError, UserError):
            return None, -math.inf
        return (None, -math.inf) if math.isnan(mark.score) else (mark.iteration, mark.score)

    def mark_best(self, iteration: int, score: float, deviation: float) -> bool:
        """Mark a checkpoint that has been written as the best, if it is. Returns whether it is.

        It beats those of later iterations, which a run that was resumed before them has left, and those whose score is
        lower by more than ``deviation``: the largest of many noisy scores is mostly the luckiest.

        Args:
          iteration: of the checkpoint.
          score: higher is better.
          deviation: how far off the score may be; one standard deviation.

        Raises:
          UserError: the mark, ``best.json``, cannot be written.
        """
        best, highest = self.best()
        if best is not None and best < iteration and score - deviation <= highest:
            return False
        mark = _Best(iteration, score, self.file(iteration).name, deviation)
        write_json(self.path / _BEST, to_plain(mark))
        return True

    def load_newest(self, warn: Callable[[str], None]) -> tuple[Path, Checkpoint]:
        """Return the newest checkpoint that is intact; damaged newer ones are reported through ``warn``.

        Raises:
          UserError: no checkpoint, or all of them are damaged.
        """
        iterations = self.iterations()
        if not iterations:
            raise UserError(f"no checkpoint in {self.path}; the run stopped before it wrote one")
        for iteration in reversed(iterations):
            path = self.file(iteration)
            try:
                return path, load_checkpoint(path)
            except UserError as error:
                warn(str(error))
        raise UserError(f"none of the {len(iterations)} checkpoints in {self.path} can be read")


def pick_iterations(words: str, there: Collection[int], run: str | Path) -> list[int]:
    """Return which of the iterations that a run has kept ``--checkpoints`` names, oldest first.

    Args:
      words: ``all``, ``last``, or iterations with commas between them.
      there: those that it has kept.
      run: where, for messages.

    Raises:
      UserError: that is no number, or no such iteration; says which there are.
    """
    kept = sorted(there)
    if words in ("all", "last"):
        return kept if words == "all" else kept[-1:]
    wanted = [word.strip() for word in words.split(",")]
    if not all(word.isdecimal() for word in wanted):
        raise UserError(f"--checkpoints is '{words}'; it must be last, all, or iterations such as 20,60,120")
    for iteration in map(int, wanted):
        if iteration not in there:
            known = ", ".join(map(str, kept)) or "none"
            raise UserError(f"--checkpoints: {run} has kept none of iteration {iteration}; there are {known}")
    return sorted({*map(int, wanted)})


def require_same_tensors(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], where: str) -> None:
    """Check that two sets of tensors have the same names, shapes and types.

    Raises:
      UserError: names the first tensor that differs, what was expected and what was found.
    """
    for name, tensor in expected.items():
        if name not in found:
            raise UserError(f"{where} does not fit: it has no tensor '{name}', expected shape {tuple(tensor.shape)}")
        want, got = (tuple(tensor.shape), tensor.dtype), (tuple(found[name].shape), found[name].dtype)
        if want != got:
            raise UserError(
                f"{where} does not fit: tensor '{name}' has shape {got[0]} ({_dtype(got[1])}), "
                f"expected {want[0]} ({_dtype(want[1])})"
            )
    extra = sorted(set(found) - set(expected))
    if extra:
        raise UserError(
            f"{where} does not fit: tensor '{extra[0]}' of shape {tuple(found[extra[0]].shape)} is not expected"
        )


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """SHA-256 over the metadata and every tensor, in the order of their names."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{_dtype(tensor.dtype)}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _is_whole(path: Path) -> bool:
    """Tell whether a file is as long as its header says. Flipped bits are not looked for: that takes all its bytes."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except Exception:  # Whatever the parser trips over.
        return False


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
