"""Keys of a human player to actions of an agent."""

from __future__ import annotations

import math
from collections.abc import Collection

from envs.batch_env import ACTION_BINS, NO_ACTION

FORWARD, BACK = ("KeyW", "ArrowUp"), ("KeyS", "ArrowDown")
LEFT, RIGHT = ("KeyA", "ArrowLeft"), ("KeyD", "ArrowRight")
TURN_LEFT, TURN_RIGHT = ("KeyQ",), ("KeyE",)
GRAB, LOCK, FAST = ("Space",), ("KeyF",), ("ShiftLeft", "ShiftRight")
KEYS = (*FORWARD, *BACK, *LEFT, *RIGHT, *TURN_LEFT, *TURN_RIGHT, *GRAB, *LOCK, *FAST)
"""Names of keys as browsers give them in ``KeyboardEvent.code``."""

_NONE = NO_ACTION[0]
_WALK, _RUN = 2, NO_ACTION[0]
_TURN = 1
"""Bins away from no force: walking 3.6 m/s, running 9 m/s, turning 1.8 rad/s."""


def action(keys: Collection[str], lock: bool, heading: float | None) -> list[int]:
    """Return the action (5,) of a human.

    Args:
      keys: held down now.
      lock: whether the agent presses its lock all the time; the key switches it, because the rules look at its level.
      heading: angle, radians, in the floor plane that "forward" means; None: up on a picture seen from above.
    """
    along = _pressed(keys, FORWARD) - _pressed(keys, BACK)
    right = _pressed(keys, RIGHT) - _pressed(keys, LEFT)
    angle = math.pi / 2 if heading is None else heading
    force_x = along * math.cos(angle) + right * math.sin(angle)
    force_y = along * math.sin(angle) - right * math.cos(angle)
    size = (_RUN if _pressed(keys, FAST) else _WALK) / max(math.hypot(force_x, force_y), 1.0)
    turn = _TURN * (_pressed(keys, TURN_LEFT) - _pressed(keys, TURN_RIGHT))
    bins = [_NONE + round(size * force_x), _NONE + round(size * force_y), _NONE + turn]
    return [min(max(b, 0), ACTION_BINS[0] - 1) for b in bins] + [_pressed(keys, GRAB), int(lock)]


def _pressed(keys: Collection[str], names: tuple[str, ...]) -> int:
    return int(any(name in keys for name in names))
