"""An OpenGL context without a window: EGL, else OSMesa. Nothing of OpenGL is imported before one is asked for."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from ..errors import UserError

_BACKENDS = ("egl", "osmesa", "glfw")
"""In the order they are tried; the last one needs a display."""
_OFF = ("disable", "disabled", "off", "false", "0")


def make_context(width: int, height: int) -> Any:
    """Create a context and make it current.

    The environment variable ``MUJOCO_GL`` picks one backend (egl, osmesa, glfw) or switches OpenGL off (disable).

    Args:
      width: largest width of a picture, pixels.
      height: largest height.

    Returns:
      A MuJoCo ``GLContext``; call its ``free()`` at the end.

    Raises:
      UserError: there is no OpenGL; says what to install.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted in _OFF:
        raise UserError(f"OpenGL is switched off by MUJOCO_GL={wanted}, and pictures need it; unset MUJOCO_GL")
    reasons = []
    for backend in [wanted] if wanted in _BACKENDS else _candidates():
        try:
            context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
            context.make_current()
            return context
        # Missing libraries show up as any of ImportError, AttributeError, OSError, GL errors.
        except Exception as error:
            reasons.append(f"{backend}: {_short(error)}")
            _forget(backend)
    raise no_opengl("; ".join(reasons))


def no_opengl(reason: str) -> UserError:
    """Return the error that says what to install."""
    return UserError(
        "pictures need OpenGL and none works here; on Debian or Ubuntu install it with 'apt-get install libegl1 "
        "libgl1' "
        f"or 'apt-get install libosmesa6' ({reason})"
    )


def _candidates() -> list[str]:
    """Return the backends that may work on this machine."""
    if sys.platform == "darwin":
        return ["cgl", "glfw"]
    return [*_BACKENDS[:2], *(["glfw"] if os.environ.get("DISPLAY") else [])]


def _forget(backend: str) -> None:
    """Undo a failed import: PyOpenGL binds itself to one platform, which would rule out the next backend."""
    if os.environ.get("PYOPENGL_PLATFORM") == backend:
        del os.environ["PYOPENGL_PLATFORM"]
    for name in [n for n in sys.modules if n.split(".")[0] == "OpenGL" or n.startswith(f"mujoco.{backend}")]:
        del sys.modules[name]


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 100 else text[:97] + "..."
