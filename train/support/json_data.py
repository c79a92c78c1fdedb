"""Nested dataclasses to plain JSON values and back, so that files hold data and never pickled classes."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, get_type_hints

from envs.errors import UserError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return dataclasses as dicts and tuples as lists, recursively; everything else must be a JSON value already."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def from_plain(cls: type[T], plain: Any, where: str) -> T:
    """Build dataclass ``cls`` from the dict that ``to_plain`` made. Fields that are absent keep their defaults.

    Args:
      cls: the dataclass to build; its fields are dataclasses, tuples or JSON values.
      plain: the dict.
      where: the file it came from, for error messages.

    Raises:
      UserError: not a dict, a field this version does not know, or a required field that is missing.
    """
    if not isinstance(plain, dict):
        raise UserError(f"{where}: expected an object for {cls.__name__}, found {type(plain).__name__}")
    hints = get_type_hints(cls)
    names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(plain) - names)
    if unknown:
        raise UserError(f"{where}: {cls.__name__} has no field '{unknown[0]}'; the file is from another version")
    values = {name: _field(hints[name], item, where) for name, item in plain.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise UserError(f"{where}: {cls.__name__} is incomplete ({error}); the file is from another version") from error


def _field(hint: Any, value: Any, where: str) -> Any:
    """Convert one value: nested dataclasses by their type, lists to tuples."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value, where)
    if isinstance(value, list):
        return tuple(_field(None, item, where) for item in value)
    return value
