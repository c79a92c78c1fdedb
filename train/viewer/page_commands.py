"""Commands of the page: what each takes, checked before anything of it is done."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from envs.errors import UserError

_LONGEST_TEXT = 200

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Kind:
    """The values that an argument may have."""

    description: str
    """Ends the line "it must be ...", for whoever sent another value."""
    holds: Callable[[Any], bool]
    """Whether a value of JSON is one of them."""
    optional: bool = False
    """Whether the command can do without this argument."""


TRUTH = Kind("true or false", lambda value: type(value) is bool)
TEXT = Kind(
    f"a text of at most {_LONGEST_TEXT} characters", lambda value: type(value) is str and len(value) <= _LONGEST_TEXT
)


def whole(low: int, high: int) -> Kind:
    """Return whole numbers from ``low`` to ``high``."""
    return Kind(f"a whole number from {low} to {high}", lambda value: type(value) is int and low <= value <= high)


def number(low: float, high: float) -> Kind:
    """Return finite numbers from ``low`` to ``high``."""
    return Kind(
        f"a number from {low:g} to {high:g}", lambda value: type(value) in (int, float) and low <= value <= high
    )


def one_of(choices: Collection[str]) -> Kind:
    """Return some texts."""
    return Kind(f"one of {', '.join(choices)}", lambda value: type(value) is str and value in choices)


def some_of(choices: Collection[str]) -> Kind:
    """Return lists of some texts, none twice."""
    return Kind(
        f"a list of different ones of {', '.join(choices)}",
        lambda value: (
            type(value) is list
            and all(type(item) is str and item in choices for item in value)
            and len(value) == len(set(value))
        ),
    )


def pair(kind: Kind) -> Kind:
    """Return lists of two."""
    return Kind(
        f"a list of two, each {kind.description}",
        lambda value: type(value) is list and len(value) == 2 and all(map(kind.holds, value)),
    )


def nullable(kind: Kind) -> Kind:
    """Return a kind's values, and null."""
    return replace(
        kind, description=f"null or {kind.description}", holds=lambda value: value is None or kind.holds(value)
    )


def optional(kind: Kind) -> Kind:
    """Return a kind whose argument may be left out."""
    return replace(kind, optional=True)


@dataclass(frozen=True)
class Command:
    """Something that a page can ask for."""

    name: str
    method: Callable[..., Any]
    """Called with the viewer and the arguments, by the viewer's own thread."""
    kinds: dict[str, Kind]
    """Argument -> what it may be."""

    def check(self, arguments: dict[str, Any]) -> None:
        """Refuse arguments that this command does not know, lacks, or knows as something else.

        Raises:
          UserError: says which and what it must be.
        """
        for name in arguments:
            if name not in self.kinds:
                takes = ", ".join(self.kinds) or "no arguments"
                raise UserError(f"command '{self.name}' has no argument {reprlib.repr(name)}; it takes {takes}")
        for name, kind in self.kinds.items():
            if name not in arguments:
                if not kind.optional:
                    raise UserError(f"command '{self.name}' needs the argument '{name}', {kind.description}")
            elif not kind.holds(arguments[name]):
                raise UserError(f"'{name}' is {reprlib.repr(arguments[name])}; it must be {kind.description}")


class Commands(dict[str, Command]):
    """The commands of a class by name. Its methods are entered by the decorator ``takes``."""

    def takes(self, name: str, /, **kinds: Kind) -> Callable[[Method], Method]:
        """Enter the decorated method under a name, with what each of its arguments may be."""

        def enter(method: Method) -> Method:
            self[name] = Command(name, method, kinds)
            return method

        return enter

    def find(self, name: str) -> Command:
        """Return a command.

        Raises:
          UserError: there is none of this name.
        """
        if name not in self:
            raise UserError(f"unknown command {reprlib.repr(name)}; there are {', '.join(self)}")
        return self[name]
