"""The one exception type for mistakes a user can make and mend, and the hint that goes with a mistyped name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake in what the user asked for.

    Its message is a single line that says what is wrong and what to do. The command line prints it and exits with
    status 2; library users see an ordinary ``ValueError``.

    Args:
      message: the line. What cannot be printed, such as a line break in a name that a file gave, is written as Python
        writes it: nobody's file moves anybody's cursor.
    """

    def __init__(self, message: str) -> None:
        words = " ".join(message.split())
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in words))


_CLOSE = 0.6
"""Similarity from 0 to 1 from which on a name is worth a hint."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return ``, did you mean 'x'?`` for the choice closest to a mistyped word, or nothing if none is close.

    Args:
      word: what was typed.
      choices: what there is. Of names such as ``hide-and-seek/full`` the last part may have been typed alone.
    """
    whole = {name: name for name in choices}
    names = {name.rpartition("/")[2]: name for name in whole} | whole
    close = difflib.get_close_matches(word, names, n=1, cutoff=_CLOSE)
    return f", did you mean '{names[close[0]]}'?" if close else ""
