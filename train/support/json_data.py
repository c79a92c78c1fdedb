"""Nested dataclasses to plain JSON values and back, so that files hold data and never pickled classes.

What is read may be anything: whatever does not fit is a ``UserError`` of one line.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from envs.errors import UserError

T = TypeVar("T")

_NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}
"""JSON has no infinity; these words stand for it."""


def to_plain(value: Any) -> Any:
    """Return dataclasses as dicts, tuples as lists and infinity as a word, recursively; all else must be JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return _NAMES.get(value, value) if isinstance(value, float) else value


def from_plain(cls: type[T], plain: Any, where: str) -> T:
    """Build dataclass ``cls`` from the dict that ``to_plain`` made. Fields that are absent keep their defaults.

    Args:
      cls: the dataclass to build; its fields are dataclasses, tuples or JSON values.
      plain: the dict, or whatever was found in its place.
      where: the file it came from, for error messages.

    Raises:
      UserError: not a dict, a field this version does not know, a required field that is missing, or a value of another
        type than its field.
    """
    if not isinstance(plain, dict):
        raise UserError(f"{where}: expected an object for {cls.__name__}, found {type(plain).__name__}")
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(plain) - set(fields))
    if unknown:
        raise UserError(f"{where}: {cls.__name__} has no field '{unknown[0]}'; the file is from another version")
    nothing = dataclasses.MISSING
    needed = [name for name, field in fields.items() if field.default is field.default_factory is nothing]
    missing = [name for name in needed if name not in plain]
    if missing:
        raise UserError(f"{where}: {cls.__name__} is incomplete (no '{missing[0]}'); the file is from another version")
    return cls(**{name: take(plain, name, hints[name], where) for name in plain})


def take(plain: dict[str, Any], name: str, hint: Any, where: str) -> Any:
    """Return one value of a JSON object as a type: a dataclass, or what ``convert`` makes.

    Raises:
      UserError: it is missing or of another type.
    """
    value = plain.get(name)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value, where)
    try:
        return convert(value, hint)
    except TypeError:
        found = f"found {shorten(value)}" if name in plain else "and is missing"
        raise UserError(f"{where}: '{name}' must be {describe(hint)}, {found}") from None


def convert(value: Any, hint: Any) -> Any:
    """Return a JSON value as a field's type: lists as tuples, whole numbers as floats, words for infinity as infinity.

    Raises:
      TypeError: it is of another type.
    """
    if hint is Any:
        return value
    if get_origin(hint) in (types.UnionType, typing.Union):
        for option in get_args(hint):
            try:
                return convert(value, option)
            except TypeError:
                continue
    elif get_origin(hint) is typing.Literal:
        if any(value == choice and type(value) is type(choice) for choice in get_args(hint)):
            return value
    elif get_origin(hint) is dict and isinstance(value, dict):
        return {key: convert(item, get_args(hint)[1]) for key, item in value.items()}
    elif get_origin(hint) is tuple and isinstance(value, list):
        kinds = get_args(hint)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return tuple(convert(item, kinds[0]) for item in value)
        if len(kinds) == len(value):
            return tuple(convert(item, kind) for item, kind in zip(value, kinds, strict=True))
    elif (hint is float and type(value) is int and abs(value) < 2**1000) or (
        hint is float and value in _NAMES.values()
    ):
        return float(value)
    elif type(value) is hint:
        return value
    raise TypeError


def describe(hint: Any) -> str:
    """Name a field's type as a user would."""
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", type(None): "null"}
    if hint in names:
        return names[hint]
    if get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(describe(option) for option in get_args(hint))
    if get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint))
    if get_origin(hint) is dict:
        return f"an object, each value {describe(get_args(hint)[1])}"
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        many = len(kinds) == 2 and kinds[1] is Ellipsis
        return f"a list, each {describe(kinds[0])}" if many else f"a list of {len(kinds)}"
    return str(hint)


def shorten(value: Any) -> str:
    """Return a JSON value as text of a few words."""
    try:
        text = json.dumps(value, default=str)
    except RecursionError:
        return "lists in lists"
    return text if len(text) <= 80 else f"{text[:80]}..."


def parse_object(text: str | bytes, where: str) -> dict[str, Any]:
    """Return the JSON object that a text is.

    Raises:
      UserError: it is not JSON, or is no object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} cannot be read: it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise UserError(f"{where} cannot be read: it is no JSON object, but {shorten(value)}")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
      FileNotFoundError: there is none.
      UserError: it cannot be read, is not JSON, or is no object.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from error
    return parse_object(text, str(path))
