"""Who took from whom: amounts by giver, taker and kind, and the drop-swap.

In a drop-swap (Garbus and Pollack 2024, section 4.1) two agents put down different kinds at about the same time and out
of each other's reach, and each takes what the other has put down.

Shapes: W worlds, A agents, F pieces. Tables of pairs are (W, A, A): giver, then taker.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...options.scenario_options import TradeOptions
from .market_floor import KINDS, Taken

SWAP_TICKS = 3
"""Ticks that may lie between the two drops of a drop-swap."""


class Deals:
    """What changed hands in W worlds; all of it is in the game's state.

    Args:
      options: of the game.
      agents: A.
      num_worlds: W.
      state: the game's; this adds its own tensors to it.
      device: where the worlds are.
    """

    def __init__(
        self, options: TradeOptions, agents: int, num_worlds: int, state: dict[str, Tensor], device: torch.device
    ) -> None:
        self._options, self._state = options, state
        self._agent, self._kind = torch.arange(agents, device=device), torch.arange(len(KINDS), device=device)
        self._others = ~torch.eye(agents, dtype=torch.bool, device=device)
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
            "given": ((agents, agents, len(KINDS)), torch.float32),
            "offered": ((agents, len(KINDS)), torch.float32),
            "last_kind": ((agents, agents), torch.int64),
            "last_put_at": ((agents, agents), torch.int64),
            "last_place": ((agents, agents, 2), torch.float32),
        }
        for name, (shape, dtype) in shapes.items():
            state[f"trade/{name}"] = torch.zeros(num_worlds, *shape, dtype=dtype, device=device)

    @property
    def given(self) -> Tensor:
        """(W, A, A, 2) units by giver, taker and kind; what an agent took back itself is on the diagonal."""
        return self._state["trade/given"]

    @property
    def to_others(self) -> Tensor:
        """(W, A, A, 2): the same without what agents took back."""
        return self.given * self._others[..., None]

    @property
    def offered(self) -> Tensor:
        """(W, A, 2) units that each agent has put down, by kind."""
        return self._state["trade/offered"]

    def offer(self, put: Tensor) -> None:
        """Note the units that agents put down in a step, (W, A, 2) by kind."""
        self._state["trade/offered"] = self.offered + put

    def add(self, taken: Taken) -> tuple[Tensor, Tensor]:
        """Note what was taken in a step.

        Returns:
          Units (W,) that changed hands, and drop-swaps (W,) that were completed.
        """
        owner = taken.owner[..., None] == self._agent  # (W, F, A)
        kind = taken.kind[..., None] == self._kind
        amount = torch.einsum("wtf,wfg,wfk->wgtk", taken.amount, owner.float(), kind.float())
        self._state["trade/given"] = self.given + amount
        return (amount * self._others[..., None]).sum((1, 2, 3)), self._swaps(taken, owner)

    def _swaps(self, taken: Taken, owner: Tensor) -> Tensor:
        """Remember the newest piece that each agent took from each other one; (W,) swaps that this completes."""
        state = self._state
        moved = taken.pieces[:, None] & owner.transpose(1, 2)[:, :, None]  # (W, giver, taker, F)
        any_moved = moved.any(3) & self._others
        newest = (moved * (taken.put_at + 1)[:, None, None]).argmax(3)
        flat = newest.flatten(1)

        def of_newest(values: Tensor) -> Tensor:
            return values.gather(1, flat).view_as(newest)

        place = taken.place.gather(1, flat[..., None].expand(-1, -1, 2)).view(*newest.shape, 2)
        # Kinds count from 1 here, so that the zeros of a new episode mean none.
        last_kind = torch.where(any_moved, of_newest(taken.kind) + 1, state["trade/last_kind"])
        put_at = torch.where(any_moved, of_newest(taken.put_at), state["trade/last_put_at"])
        place = torch.where(any_moved[..., None], place, state["trade/last_place"])
        back = last_kind.transpose(1, 2)
        ticks = (put_at - put_at.transpose(1, 2)).abs() * (self._options.day_ticks / self._options.day_steps)
        apart = (place - place.transpose(1, 2)).norm(dim=-1) > self._options.reach * self._options.cell
        swapped = (last_kind > 0) & (back > 0) & (last_kind != back) & (ticks <= SWAP_TICKS) & apart
        state["trade/last_kind"] = torch.where(swapped, 0, last_kind)
        state["trade/last_put_at"], state["trade/last_place"] = put_at, place
        return swapped.sum((1, 2)).float() / 2

    def statistics(self) -> dict[str, Tensor]:
        """Return the numbers of each running episode, (W,)."""
        given = self.to_others
        by_pair = given.sum(3)
        numbers = {f"exchanged/{name}": given[..., k].sum((1, 2)) for k, name in enumerate(KINDS)}
        numbers["exchanged"] = by_pair.sum((1, 2))
        numbers["reciprocated"] = torch.minimum(by_pair, by_pair.transpose(1, 2)).sum((1, 2)) / 2
        numbers["offered"] = self.offered.sum((1, 2))
        numbers["reclaimed"] = self.given.diagonal(dim1=1, dim2=2).sum((1, 2))
        agents = range(len(self._agent))
        for giver, taker in [(g, t) for g in agents for t in agents if g != t]:
            for k, name in enumerate(KINDS):
                numbers[f"given/{giver}-{taker}/{name}"] = given[:, giver, taker, k]
        return numbers
