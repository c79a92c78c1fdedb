"""Food that is hauled: every piece is a body, which the usual grab holds and drags. Not in the original.

What the rules of bags become here:

- An agent *holds* the one piece that it grabs, and no longer than it grabs it. What somebody holds nobody else can
  grab; of several that grab a loose piece at once the nearest gets it.
- To *have both* needs a neighbour: who holds a piece also has the other kind if a loose piece of it lies within
  ``TradeOptions.reach``. A loose piece is at the hand of one agent, the nearest; an agent has one piece of each kind at
  most. With empty hands one has nothing, whatever lies around.
- *Eating* takes 0.1 units in a tick from the held piece, and as much from the one beside it. An eaten piece vanishes.
- *Taking* is to grab a piece, all that is left of it, or to eat from a loose one, bite by bite. It is fresh food if the
  piece grew and nobody has held it, an exchange if somebody else held it last.
- *Dawn* renews every loose piece, eaten or not. What is held stays in hands, and its place in the patch empty that day.

Shapes: W worlds, A agents, F pieces, which are the scenario's boxes, E entities.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from ...layouts import FOOD_SIZE, Layout, grown_kinds
from ...manipulation import Grabs
from ...physics.engine import PARKING, PhysicsEngine
from ...scenario import Scenario
from ..game import Requirement
from .market_floor import MEAL, NOTHING, PIECE, ROUNDING, MarketFloor, Taken

NOBODY = -1
_FAR = -20.0
"""Metres: x below which an eaten piece waits for the next dawn, on the floor far outside."""


class Hauling(MarketFloor):
    """Pieces with bodies."""

    choices = ()
    more_features = 3

    def __init__(self, scenario: Scenario, engine: PhysicsEngine, state: dict[str, Tensor]) -> None:
        super().__init__(scenario, engine, state)
        worlds, pieces = engine.num_worlds, len(self._slots)
        state["trade/left"] = torch.zeros(worlds, pieces, device=engine.device)
        state["trade/holder"] = torch.zeros(worlds, pieces, dtype=torch.int64, device=engine.device)
        self._bodies = slice(scenario.num_agents, scenario.num_agents + pieces)
        self._parking = torch.tensor(PARKING[:2], device=engine.device) - self._slots[:, None]
        self._held = torch.zeros(worlds, len(self._agent), pieces, dtype=torch.bool, device=engine.device)
        """(W, A, F) who holds what, from ``hold`` to the end of a step."""

    @staticmethod
    def requirements(s: Scenario) -> list[Requirement]:
        """Return what hauling needs of a scenario."""
        pieces = len(grown_kinds(s))
        return [
            (pieces > 0, "nothing grows; hauling needs trade.patches and trade.pieces"),
            (s.trade.goods == 0, f"trade.goods is {s.trade.goods}; who hauls food starts with empty hands"),
            (
                s.boxes == (pieces, pieces) and s.elongated_boxes == (0, 0),
                f"boxes is {s.boxes}; hauling needs {pieces}, a cube for each piece that grows; see trade/haul",
            ),
            (not s.lock_boxes, "lock_boxes is on; food that is hauled cannot be locked"),
        ]

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """See MarketFloor.start."""
        self._write(chosen, "holder", NOBODY)
        super().start(chosen, layout)

    def grow(self, chosen: Tensor, day: Tensor) -> Tensor:
        """See MarketFloor.grow."""
        new = super().grow(chosen, day)
        self._state["trade/left"] = torch.where(new, PIECE, self._state["trade/left"])
        return new

    def _is_loose(self) -> Tensor:
        return self._state["trade/holder"] == NOBODY

    def hold(self, grabs: Grabs, distance: Tensor, steps: Tensor) -> Grabs:
        """See MarketFloor.hold."""
        wants = grabs.holding[..., None] == self._slots
        had = self._state["trade/holder"][:, None] == self._agent[:, None]
        self._held = self._nearest_takes(wants, torch.where(had, -1.0, distance), steps) & self.lies[:, None]
        return dataclasses.replace(grabs, holding=torch.where(self._held.any(2), grabs.holding, -1))

    def act(
        self, actions: Tensor, agents: Tensor, within: Tensor, distance: Tensor, steps: Tensor
    ) -> tuple[Taken, Tensor]:
        """See MarketFloor.act. Nothing is chosen here: hands have decided."""
        state = self._state
        before, left, owner, kind = (state[f"trade/{name}"] for name in ("holder", "left", "owner", "kind"))
        holder = torch.where(self._held.any(1), self._held.long().argmax(1), NOBODY)
        state["trade/holder"] = holder
        released = (before != NOBODY) & (holder != before)
        state["trade/put_at"] = torch.where(released, steps[:, None], state["trade/put_at"])
        put = self._by_kind((before[:, None] == self._agent[:, None]) & released[:, None], left)
        grabbed, beside = self._held & (holder != before)[:, None], self._beside(within, distance, steps)
        bite = left.clamp(max=MEAL * self._ticks)
        amount = grabbed * left[:, None] + beside * bite[:, None]
        taken = Taken(grabbed, amount, owner, kind, state["trade/place"], state["trade/put_at"])
        state["trade/owner"] = torch.where(holder != NOBODY, holder, owner)
        self._eat(self._held | beside, bite)
        return taken, put

    def _beside(self, within: Tensor, distance: Tensor, steps: Tensor) -> Tensor:
        """Return (W, A, F) bool: the loose pieces that agents have who hold one of the other kind."""
        kind = self._state["trade/kind"][:, None]
        holds = torch.stack([(self._held & (kind == k)).any(2) for k in self._kind], dim=-1)
        other = holds.flip(-1).gather(2, kind.expand_as(within))
        near = self._nearest_takes(other & within & (self.lies & self._is_loose())[:, None], distance, steps)
        nearest = torch.where(near, distance, torch.inf).argmin(2, keepdim=True)
        return near & (self._slots == nearest)

    def _eat(self, had: Tensor, bite: Tensor) -> None:
        """Take a bite (W, F) of each piece that somebody has, (W, A, F) bool, and note what each agent has then."""
        state = self._state
        left = state["trade/left"] - bite * had.any(1)
        eaten = self.lies & (left < ROUNDING)
        state["trade/left"] = left = torch.where(eaten, 0.0, left)
        state["trade/owner"] = torch.where(eaten, NOTHING, state["trade/owner"])
        state["trade/holder"] = torch.where(eaten, NOBODY, state["trade/holder"])
        state["trade/bag"] = self._by_kind(had, left)

    def _by_kind(self, pieces: Tensor, units: Tensor) -> Tensor:
        """Sum units (W, F) over an agent's pieces, (W, A, F) bool, of each kind: (W, A, 2)."""
        of_kind = self._state["trade/kind"][..., None] == self._kind
        return torch.einsum("waf,wf,wfk->wak", pieces.float(), units, of_kind.float())

    def arrange(self, dawning: Tensor, day: Tensor) -> None:
        """See MarketFloor.arrange. An eaten piece is taken away after it has left the hand."""
        new, pose, velocity = self.grow(dawning, day), self._engine.pose, self._engine.velocity
        bodies = pose[:, self._bodies]
        gone = ~self.lies & ~self._held.any(1) & (bodies[..., 0] > _FAR)
        on_floor = torch.zeros_like(bodies[..., 2:])
        on_floor[..., 0].fill_(FOOD_SIZE / 2)
        at = torch.cat([torch.where(new[..., None], self._state["trade/place"], self._parking), on_floor], dim=-1)
        moved = new | gone
        pose[:, self._bodies] = torch.where(moved[..., None], at, bodies)
        velocity[:, self._bodies] = torch.where(moved[..., None], 0.0, velocity[:, self._bodies])
        self._engine.place(moved.any(1), pose, velocity)

    def follow(self, worlds: Tensor, pose: Tensor) -> None:
        """See MarketFloor.follow."""
        self._state["trade/place"] = self._state["trade/place"].index_copy(0, worlds, pose[:, self._bodies, :2])

    def features(self) -> list[Tensor]:
        """Units left, in the observer's hands, in somebody else's."""
        holder = self._state["trade/holder"][:, None]
        mine = holder == self._agent[:, None]
        left = self._state["trade/left"][:, None].expand_as(mine)
        return [left, mine.float(), ((holder != NOBODY) & ~mine).float()]
