"""Which numbers an option may have: said once, beside its field, and checked in one place.

    seconds: Annotated[float, Range(above=0)] = 6.0

Parsers and readers of files ignore what is annotated; ``faults`` looks for it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import UserError

T = TypeVar("T")

_LARGEST = 2**31 - 1
"""Of whole numbers whose range says nothing else."""
_LARGEST_FLOAT = 3e38
"""The same of other numbers: what float32 can hold."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers of an option. NaN is never one of them; infinity is where it has a meaning."""

    low: float = -math.inf
    """The smallest one."""
    above: float = -math.inf
    """All are larger than this."""
    high: float = math.inf
    """The largest one."""
    below: float = math.inf
    """All are smaller than this."""
    infinite: bool = False
    """Whether infinity is one of them."""

    def fault(self, value: Any) -> str | None:
        """Return what is to be said of a number that is not in the range: ``must be positive``."""
        if value != value:
            return "must be a number"
        if abs(value) == math.inf and not self.infinite:
            return "must be finite"
        if value == math.inf:
            return None
        low, high = max(self.low, self.above), min(self.high, self.below)
        if high == math.inf:
            high = _LARGEST if isinstance(value, numbers.Integral) else _LARGEST_FLOAT
        if self.low <= value <= high and self.above < value < self.below:
            return None
        return self._describe(value, low, high)

    def _describe(self, value: Any, low: float, high: float) -> str:
        """Say what a number that is not in the range must be; of both its ends, if it has two."""
        whole = isinstance(value, numbers.Integral)
        if whole and value < 0 == low:
            return "must not be negative"
        if low > -math.inf and min(self.high, self.below) < math.inf:
            if whole:
                return f"must be from {low} to {high}"
            first, last = "[" if self.above < low else "(", "]" if self.below > high else ")"
            return f"must be in {first}{low:g}, {high:g}{last}"
        if value >= high:
            return f"must be at most {high}" if self.below > high else f"must be below {high}"
        if self.above < low:
            return "must not be negative" if low == 0 else f"must be at least {low}"
        return "must be positive" if low == 0 else f"must be above {low}"


LAST_SEED = 2**32 - 1
"""The largest seed; 0 is the smallest. Of larger ones torch's generator of the CPU sees the lowest 32 bits alone."""
_MOST_OBJECTS = 100
_MOST_THREADS = 1024

Positive = Annotated[float, Range(above=0)]
NotNegative = Annotated[float, Range(low=0)]
PositiveOrInfinite = Annotated[float, Range(above=0, infinite=True)]
Share = Annotated[float, Range(low=0, high=1)]
"""From 0 to 1."""
PositiveShare = Annotated[float, Range(above=0, high=1)]
Metres = Annotated[float, Range(low=0, high=1000)]
"""A length, or none."""
Size = Annotated[float, Range(above=0, high=1000)]
"""A length in metres."""
Coordinate = Annotated[float, Range(low=-1000, high=1000)]
"""A place along an axis, in metres."""
Friction = Annotated[float, Range(low=0, high=1000)]
Reward = Annotated[float, Range(low=-1e6, high=1e6)]
"""A reward, a loss, or a factor of one: what float32 can add up over an episode."""
Whole = Annotated[int, Range(low=0)]
"""0, 1, 2, ..."""
AtLeastOne = Annotated[int, Range(low=1)]
Objects = Annotated[int, Range(low=0, high=_MOST_OBJECTS)]
"""A number of things in a world."""
Threads = Annotated[int, Range(low=0, high=_MOST_THREADS)]
"""Threads or processes; 0 lets the program choose."""
Width = Annotated[int, Range(low=1, high=4096)]
"""Features of a layer of a network."""
Seed = Annotated[int, Range(low=0, high=LAST_SEED)]


def faults(options: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a dataclass of options, and of those in it, whose values are none that they may have.

    Args:
      options: a dataclass. Numbers, choices (``Literal``), and tuples of them are looked at; other values are not.
      prefix: what names start with.

    Yields:
      Dotted name, and what is to be said of it: ``("ppo.clip", "is -1.0; it must be positive")``.
    """
    kind: Any = type(options)
    for name, hint in _hints(kind).items():
        value = getattr(options, name)
        if dataclasses.is_dataclass(value):
            yield from faults(value, f"{prefix}{name}.")
        elif text := _fault(value, hint):
            yield f"{prefix}{name}", f"is {_shown(value)}; {text}"


def require_in_range(options: Any) -> None:
    """Refuse options of a command line with a number out of its range.

    Raises:
      UserError: names the first such flag.
    """
    for name, text in faults(options):
        raise UserError(f"{flag(name)} {text}")


def require(name: str, value: T, kind: Any) -> T:
    """Return an argument if it is a number of a kind, such as ``AtLeastOne``.

    Raises:
      UserError: it is not; names it.
    """
    if text := _fault(value, kind):
        raise UserError(f"{name} is {_shown(value)}; {text}")
    return value


def derived_seed(seed: int, number: int) -> int:
    """Return the seed that comes ``number`` after this one; 0 comes after the last."""
    return (seed + number) % (LAST_SEED + 1)


def flag(name: str) -> str:
    """Return how the command line calls a field: ``--ppo.max-grad-norm``."""
    return f"--{name.replace('_', '-')}"


def _shown(value: Any) -> str:
    """Return a value for a message: a number that stands alone without brackets."""
    return str(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Return the type of every field, ranges included."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _fault(value: Any, hint: Any) -> str | None:
    """Return what is wrong with a value of a type, or None."""
    kind, *parts = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    spans = [part for part in parts if isinstance(part, Range)]
    if get_origin(kind) in (types.UnionType, typing.Union):
        options = [option for option in get_args(kind) if option is not types.NoneType]
        return None if value is None else _fault(value, options[0])
    if get_origin(kind) is typing.Literal:
        known = ", ".join(repr(choice) for choice in get_args(kind))
        return None if value in get_args(kind) else f"it must be one of {known}"
    if get_origin(kind) is tuple:
        return _fault_of_tuple(value, get_args(kind))
    if kind not in (int, float):
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral if kind is int else numbers.Real):
        return "it must be a whole number" if kind is int else "it must be a number"
    text = (spans[0] if spans else Range()).fault(value)
    return text and f"it {text}"


def _fault_of_tuple(values: Any, kinds: tuple[Any, ...]) -> str | None:
    many = len(kinds) == 2 and kinds[1] is Ellipsis
    if not isinstance(values, tuple) or (not many and len(values) != len(kinds)):
        return f"it must be {'several' if many else len(kinds)} numbers"
    pairs = zip(values, kinds[:1] * len(values) if many else kinds, strict=True)
    text = next((text for value, kind in pairs if (text := _fault(value, kind))), None)
    return text and text.replace("it must", "each number must", 1)
