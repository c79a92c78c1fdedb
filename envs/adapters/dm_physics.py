"""One world in the form in which dm_control hands a physics around, without dm_control, which is not everywhere."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from .frame_renderer import CAMERA, Picture


class Handle:
    """A ``mujoco.MjModel`` or ``MjData``: ``ptr``, and all of its attributes, for reading and writing."""

    ptr: Any

    def __init__(self, ptr: mujoco.MjModel | mujoco.MjData) -> None:
        object.__setattr__(self, "ptr", ptr)

    def __getattr__(self, name: str) -> Any:
        if name == "ptr":  # Not there yet, while it is copied.
            raise AttributeError(name)
        return getattr(self.ptr, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.ptr, name, value)

    def id2name(self, object_id: int, object_type: str) -> str:
        """Return the name of a model's object, such as camera 0; empty if it has none."""
        kind = getattr(mujoco.mjtObj, f"mjOBJ_{object_type.upper()}")
        return mujoco.mj_id2name(self.ptr, kind, object_id) or ""


class ShownPhysics:
    """A copy of one world, for looking only: what is written to it does not reach the world.

    Attributes:
      model: new in every episode, since walls and sizes are.
      data: the same; ``data.body("agent0/body").xpos`` is MuJoCo's own access by name.
    """

    def __init__(self) -> None:
        self.model: Handle
        self.data: Handle
        self._picture: Picture | None = None
        self._size = (0, 0)

    def show(self, model: mujoco.MjModel) -> None:
        """Show the world of this model from now on."""
        self.model, self.data = Handle(model), Handle(mujoco.MjData(model))

    def follow(self, current: mujoco.MjData) -> None:
        """Be where the world is."""
        data = self.data.ptr
        for name in ("qpos", "qvel", "ctrl", "eq_active"):
            getattr(data, name)[:] = getattr(current, name)
        data.time = current.time
        mujoco.mj_forward(self.model.ptr, data)

    def time(self) -> float:
        """Return seconds since the episode began."""
        return self.data.time

    def timestep(self) -> float:
        """Return the length of one physics substep, seconds."""
        return self.model.opt.timestep

    def render(self, height: int = 240, width: int = 320, camera_id: int | str = CAMERA) -> NDArray[np.uint8]:
        """Draw the world as a fixed camera, ``overview`` or ``top``, sees it: (height, width, 3).

        Raises:
          UserError: there is no OpenGL; says what to install.
        """
        if self._picture is None or self._size != (width, height):
            self.free()
            self._picture, self._size = Picture(width, height), (width, height)
        self._picture.show(self.model.ptr, camera_id)
        picture = self._picture.draw(self.data.ptr, [])
        assert picture is not None
        return picture

    def free(self) -> None:
        """Free what OpenGL holds."""
        if self._picture is not None:
            self._picture.close()
            self._picture = None
