"""What a sweep is: variants of a configuration and seeds, read from one TOML file."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.errors import UserError
from envs.options.ranges import AtLeastOne, Seed, faults

from ..config.overrides import flatten, override
from ..config.presets import choose
from ..config.train_config import TrainConfig, validate
from ..play.named_weights import with_whole_paths
from ..runs.run_folder import RunFolder
from ..support.json_data import convert, describe, shorten

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KINDS: dict[str, Any] = {
    "base": str,
    "seeds": int | tuple[int, ...],
    "episodes": int,
    "tags": tuple[str, ...],
    "options": dict[str, Any],
    "variants": dict[str, Any],
}
"""What a file may say."""


@dataclass(frozen=True)
class Unit:
    """One run of a sweep."""

    variant: str
    seed: int

    def __str__(self) -> str:
        return f"{self.variant}/seed{self.seed}"


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a file, in their ranges."""

    seeds: tuple[Seed, ...]
    episodes: AtLeastOne = 200


@dataclass(frozen=True)
class SweepPlan:
    """A sweep and its folder."""

    path: Path
    """The folder."""
    base: str
    """Preset or scenario that the variants change."""
    configs: dict[str, TrainConfig]
    """Variant -> its configuration, with seed 0."""
    changes: dict[str, dict[str, Any]]
    """Variant -> option -> what it is set to, as in an override file."""
    seeds: tuple[int, ...]
    episodes: int = 200
    """Episodes of each match in which a run's last policy is judged."""
    tags: tuple[str, ...] = ()
    """Tags of metrics.jsonl that are compared and drawn as well."""

    @property
    def units(self) -> list[Unit]:
        """All runs: the first seed of every variant, then the second, so that variants can be compared early."""
        return [Unit(variant, seed) for seed in self.seeds for variant in self.configs]

    @property
    def file(self) -> Path:
        """The sweep's own copy of its file."""
        return self.path / "sweep.toml"

    def config(self, unit: Unit) -> TrainConfig:
        """Return the configuration of a run."""
        return dataclasses.replace(self.configs[unit.variant], seed=unit.seed)

    def run_folder(self, unit: Unit) -> RunFolder:
        """Return where a run is."""
        return RunFolder(self.path / "runs" / unit.variant / f"seed{unit.seed}")

    def result_file(self, unit: Unit) -> Path:
        """Return the file that says how a run was judged."""
        return self.run_folder(unit).path / "result.json"

    def override_file(self, variant: str) -> Path:
        """Return the file of options that makes the base a variant."""
        return self.path / "variants" / f"{variant}.json"


def read_plan(file: Path, folder: Path) -> SweepPlan:
    """Read a sweep's file.

    Raises:
      UserError: it cannot be read, or asks for what cannot be; names the line of the file.
    """
    try:
        plain = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not TOML ({error})") from error
    said = {name: _take(name, value, file) for name, value in plain.items()}
    if not said.get("variants"):
        raise UserError(f"{file} has no variants; a table such as [variants.baseline] is one, and may be empty")
    numbers = _numbers(said, file)
    base, common = said.get("base", "quickstart"), flatten(said.get("options", {}), file)
    # One thread by default: results depend on their number in the last bits, and runs go on side by side.
    common = {"torch_threads": 1} | common
    changes = {name: common | _variant(name, values, file) for name, values in said["variants"].items()}
    start = choose(base, None)
    configs = {name: _config(start, values, f"{file}, variant {name}") for name, values in changes.items()}
    return SweepPlan(folder, base, configs, changes, numbers.seeds, numbers.episodes, said.get("tags", ()))


def _take(name: str, value: Any, file: Path) -> Any:
    if name not in _KINDS:
        raise UserError(
            f"{file}: unknown '{name}'; there are {', '.join(_KINDS)} (options of training go to [options])"
        )
    try:
        return convert(value, _KINDS[name])
    except TypeError:
        raise UserError(f"{file}: '{name}' must be {describe(_KINDS[name])}, found {shorten(value)}") from None


def _numbers(said: dict[str, Any], file: Path) -> _Numbers:
    seeds = said.get("seeds", 5)
    seeds = tuple(range(seeds)) if isinstance(seeds, int) else seeds
    numbers = _Numbers(seeds, said.get("episodes", _Numbers.episodes))
    for name, text in faults(numbers):
        raise UserError(f"{file}: '{name}' {text}")
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"{file}: 'seeds' must be a number from 1 on, or a list of different seeds")
    return numbers


def _variant(name: str, values: Any, file: Path) -> dict[str, Any]:
    if not isinstance(values, dict) or not _NAME.fullmatch(name):
        raise UserError(
            f"{file}: '{name}' is no variant; a table of options, called by letters, digits, '.', '_' and '-', is one"
        )
    return flatten(values, file)


def _config(start: TrainConfig, values: dict[str, Any], where: str) -> TrainConfig:
    if "seed" in values:
        raise UserError(f"{where}: leave out 'seed'; the file's 'seeds' has them")
    try:
        config = with_whole_paths(validate(override(start, values, where)))
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(where) else f"{where}: {error}") from error
    return dataclasses.replace(config, seed=0)
