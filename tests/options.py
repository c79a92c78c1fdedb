"""Values of options for hypothesis to draw: usual ones, those at the ends of their ranges, and those beyond."""

import dataclasses
import math
import types
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from envs.options.ranges import Range

FEW = {
    "scenario.game": st.sampled_from(["hide_and_seek", "box_locking", "blueprint", "shelter", "free_play", "chess"]),
    "scenario.substeps": st.integers(-1, 20),
    "scenario.lidar_rays": st.integers(-1, 60),
    "device": st.sampled_from(["cpu", "auto", "cpu:0", "cuda:99", "tpu", ""]),
    "engine": st.sampled_from(["auto", "mujoco", "jax"]),
}
"""Options most of whose values are alike, or take long."""


def options_of(kind, prefix=""):
    """Yield the dotted name and type of every option of a dataclass, and of those in it."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        inner = get_args(hints[field.name])[0] if get_origin(hints[field.name]) is Annotated else hints[field.name]
        if dataclasses.is_dataclass(inner):
            yield from options_of(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", hints[field.name]


def replaced(options, name, value):
    """Return a dataclass with one option changed, however deep it lies."""
    head, _, rest = name.partition(".")
    return dataclasses.replace(options, **{head: replaced(getattr(options, head), rest, value) if rest else value})


def values(hint):
    """Return a strategy of values of a type, which whoever is given them may have to refuse."""
    kind, *parts = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of(values(option) for option in get_args(kind))
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        return _tuples(get_args(kind))
    if kind in (int, float):
        return _numbers(next((part for part in parts if isinstance(part, Range)), Range()), kind)
    return {bool: st.booleans(), types.NoneType: st.none()}.get(kind, st.text(max_size=9))


def _tuples(kinds):
    if kinds[-1] is Ellipsis:
        return st.lists(values(kinds[0]), max_size=3).map(tuple)
    several = st.tuples(*map(values, kinds))
    return several.map(lambda items: tuple(sorted(items))) | several  # Most pairs must be in order.


def _numbers(limits, kind):
    """Numbers in and out of a range, most of them usual ones."""
    ends = [end for end in (limits.low, limits.above, limits.high, limits.below) if abs(end) < math.inf]
    strange = [-1, 2**31, 2**63, 10**400] if kind is int else [math.nan, math.inf, -math.inf, -1.0, 1e308, 5e-324]
    usual = st.integers(0, 6) | st.integers(0, 40) if kind is int else st.floats(0, 1) | st.floats(0, 10)
    edges = [kind(end) + step for end in ends for step in (0, 1, -1)]
    return st.one_of(usual, usual, usual, st.sampled_from([*edges, *strange]))
