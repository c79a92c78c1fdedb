"""Forked processes: what a child inherits without the threads that belonged to it.

Fork copies memory and one thread only. Gymnasium's ``AsyncVectorEnv`` and, on Linux before Python 3.14,
multiprocessing fork by default.
"""

from __future__ import annotations

import ctypes
import os
import weakref

import torch

_with_threads: weakref.WeakSet[object] = weakref.WeakSet()


def leave_to_parent(owner: object) -> None:
    """Never destroy ``owner`` in a forked child: it would wait for ever for threads that stayed with the parent."""
    _with_threads.add(owner)


def _begin_in_child() -> None:
    """Make a forked child safe: torch computes in one thread, since it would wait for those of the parent's pool."""
    torch.set_num_threads(1)
    for owner in _with_threads:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(owner))


if hasattr(os, "register_at_fork"):  # Not on Windows, which cannot fork.
    os.register_at_fork(after_in_child=_begin_in_child)
