"""An OpenGL context without a window: EGL, else OSMesa. Nothing of OpenGL is imported before one is asked for."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from typing import Any

from ..errors import UserError

_BACKENDS = ("egl", "osmesa", "glfw")
"""In the order they are tried; the last one needs a display."""
_OFF = ("disable", "disabled", "off", "false", "0")
_ANY = ("", "enable", "enabled", "on", "true", "1", "glx", "cgl", "wgl")
"""Other values that MuJoCo knows; they leave the choice to us."""


def import_mujoco() -> None:
    """Import MuJoCo while ``MUJOCO_GL`` is hidden, if it is set.

    MuJoCo loads the backend that it names at once, and dies with a traceback where its library is missing. Only
    pictures need one: ``make_context`` loads it when they are asked for, and says what to install.
    """
    wanted = os.environ.pop("MUJOCO_GL", None)
    if wanted is None:
        return  # Whoever needs it imports it; commands that do not need it start faster.
    try:
        importlib.import_module("mujoco")
    finally:
        os.environ["MUJOCO_GL"] = wanted


def make_context(width: int, height: int) -> Any:
    """Create a context and make it current.

    The environment variable ``MUJOCO_GL`` picks one backend (egl, osmesa, glfw) or switches OpenGL off (disable).

    Args:
      width: largest width of a picture, pixels.
      height: largest height.

    Returns:
      A MuJoCo ``GLContext``; call its ``free()`` at the end.

    Raises:
      UserError: there is no OpenGL, and what to install; or ``MUJOCO_GL`` has a value that nobody knows.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted in _OFF:
        raise UserError(f"OpenGL is switched off by MUJOCO_GL={wanted}, and pictures need it; unset MUJOCO_GL")
    if wanted not in (*_BACKENDS, *_ANY):
        raise UserError(f"MUJOCO_GL={wanted} is no backend of OpenGL; use egl, osmesa or glfw, or unset it")
    import_triton()
    reasons = []
    for backend in [wanted] if wanted in _BACKENDS else _candidates():
        try:
            return _make(backend, width, height)
        except (
            Exception
        ) as error:  # Missing libraries show up as any of ImportError, AttributeError, OSError, GL errors.
            reasons.append(f"{backend}: {_short(error)}")
            _forget(backend)
    raise no_opengl("; ".join(reasons))


def import_triton() -> None:
    """Import triton, which CUDA builds of torch bring, before OpenGL.

    Its LLVM and that of Mesa's software rendering end the process (a segmentation fault) where Mesa's is loaded first
    and torch imports triton later, for instance when the first optimizer is made.
    """
    with contextlib.suppress(ImportError):
        importlib.import_module("triton")


def _make(backend: str, width: int, height: int) -> Any:
    """Create a context of one backend and make it current; whatever its libraries raise comes out of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GLFW only warns where it fails; MuJoCo does not look.
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
        if backend == "glfw" and not importlib.import_module("glfw").get_current_context():
            raise OSError("there is no display")
    return context


def no_opengl(reason: str) -> UserError:
    """Return the error that says what to install."""
    return UserError(
        "pictures need OpenGL and none works here; on Debian or Ubuntu install it with "
        f"'apt-get install libegl1 libgl1' or 'apt-get install libosmesa6' ({reason})"
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


def check() -> None:
    """End the process with one line that says what pictures need, if they need anything. For the Makefile."""
    try:
        make_context(64, 64).free()
    except UserError as error:
        sys.exit(str(error))
