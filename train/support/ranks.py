"""Training in several processes: who has which worlds, and what all of them together have summed up.

``torchrun`` starts the processes and gives each its rank; torch.distributed connects them, by gloo for tensors on the
CPU and by NCCL for tensors on GPUs. Rank 0 logs, prints and writes; the others only work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from envs.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """Where one process stands among those that train together; by default it is alone, and every method is trivial.

    Every method that speaks of all processes must be called by all of them, in the same order.
    """

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """Number of processes."""
    local_rank: int = 0
    """Number of this process among those on the same machine; picks its GPU."""
    local_size: int = 1
    """Processes on the same machine, which share its cores."""
    connected: bool = False
    """Whether torch.distributed is in use; also true for one process that torchrun started."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that logs, prints and writes."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """Return the name of this process's device: ``cuda`` becomes the GPU of its own, ``auto`` what is there."""
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        return f"cuda:{self.local_rank}" if name == "cuda" and self.connected else name

    def share(self, total: int) -> tuple[int, int]:
        """Return the first of this process's items and their number, for ``total`` items dealt out evenly in order."""
        first, end = (total * rank // self.size for rank in (self.rank, self.rank + 1))
        return first, end - first

    def add_up(self, tensor: Tensor) -> Tensor:
        """Return the sum of the tensors (any shape, the same everywhere) of all processes."""
        if not self.connected:
            return tensor
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    def add_up_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients of the parameters by their sums over all processes."""
        if not self.connected:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        totals = self.add_up(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, total in zip(gradients, totals.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in some process."""
        return bool(self.add_up(torch.tensor(int(flag))) > 0) if self.connected else flag

    def collect(self, value: T) -> list[T]:
        """Return the values of all processes, in the order of ranks, to every process."""
        if not self.connected:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of all processes, joined along their first axis, on the CPU of rank 0; nothing elsewhere.

        Args:
          tensors: name -> (this process's share of the rows, ...); names and other axes are the same everywhere.
        """
        mine = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
        if not self.connected:
            return mine
        parts: list[Any] | None = [None] * self.size if self.is_first else None
        dist.gather_object(mine, parts)
        return {name: torch.cat([part[name] for part in parts]) for name in mine} if parts is not None else {}

    def scatter(self, tensors: Mapping[str, Tensor], total: int, each: int = 1) -> dict[str, Tensor]:
        """Return this process's share of the rows of tensors that all processes have; undoes ``gather``.

        Args:
          tensors: name -> (total * each, ...); one of another length is returned whole, for checks of shapes to find.
          total: number of items that are shared out.
          each: rows of an item, which stay together.
        """
        first, count = self.share(total)
        return {
            name: tensor.narrow(0, first * each, count * each)
            if tensor.ndim and len(tensor) == total * each
            else tensor
            for name, tensor in tensors.items()
        }

    def from_first(self, make: Callable[[], T]) -> T:
        """Run ``make`` in rank 0 and return its result in every process.

        Raises:
          UserError: ``make`` raised it; only in rank 0. The other processes end silently with the same exit status.
        """
        if not self.connected:
            return make()
        answer: list[Any] = [None, False]
        if self.is_first:
            try:
                answer = [make(), True]
            except UserError:
                dist.broadcast_object_list(answer)
                raise
        dist.broadcast_object_list(answer)
        if not answer[1]:
            raise SystemExit(2)
        return answer[0]


@contextlib.contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Connect to the other processes, while the context lasts, if torchrun or what sets its variables started this one.

    Raises:
      UserError: the others cannot be reached.
    """
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys():
        yield Ranks()
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local_rank, local_size = int(os.environ.get("LOCAL_RANK", rank)), int(os.environ.get("LOCAL_WORLD_SIZE", size))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(min(local_rank, torch.cuda.device_count() - 1))
    try:
        dist.init_process_group(backend)
    except (RuntimeError, ValueError) as error:
        raise UserError(f"the processes of this run cannot connect ({' '.join(str(error).split())})") from error
    try:
        yield Ranks(rank, size, local_rank, local_size, connected=True)
    finally:
        dist.destroy_process_group()
