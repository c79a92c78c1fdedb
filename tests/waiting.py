"""Finds what would make the host wait for a GPU, on any device."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITS = {
    "_local_scalar_dense": "a tensor was read as a number or a truth value",
    "nonzero": "the size of the result depends on values",
    "masked_select": "the size of the result depends on values",
    "_unique2": "the size of the result depends on values",
    "unique_dim": "the size of the result depends on values",
    "lift_fresh": "a tensor was made from numbers of the host",
    "equal": "a tensor was read as a truth value",
}
"""Operations during which the host waits for the device, or copies from or to it."""


class HostWaitsError(AssertionError):
    """An operation that would wait for a GPU."""


class _NoWaiting(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in WAITS:
            raise HostWaitsError(f"{name}: {WAITS[name]}")
        indices = args[1] if name in ("index", "index_put", "index_put_", "_index_put_impl_") else ()
        if any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices):
            raise HostWaitsError(f"{name} with a mask: the size of the result depends on values")
        return func(*args, **(kwargs or {}))


@contextmanager
def no_waiting() -> Iterator[None]:
    """Raise HostWaitsError where a program on a GPU would wait for it or copy from or to it.

    Tensors of the CPU do not show every copy: ``cpu``, ``numpy`` and ``tolist`` are watched by name. Other threads may
    wait.
    """
    watched = threading.current_thread()

    def refuse(name):
        original = getattr(torch.Tensor, name)

        def call(*args, **kwargs):
            if threading.current_thread() is not watched:
                return original(*args, **kwargs)
            raise HostWaitsError(f"Tensor.{name} copies to the host")

        return mock.patch.object(torch.Tensor, name, call)

    with refuse("cpu"), refuse("numpy"), refuse("tolist"), _NoWaiting():
        yield
