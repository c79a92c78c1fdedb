"""The studies by name."""

from __future__ import annotations

from envs.errors import UserError, did_you_mean

from .coala.study import CoalaStudy
from .reputation.study import ReputationStudy
from .schelling.study import SchellingStudy
from .study import Study
from .trade.study import TradeStudy

_STUDIES: tuple[Study, ...] = (ReputationStudy(), CoalaStudy(), TradeStudy(), SchellingStudy())
STUDIES: dict[str, Study] = {study.name: study for study in _STUDIES}
"""In the order of the help: a line for each."""


def get_study(name: str) -> Study:
    """Return a study by its name.

    Raises:
      UserError: there is none of that name.
    """
    if name not in STUDIES:
        raise UserError(f"unknown study '{name}'{did_you_mean(name, STUDIES)}; there are {', '.join(STUDIES)}")
    return STUDIES[name]
