"""Options from files: a TOML or JSON file replaces some fields of a configuration, for sweeps and shared settings."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from envs.errors import UserError

from ..support.json_data import convert, describe, shorten

T = TypeVar("T")


def read_overrides(path: Path) -> dict[str, Any]:
    """Return what an override file says, as dotted field names with underscores -> values.

    Args:
      path: ``.toml`` or ``.json``. Keys are nested, dotted, or both; hyphens count as underscores.

    Raises:
      UserError: the file cannot be read, is not TOML or JSON, or names one field twice.
    """
    if path.suffix not in (".toml", ".json"):
        raise UserError(f"override file {path} must end in .toml or .json")
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise UserError(f"cannot read override file {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"override file {path} is not {path.suffix[1:].upper()} ({error})") from error
    if not isinstance(values, dict):
        raise UserError(f"override file {path} must hold one object with option names as keys")
    return flatten(values, path)


def flatten(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return nested tables of an override file as dotted field names with underscores -> values.

    Raises:
      UserError: one field is named twice, or tables are nested too deeply.
    """
    try:
        return _flatten(values, "", path)
    except RecursionError:
        raise UserError(f"override file {path} is nested too deeply") from None


def override(config: T, values: Mapping[str, Any], where: str) -> T:
    """Return a configuration with some fields replaced.

    Args:
      config: a dataclass of dataclasses.
      values: dotted field names -> plain values; lists stand for tuples.
      where: where the values come from, for messages.

    Raises:
      UserError: an unknown name (the nearest is suggested), a group of fields in place of a field, or a value of
        another type than the field's.
    """
    for name, value in values.items():
        config = _replace(config, name.split("."), value, name, where)
    return config


def _flatten(values: Mapping[str, Any], prefix: str, path: Path) -> dict[str, Any]:
    """Make one level of nested tables, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = prefix + key.replace("-", "_")
        for inner, item in (_flatten(value, f"{name}.", path) if isinstance(value, dict) else {name: value}).items():
            if inner in flat:
                raise UserError(f"override file {path} names '{inner}' twice")
            flat[inner] = item
    return flat


def _replace(config: Any, names: list[str], value: Any, full: str, where: str) -> Any:
    """Replace one field, however deep it lies."""
    head, *rest = names
    hints = get_type_hints(type(config))
    group = full.removesuffix(".".join(names))
    if head not in {field.name for field in dataclasses.fields(config)}:
        raise UserError(f"{where}: unknown option '{full}'{_nearest(head, group, config)}")
    current = getattr(config, head)
    if rest and not dataclasses.is_dataclass(current):
        raise UserError(f"{where}: '{group}{head}' is one option, it has no '{'.'.join(rest)}'")
    if rest:
        return dataclasses.replace(config, **{head: _replace(current, rest, value, full, where)})
    if dataclasses.is_dataclass(current):
        example = dataclasses.fields(current)[0].name
        raise UserError(f"{where}: '{full}' is a group of options; set its fields, such as '{full}.{example}'")
    try:
        return dataclasses.replace(config, **{head: convert(value, hints[head])})
    except TypeError:
        raise UserError(f"{where}: '{full}' must be {describe(hints[head])}, found {shorten(value)}") from None


def _nearest(word: str, group: str, config: Any) -> str:
    """Suggest a name of this group; of everything below the top if the name was given without its group."""
    choices = {f"{group}{field.name}": field.name for field in dataclasses.fields(config)}
    for field in dataclasses.fields(config):
        inner = getattr(config, field.name)
        if dataclasses.is_dataclass(inner):
            choices |= {f"{group}{field.name}.{f.name}": f.name for f in dataclasses.fields(inner)}
    ranked = [(difflib.SequenceMatcher(None, word, last).ratio(), name) for name, last in choices.items()]
    score, name = max(ranked, key=lambda pair: pair[0])
    return f", did you mean '{name}'?" if score > 0.5 else ""
