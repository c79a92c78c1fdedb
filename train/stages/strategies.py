"""Every strategy that can be told, in the order in which they are expected to emerge."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from envs.errors import UserError
from envs.scenarios import Scenario, is_hide_and_seek

from ..play.scripted.room import QUADRANTS
from .chasing import chasing
from .ramp_defence import ramp_defence, ramp_defence_in_room
from .ramp_use import ramp_use
from .shelter_building import door_blocking, shelter
from .surfing import box_surfing, surf_defence
from .trace import Trace

Detector = Callable[[Trace], Tensor]
"""Tells in which of W episodes a strategy was played: (W,) bool."""


def strategies_of(scenario: Scenario) -> dict[str, Detector]:
    """Return the detectors that make sense in a scenario, by the strategy's name.

    Raises:
      UserError: the scenario is not hide-and-seek.
    """
    s = scenario
    if not is_hide_and_seek(s):
        raise UserError(f"scenario '{s.name}' is not hide-and-seek ({s.game}), so its agents have no such stages")
    room = s.layout in QUADRANTS
    boxes, ramps = s.max_boxes > 0, s.ramps > 0
    known: list[tuple[str, Detector, bool]] = [
        ("chasing", chasing, True),
        ("door blocking", door_blocking, room and boxes),
        ("shelter", shelter, boxes),
        ("ramp use", ramp_use, ramps),
        ("ramp defence", ramp_defence_in_room if room else ramp_defence, ramps),
        ("box surfing", box_surfing, not room and boxes),
        ("surf defence", surf_defence, not room and boxes and s.lock_boxes),
    ]
    return {name: detector for name, detector, applies in known if applies}
