"""Keys of a human player to actions of an agent."""

from __future__ import annotations

import math
from collections.abc import Collection

from envs.scenarios import Scenario

FORWARD, BACK = ("KeyW", "ArrowUp"), ("KeyS", "ArrowDown")
LEFT, RIGHT = ("KeyA", "ArrowLeft"), ("KeyD", "ArrowRight")
TURN_LEFT, TURN_RIGHT = ("KeyQ",), ("KeyE",)
GRAB, LOCK, FAST = ("Space",), ("KeyF",), ("ShiftLeft", "ShiftRight")
CHOICES = tuple(f"Digit{number}" for number in range(1, 10))
"""The game's own choices: the n-th of the first of its action components, while the key is down."""
KEYS = (*FORWARD, *BACK, *LEFT, *RIGHT, *TURN_LEFT, *TURN_RIGHT, *GRAB, *LOCK, *FAST, *CHOICES)
"""Names of keys as browsers give them in ``KeyboardEvent.code``."""

_WALK = 0.4
"""Share of the largest force. With 11 bins: walking 3.6 m/s, running 9 m/s, turning, by one bin, 1.8 rad/s."""


def action(keys: Collection[str], lock: bool, forward: float, scenario: Scenario, heading: float) -> list[int]:
    """Return the action of a human: whatever of the scenario's bins comes closest to what the keys say.

    Args:
      keys: held down now.
      lock: whether the agent presses its lock all the time; the key switches it, because the rules look at its level.
      forward: angle, radians, in the floor plane that "forward" means.
      scenario: says what actions mean.
      heading: angle in the floor plane at which the agent looks.
    """
    along = _pressed(keys, FORWARD) - _pressed(keys, BACK)
    right = _pressed(keys, RIGHT) - _pressed(keys, LEFT)
    angle = forward - heading if scenario.heading_forces else forward
    force_x = along * math.cos(angle) + right * math.sin(angle)
    force_y = along * math.sin(angle) - right * math.cos(angle)
    none = scenario.no_action[0]
    size = (none if _pressed(keys, FAST) else max(round(_WALK * none), 1)) / max(math.hypot(force_x, force_y), 1.0)
    turn = _pressed(keys, TURN_LEFT) - _pressed(keys, TURN_RIGHT)
    bins = [none + round(size * force_x), none + round(size * force_y), none + turn]
    moves = [min(max(b, 0), 2 * none) for b in bins]
    return [*moves, _pressed(keys, GRAB), int(lock), *_choices(keys, scenario.game_actions)]


def _choices(keys: Collection[str], bins: tuple[int, ...]) -> list[int]:
    """Return the game's own components of an action; all but the first do nothing."""
    pressed = [number for number, key in enumerate(CHOICES, 1) if key in keys and number < (bins or (0,))[0]]
    return [pressed[0] if pressed and not component else 0 for component in range(len(bins))]


def _pressed(keys: Collection[str], names: tuple[str, ...]) -> int:
    return int(any(name in keys for name in names))
