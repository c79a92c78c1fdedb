"""The studies by name."""

from __future__ import annotations

from envs.errors import UserError, did_you_mean

from .study import Study

STUDIES: dict[str, Study] = {}
"""In the order of the help: a line for each."""


def get_study(name: str) -> Study:
    """Return a study by its name.

    Raises:
      UserError: there is none of that name.
    """
    if name not in STUDIES:
        raise UserError(f"unknown study '{name}'{did_you_mean(name, STUDIES)}; there are {', '.join(STUDIES)}")
    return STUDIES[name]
