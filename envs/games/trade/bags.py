"""Food in bags, as in the original: it is picked up from the floor and put down again in pieces.

Shapes: W worlds, A agents, F slots of pieces.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...physics.engine import PhysicsEngine
from ...scenario import Scenario
from ..game import Requirement
from .market_floor import EMPTY_FLOOR, KINDS, MEAL, NOTHING, PIECE, ROUNDING, MarketFloor, Taken

ACTIONS = ("none", "pick fruit", "put fruit", "pick greens", "put greens")
"""What the choices of the game's action component mean."""


class Bags(MarketFloor):
    """Pieces without bodies, which vanish into bags and come out of them."""

    choices = (len(ACTIONS),)

    def __init__(self, scenario: Scenario, engine: PhysicsEngine, state: dict[str, Tensor]) -> None:
        super().__init__(scenario, engine, state)
        picks, puts = torch.zeros(len(ACTIONS), 2), torch.zeros(len(ACTIONS), 2)
        picks[1, 0] = picks[3, 1] = puts[2, 0] = puts[4, 1] = 1.0
        self._picks, self._puts = picks.bool().to(engine.device), puts.bool().to(engine.device)

    @staticmethod
    def requirements(s: Scenario) -> list[Requirement]:
        """Return what bags need of a scenario."""
        return [(s.max_boxes == 0, EMPTY_FLOOR)]

    def act(
        self, actions: Tensor, agents: Tensor, within: Tensor, distance: Tensor, steps: Tensor
    ) -> tuple[Taken, Tensor]:
        """See MarketFloor.act."""
        choice = actions[..., 0]
        taken = self._pick(self._picks[choice], within, distance, steps)
        put = self._put(self._puts[choice], self._in_front(agents), steps)
        self._state["trade/bag"] = (self.bag - MEAL * self._ticks).clamp(min=0.0)
        return taken, PIECE * put

    def _pick(self, wants: Tensor, within: Tensor, distance: Tensor, steps: Tensor) -> Taken:
        """Let agents pick all pieces of the kinds that they want, (W, A, 2) bool; the nearest gets what several want.

        The rest is as in ``act``.
        """
        state = self._state
        owner, kind = state["trade/owner"], state["trade/kind"]
        wanted = wants.gather(2, kind[:, None].expand(-1, len(self._agent), -1)) & within & self.lies[:, None]
        pieces = self._nearest_takes(wanted, distance, steps)
        gained = torch.stack([(pieces & (kind == k)[:, None]).sum(2) for k in range(len(KINDS))], dim=-1)
        state["trade/bag"] = state["trade/bag"] + PIECE * gained
        state["trade/owner"] = torch.where(pieces.any(1), NOTHING, owner)
        return Taken(pieces, PIECE * pieces, owner, kind, state["trade/place"], state["trade/put_at"])

    def _put(self, wants: Tensor, place: Tensor, steps: Tensor) -> Tensor:
        """Let agents put a piece down, if they have one and a slot is free.

        Args:
          wants: (W, A, 2) bool, by kind, one of both at most.
          place: (W, A, 2) metres.
          steps: (W,) int64.

        Returns:
          (W, A, 2) bool: who has put down what.
        """
        state = self._state
        able = wants & (state["trade/bag"] >= PIECE - ROUNDING)
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

    def _in_front(self, agents: Tensor) -> Tensor:
        """Return where agents with poses (W, A, Q) put things down: (W, A, 2) metres, on the floor."""
        yaw = agents[..., 3]
        ahead = torch.stack([yaw.sin(), -yaw.cos()], dim=-1)  # An agent looks along yaw - pi/2.
        place = agents[..., :2] + self._options.put_distance * self._options.cell * ahead
        return place.clamp(0.0, self._scenario.floor_size)
