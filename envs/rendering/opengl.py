"""An OpenGL context without a window: EGL, else OSMesa. Nothing of OpenGL is imported before one is asked for."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from ..errors import UserError

_BACKENDS = ("egl", "osmesa", "glfw")
"""In the order they are tried; the last one needs a display."""
_OFF = ("disable", "disabled", "off", "false", "0")


_first_process: int | None = None
"""Id of the process in which a context was made first. A driver's threads do not follow into a fork."""


class Context:
    """An OpenGL context for any thread of the process that made it, one at a time.

    Args:
      inner: a ``GLContext`` of MuJoCo's, or what behaves like one.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._process = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this process only inherited the context. What OpenGL holds is then the parent's to free."""
        return os.getpid() != self._process

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Let this thread draw here while the block lasts.

        Raises:
          UserError: this process was forked from the one that made the context.
        """
        if self.forked:
            raise _no_forks()
        with self._inner.as_current():
            yield

    def free(self) -> None:
        """Free what OpenGL holds."""
        if not self.forked:
            self._inner.free()


def _leave_display_to_parent() -> None:
    """Keep a forked child from closing the display at its exit: that would wait for ever for the driver's threads."""
    if "mujoco.egl" in sys.modules:
        sys.modules["mujoco.egl"].EGL_DISPLAY = None  # type: ignore[attr-defined]


if hasattr(os, "register_at_fork"):  # Not on Windows, which cannot fork.
    os.register_at_fork(after_in_child=_leave_display_to_parent)


def make_context(width: int, height: int) -> Context:
    """Create a context.

    The environment variable ``MUJOCO_GL`` picks one backend (egl, osmesa, glfw) or switches OpenGL off (disable).

    Args:
      width: largest width of a picture, pixels.
      height: largest height.

    Returns:
      A context; call its ``free()`` at the end.

    Raises:
      UserError: there is no OpenGL; says what to install. Or this process was forked from one that has drawn pictures.
    """
    global _first_process
    if _first_process not in (None, os.getpid()):
        raise _no_forks()
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted in _OFF:
        raise UserError(f"OpenGL is switched off by MUJOCO_GL={wanted}, and pictures need it; unset MUJOCO_GL")
    reasons = []
    for backend in [wanted] if wanted in _BACKENDS else _candidates():
        try:
            context = Context(importlib.import_module(f"mujoco.{backend}").GLContext(width, height))
            with context.current():
                _first_process = os.getpid()
            return context
        except (
            Exception
        ) as error:  # Missing libraries show up as any of ImportError, AttributeError, OSError, GL errors.
            reasons.append(f"{backend}: {_short(error)}")
            _forget(backend)
    raise no_opengl("; ".join(reasons))


def no_opengl(reason: str) -> UserError:
    """Return the error that says what to install."""
    return UserError(
        "pictures need OpenGL and none works here; on Debian or Ubuntu install it with 'apt-get install libegl1 libgl1' "
        f"or 'apt-get install libosmesa6' ({reason})"
    )


def _no_forks() -> UserError:
    return UserError(
        "no pictures here: this process was forked from one that had drawn some, and OpenGL does not survive that; start "
        "processes by 'spawn' or 'forkserver', or draw the first picture after the fork"
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
