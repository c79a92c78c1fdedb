"""Day and night in pictures: MuJoCo's sun, sky and headlight, and the campfire's lamp where a scene has one."""

from __future__ import annotations

import mujoco
import numpy as np

CAMPFIRE = "campfire0/light"
"""Name of the fire's lamp."""
_FIRE_COLOUR = np.array([1.0, 0.62, 0.28])
_STARLIGHT = 0.16
"""Share of the daylight that is left at midnight, so that a picture shows something."""


class Lighting:
    """Lights a model, which this changes, by the time of day."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._fire = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_LIGHT, CAMPFIRE)
        head = model.vis.headlight
        self._diffuse, self._ambient = model.light_diffuse.copy(), model.light_ambient.copy()
        self._head = np.array(head.diffuse), np.array(head.ambient)

    def shine(self, day: float) -> None:
        """Let it be as light as at noon (1), at midnight (0) or between; nothing happens in a scene without fire."""
        if self._fire < 0:
            return
        share = _STARLIGHT + (1 - _STARLIGHT) * day
        self._model.light_diffuse[:] = share * self._diffuse
        self._model.light_ambient[:] = share * self._ambient
        self._model.light_diffuse[self._fire] = (1 - day) * _FIRE_COLOUR
        head = self._model.vis.headlight
        head.diffuse[:], head.ambient[:] = share * self._head[0], share * self._head[1]
