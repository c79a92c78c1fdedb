"""What may have happened to a file before it is read: damage for hypothesis to draw. Every property test is
deterministic."""

import copy

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from envs.errors import UserError


def examples(number):
    """Settings of a property test: the same examples in every run."""
    return settings(max_examples=number, deadline=None, derandomize=True, database=None)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(
        [2**31, 2**64, 10**400, -(2**63), "Infinity", "cpu", "", "\ud800", "a\0b", [], {}, [[]], {"x": 1}]
    )
    | st.floats()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
"""Any JSON value, and those that have no place in JSON but that Python's reader knows."""


def places(value, path=()):
    """Every place in a JSON value, as a path of keys and indices."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@st.composite
def changed(draw, value):
    """A JSON value with one place replaced by something else, removed, or with something new beside it."""
    value = copy.deepcopy(value)
    *path, last = draw(st.sampled_from([path for path in places(value) if path]))
    holder = value
    for key in path:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"]))
    if how == "replace":
        holder[last] = draw(JSON)
    elif how == "remove":
        del holder[last]
    elif isinstance(holder, dict):
        holder[draw(st.text(max_size=4))] = draw(JSON)
    else:
        holder.append(draw(JSON))
    return value


@st.composite
def damaged(draw, data):
    """Bytes that were cut short, or of which some bits were flipped, or in which some bytes are others."""
    if draw(st.booleans()):
        return data[: draw(st.integers(0, len(data) - 1))]
    data = bytearray(data)
    # The beginning and the end, where headers are, more often than their share.
    near = st.integers(0, min(len(data), 400) - 1)
    for place in draw(
        st.lists(near | near.map(lambda n: len(data) - 1 - n) | st.integers(0, len(data) - 1), min_size=1)
    ):
        data[place] ^= draw(st.integers(1, 255))
    return bytes(data)


def read_or_refuse(read, *arguments):
    """Return what a reader makes of its arguments, or None if it refuses them in one line. Anything else
    fails the test."""
    try:
        return read(*arguments)
    except UserError as error:
        text = str(error)
        assert text and "\n" not in text, text
        return None


__all__ = ["JSON", "changed", "damaged", "examples", "places", "pytest", "read_or_refuse"]
