"""States of worlds in which episodes can begin, as rows of tensors: the layout of the episode, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..layouts import Layout
from ..manipulation import Grabs, Locks
from ..transition import WorldState


@dataclass(frozen=True)
class Starts:
    """K states in which an episode can begin."""

    tensors: dict[str, Tensor]
    """``layout.*``, ``state.*``, ``state.grabs.*``, ``state.locks.*`` and ``state.game.*``: name -> (K, ...)."""

    @classmethod
    def of(cls, layout: Layout, state: WorldState) -> Starts:
        """Return K states with the layouts of their episodes."""
        named = {f"layout.{f.name}": getattr(layout, f.name) for f in fields(Layout)}
        for name, value in vars(state).items():
            parts = value if isinstance(value, dict) else vars(value) if isinstance(value, Grabs | Locks) else None
            if parts is None:
                named[f"state.{name}"] = value
            else:
                named |= {f"state.{name}.{part}": tensor for part, tensor in parts.items()}
        return cls(named)

    def __len__(self) -> int:
        return len(self.tensors["state.steps"])

    @property
    def layout(self) -> Layout:
        """The layouts of K episodes."""
        return Layout(**self._part("layout."))

    @property
    def state(self) -> WorldState:
        """Where they stand."""
        plain = {n: self.tensors[f"state.{n}"] for n in ("pose", "velocity", "visible", "steps")}
        grabs, locks = Grabs(**self._part("state.grabs.")), Locks(**self._part("state.locks."))
        return WorldState(**plain, grabs=grabs, locks=locks, game=self._part("state.game."))

    def _part(self, prefix: str) -> dict[str, Tensor]:
        return {n.removeprefix(prefix): tensor for n, tensor in self.tensors.items() if n.startswith(prefix)}

    def select(self, rows: Tensor) -> Starts:
        """Return some of them, (n,) numbers or (K,) bool."""
        return Starts({name: tensor[rows] for name, tensor in self.tensors.items()})

    def put(self, rows: Tensor, others: Starts) -> None:
        """Write n others over those with the numbers (n,)."""
        for name, tensor in self.tensors.items():
            tensor[rows] = others.tensors[name].to(tensor)

    def room_for(self, size: int) -> Starts:
        """Return as many rows of zeros in the form of these."""
        return Starts({name: tensor.new_zeros(size, *tensor.shape[1:]) for name, tensor in self.tensors.items()})

    def to(self, device: torch.device | str) -> Starts:
        """Return them on a device."""
        return Starts({name: tensor.to(device) for name, tensor in self.tensors.items()})

    @staticmethod
    def join(parts: Sequence[Starts]) -> Starts:
        """Return all of several, in their order."""
        return Starts({name: torch.cat([part.tensors[name] for part in parts]) for name in parts[0].tensors})
