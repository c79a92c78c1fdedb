"""Pictures of a world for the render modes ``rgb_array`` and ``human``."""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..rendering.lighting import Lighting
from ..rendering.lines import Line, add_line
from ..rendering.opengl import Context, import_triton, make_context

CAMERA = "overview"
_MAX_GEOMS = 2000


class Picture:
    """Draws off screen, in any thread.

    Args:
      width: pixels.
      height: pixels.

    Raises:
      UserError: there is no OpenGL, or this process was forked from one that has drawn pictures.
    """

    buffer = mujoco.mjtFramebuffer.mjFB_OFFSCREEN

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._gl = self._make_context()
        self._context: mujoco.MjrContext | None = None
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED

    def _make_context(self) -> Context:
        return make_context(*self._size)

    def show(self, model: mujoco.MjModel, camera: int | str = CAMERA) -> None:
        """Draw the world of this model from now on, as a fixed camera sees it. It is copied."""
        self._model = copy.copy(model)
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = self._size
        self._lighting = Lighting(self._model)
        self._camera.fixedcamid = model.camera(camera).id
        self._scene = mujoco.MjvScene(self._model, maxgeom=_MAX_GEOMS)
        if self._context is None:
            with self._gl.current():
                self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
                mujoco.mjr_setBuffer(self.buffer, self._context)

    def draw(self, data: mujoco.MjData, marks: list[Line], daylight: float = 1.0) -> NDArray[np.uint8] | None:
        """Draw the world as it is in ``data``, and the game's marks. Returns (height, width, 3).

        ``daylight`` is 1 at noon and 0 at midnight.
        """
        self._lighting.shine(daylight)
        width, height = self._size
        viewport = mujoco.MjrRect(0, 0, width, height)
        picture = np.empty((height, width, 3), dtype=np.uint8)
        with self._gl.current():
            self._paint(data, marks, viewport)
            mujoco.mjr_readPixels(picture, None, viewport, self._context)
        return np.ascontiguousarray(picture[::-1])

    def _paint(self, data: mujoco.MjData, marks: list[Line], viewport: mujoco.MjrRect) -> None:
        category = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, category, self._scene)
        for line in marks:
            add_line(self._scene, line)
        mujoco.mjr_render(viewport, self._scene, self._context)

    def close(self) -> None:
        """Free what OpenGL holds."""
        if self._context is not None and not self._gl.forked:
            with self._gl.current():
                self._context.free()
        self._gl.free()


class Window(Picture):
    """Draws on the screen.

    Raises:
      UserError: there is no display.
    """

    buffer = mujoco.mjtFramebuffer.mjFB_WINDOW

    def _make_context(self) -> Context:
        self._screen = _ScreenContext(*self._size)
        return Context(self._screen)

    def draw(self, data: mujoco.MjData, marks: list[Line], daylight: float = 1.0) -> None:
        """Show the world as it is in ``data``, and the game's marks."""
        self._lighting.shine(daylight)
        with self._gl.current():
            self._paint(data, marks, mujoco.MjrRect(0, 0, *self._screen.framebuffer_size))
            self._screen.flip()


class _ScreenContext:
    """A window with an OpenGL context, by GLFW."""

    def __init__(self, width: int, height: int) -> None:
        message = "render mode 'human' needs a display and there is none; use render_mode='rgb_array'"
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UserError(message)
        import_triton()
        import glfw

        self._glfw: Any = glfw
        self._window: Any = glfw.create_window(width, height, "hideseek", None, None) if glfw.init() else None
        if not self._window:
            raise UserError(message)

    @property
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self._glfw.get_framebuffer_size(self._window)

    @contextlib.contextmanager
    def as_current(self) -> Iterator[None]:
        """Draw here while the block lasts."""
        self._glfw.make_context_current(self._window)
        try:
            yield
        finally:
            self._glfw.make_context_current(None)

    def flip(self) -> None:
        """Show what was drawn."""
        self._glfw.swap_buffers(self._window)
        self._glfw.poll_events()

    def free(self) -> None:
        """Close the window."""
        self._glfw.destroy_window(self._window)
