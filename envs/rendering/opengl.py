"""An OpenGL context without a window: EGL, else OSMesa. Nothing of OpenGL is imported before one is asked for."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
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
      UserError: there is no OpenGL, and what to install; or ``MUJOCO_GL`` has a value that nobody knows; or this
        process was forked from one that has drawn pictures.
    """
    global _first_process
    if _first_process not in (None, os.getpid()):
        raise _no_forks()
    wanted = os.environ.get("MUJOCO_GL", "").lower().strip()
    if wanted in _OFF:
        raise UserError(f"OpenGL is switched off by MUJOCO_GL={wanted}, and pictures need it; unset MUJOCO_GL")
    if wanted not in (*_BACKENDS, *_ANY):
        raise UserError(f"MUJOCO_GL={wanted} is no backend of OpenGL; use egl, osmesa or glfw, or unset it")
    import_triton()
    reasons = []
    for backend in [wanted] if wanted in _BACKENDS else _candidates():
        try:
            context = Context(_make(backend, width, height))
            with context.current():
                _first_process = os.getpid()
            return context
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
    """Create a context of one backend that can be made current; whatever its libraries raise comes out of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GLFW only warns where it fails; MuJoCo does not look.
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        with context.as_current():
            if backend == "glfw" and not importlib.import_module("glfw").get_current_context():
                raise OSError("there is no display")
    return context


def no_opengl(reason: str) -> UserError:
    """Return the error that says what to install."""
    return UserError(
        "pictures need OpenGL and none works here; on Debian or Ubuntu install it with "
        f"'apt-get install libegl1 libgl1' or 'apt-get install libosmesa6' ({reason})"
    )


def _no_forks() -> UserError:
    return UserError(
        "no pictures here: this process was forked from one that had drawn some, and OpenGL does not survive that; "
        "start processes by 'spawn' or 'forkserver', or draw the first picture after the fork"
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
