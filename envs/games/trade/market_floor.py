"""Food in bags and on the floor: growing, picking, putting down, eating.

Shapes: W worlds, A agents, F slots of pieces on the floor: those that grow first, then spare ones. A piece is half a
unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...layouts import Layout, dawns, grown_kinds
from ...scenario import Scenario
from ...tensors.where_worlds import where_worlds

KINDS = ("fruit", "greens")
PIECE = 0.5
"""Units in a piece."""
MEAL = 0.1
"""Units of each kind that an agent eats in a tick."""
NOTHING, GROWN = -2, -1
"""Owners: the slot is empty; the piece grew here and nobody has had it."""
_ROUNDING = 1e-4
"""Units that sums of tenths may be off."""


@dataclass
class Picked:
    """What agents picked in a step."""

    pieces: Tensor
    """(W, A, F) bool: who has which piece now."""
    owner: Tensor
    """(W, F) int64 who had put it there, ``GROWN`` or ``NOTHING``."""
    kind: Tensor
    """(W, F) int64."""
    place: Tensor
    """(W, F, 2) metres."""
    put_at: Tensor
    """(W, F) int64 the step in which it was put there."""


class MarketFloor:
    """The pieces of W worlds; all that changes is in the game's state.

    Args:
      scenario: its ``trade`` options.
      num_worlds: W.
      state: the game's; this adds its own tensors to it.
      device: where the worlds are.
    """

    def __init__(self, scenario: Scenario, num_worlds: int, state: dict[str, Tensor], device: torch.device) -> None:
        self._options, self._state = scenario.trade, state
        kinds = grown_kinds(scenario)
        self._grown = len(kinds)
        slots = number_of_slots(scenario)
        self._kinds = torch.tensor(kinds + [0] * (slots - len(kinds)), device=device)
        self._agent = torch.arange(scenario.num_agents, device=device)
        kind = torch.arange(len(KINDS), device=device)
        self._goods = self._options.goods * (self._agent[:, None] % len(KINDS) == kind).float()
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
            "bag": ((scenario.num_agents, len(KINDS)), torch.float32),
            "owner": ((slots,), torch.int64),
            "kind": ((slots,), torch.int64),
            "place": ((slots, 2), torch.float32),
            "put_at": ((slots,), torch.int64),
            "crops": ((len(kinds), dawns(scenario), 2), torch.float32),
        }
        for name, (shape, dtype) in shapes.items():
            state[f"trade/{name}"] = torch.zeros(num_worlds, *shape, dtype=dtype, device=device)

    @property
    def lies(self) -> Tensor:
        """(W, F) bool: there is a piece."""
        return self._state["trade/owner"] != NOTHING

    @property
    def bag(self) -> Tensor:
        """(W, A, 2) units of each kind."""
        return self._state["trade/bag"]

    @property
    def holds(self) -> Tensor:
        """(W, A, 2) bool: an agent has at least a meal of a kind."""
        return self.bag >= MEAL - _ROUNDING

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Fill bags and patches in the worlds that are chosen, (W,) bool."""
        self._write(chosen, "crops", layout.food[..., :2])
        self._write(chosen, "bag", self._goods)
        self.grow(chosen, torch.zeros_like(chosen, dtype=torch.int64))

    def grow(self, chosen: Tensor, day: Tensor) -> None:
        """Take away all that lies about in chosen worlds, (W,) bool, and fill the patches for a day (W,)."""
        state, slots = self._state, torch.arange(len(self._kinds), device=chosen.device)
        crops = state["trade/crops"]
        index = (day % crops.shape[2])[:, None, None, None].expand(-1, self._grown, 1, 2)
        places = torch.nn.functional.pad(crops.gather(2, index)[:, :, 0], (0, 0, 0, len(slots) - self._grown))
        self._write(chosen, "place", places)
        self._write(chosen, "kind", self._kinds)
        self._write(chosen, "owner", torch.where(slots < self._grown, GROWN, NOTHING))
        self._write(chosen, "put_at", 0)

    def _write(self, chosen: Tensor, name: str, value: Tensor | float) -> None:
        self._state[f"trade/{name}"] = where_worlds(chosen, value, self._state[f"trade/{name}"])

    def pick(self, wants: Tensor, within: Tensor, distance: Tensor, steps: Tensor) -> Picked:
        """Let agents pick all pieces of the kinds that they want; the nearest gets what several want.

        Args:
          wants: (W, A, 2) bool, by kind.
          within: (W, A, F) bool: in reach and seen.
          distance: (W, A, F).
          steps: (W,) int64 steps done; of agents that are equally near one is preferred after the other.
        """
        state, agents = self._state, len(self._agent)
        owner, kind = state["trade/owner"], state["trade/kind"]
        wanted = wants.gather(2, kind[:, None].expand(-1, agents, -1)) & within & self.lies[:, None]
        turn = (self._agent + steps[:, None]) % agents
        rank = torch.where(wanted, distance, torch.inf)
        nearest = wanted & (rank == rank.amin(1, keepdim=True))
        first = torch.where(nearest, turn[..., None], agents)
        pieces = nearest & (first == first.amin(1, keepdim=True))
        gained = torch.stack([(pieces & (kind == k)[:, None]).sum(2) for k in range(len(KINDS))], dim=-1)
        state["trade/bag"] = state["trade/bag"] + PIECE * gained
        state["trade/owner"] = torch.where(pieces.any(1), NOTHING, owner)
        return Picked(pieces, owner, kind, state["trade/place"], state["trade/put_at"])

    def put(self, wants: Tensor, place: Tensor, steps: Tensor) -> Tensor:
        """Let agents put a piece down, if they have one and a slot is free.

        Args:
          wants: (W, A, 2) bool, by kind, one of both at most.
          place: (W, A, 2) metres.
          steps: (W,) int64.

        Returns:
          (W, A, 2) bool: who has put down what.
        """
        state = self._state
        able = wants & (state["trade/bag"] >= PIECE - _ROUNDING)
        free, giver = ~self.lies, able.any(2)
        # The n-th agent that puts something takes the n-th free slot.
        slot_number, giver_number = free.long().cumsum(1), giver.long().cumsum(1)
        taken = giver[..., None] & free[:, None] & (slot_number[:, None] == giver_number[..., None])
        done = able & taken.any(2)[..., None]
        state["trade/bag"] = state["trade/bag"] - PIECE * done
        filled, by = taken.any(1), taken.long().argmax(1)
        state["trade/owner"] = torch.where(filled, by, state["trade/owner"])
        kind = able.long().argmax(2).gather(1, by)
        state["trade/kind"] = torch.where(filled, kind, state["trade/kind"])
        where = place.gather(1, by[..., None].expand(-1, -1, 2))
        state["trade/place"] = torch.where(filled[..., None], where, state["trade/place"])
        state["trade/put_at"] = torch.where(filled, steps[:, None], state["trade/put_at"])
        return done

    def eat(self, ticks: float) -> None:
        """Let everybody eat of each kind for some ticks."""
        self._state["trade/bag"] = (self._state["trade/bag"] - MEAL * ticks).clamp(min=0.0)


def number_of_slots(scenario: Scenario) -> int:
    """Return F."""
    return len(grown_kinds(scenario)) + scenario.trade.spare_pieces * scenario.num_agents
