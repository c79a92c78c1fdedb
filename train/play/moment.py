"""A world at one time, as pictures and statistics want it: plain arrays.

Shapes: A agents (hiders first), O objects, E = A + O entities.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.physics.engine import PARKED_BELOW
from envs.rendering.lines import Line


@dataclass
class Moment:
    """What is shown of a world at one time."""

    pose: NDArray[np.float64]
    """(E, Q) x, y, z, yaw, and where boxes tilt the angles about x and y."""
    holding: NDArray[np.int64]
    """(A,) object index or -1."""
    locked_by: NDArray[np.int64]
    """(O,) agent that locked the object, -1 if it is not locked."""
    sees: NDArray[np.bool_]
    """(S, H) which seeker sees which hider; all False in the preparation phase."""
    visible: NDArray[np.bool_] | None = None
    """(A, E) what every agent sees, if it is known."""
    attention: NDArray[np.float32] | None = None
    """(A, E) what every agent attends to, if it is known."""
    game: list[Line] = field(default_factory=list)
    """What the game shows besides bodies, such as food."""
    daylight: float = 1.0
    """How light it is: 1 at noon, 0 at midnight."""

    def has(self, entity: int) -> bool:
        """Whether an agent or object takes part in the episode."""
        return bool(self.pose[entity, 1] > PARKED_BELOW)


def between(start: Moment, end: Moment, share: float) -> Moment:
    """Return the moment a share of the way from ``start`` to ``end``.

    Bodies are on their way; grabs and locks are those of ``end``, because they are decided before bodies move; what
    agents see and attend to is that of ``start`` until ``end`` is reached.
    """
    if share >= 1.0:
        return end
    vanishes = np.minimum(start.pose[:, 1:2], end.pose[:, 1:2]) <= PARKED_BELOW  # Or appears; it does not fly there.
    return Moment(
        pose=np.where(vanishes, start.pose, (1.0 - share) * start.pose + share * end.pose),
        holding=end.holding,
        locked_by=end.locked_by,
        sees=start.sees,
        visible=start.visible,
        attention=start.attention,
        game=start.game,
        daylight=(1.0 - share) * start.daylight + share * end.daylight,
    )
