"""The pieces of food: where they lie, whose they were, when they grow. How they are carried is in bags.py, hauling.py.

Shapes: W worlds, A agents, F slots of pieces: those that grow first, then spare ones. A piece is half a unit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...layouts import Layout, dawns, grown_kinds
from ...manipulation import Grabs
from ...physics.engine import PhysicsEngine
from ...scenario import Scenario
from ...tensors.where_worlds import where_worlds
from ..game import Requirement

KINDS = ("fruit", "greens")
PIECE = 0.5
"""Units in a piece."""
MEAL = 0.1
"""Units of each kind that an agent eats in a tick."""
NOTHING, GROWN = -2, -1
"""Owners: the slot is empty; the piece grew here and nobody has had it."""
ROUNDING = 1e-4
"""Units that sums of tenths may be off."""
EMPTY_FLOOR = "trade is played on an empty floor; use no boxes, ramps, cylinders or sites"


@dataclass
class Taken:
    """What agents took in a step."""

    pieces: Tensor
    """(W, A, F) bool: who took which piece into the bag, or in hands."""
    amount: Tensor
    """(W, A, F) units, also of what somebody ate without taking it."""
    owner: Tensor
    """(W, F) int64 who had put it there, ``GROWN`` or ``NOTHING``."""
    kind: Tensor
    """(W, F) int64."""
    place: Tensor
    """(W, F, 2) metres."""
    put_at: Tensor
    """(W, F) int64 the step in which it was put there."""


class MarketFloor(ABC):
    """The pieces of W worlds; all that changes is in the game's state.

    Args:
      scenario: its ``trade`` options.
      engine: the physics of W worlds.
      state: the game's; this adds its own tensors to it.
    """

    choices: ClassVar[tuple[int, ...]] = ()
    """See ``Game.choices``."""
    more_features: ClassVar[int] = 0
    """Number of features of ``features``."""

    def __init__(self, scenario: Scenario, engine: PhysicsEngine, state: dict[str, Tensor]) -> None:
        self._scenario, self._options, self._state, self._engine = scenario, scenario.trade, state, engine
        device = engine.device
        kinds = grown_kinds(scenario)
        self._grown = len(kinds)
        slots = number_of_slots(scenario)
        self._kinds = torch.tensor(kinds + [0] * (slots - len(kinds)), device=device)
        self._slots = torch.arange(slots, device=device)
        self._agent = torch.arange(scenario.num_agents, device=device)
        self._kind = torch.arange(len(KINDS), device=device)
        self._goods = self._options.goods * (self._agent[:, None] % len(KINDS) == self._kind).float()
        self._ticks = self._options.day_ticks / self._options.day_steps
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
            "bag": ((scenario.num_agents, len(KINDS)), torch.float32),
            "owner": ((slots,), torch.int64),
            "kind": ((slots,), torch.int64),
            "place": ((slots, 2), torch.float32),
            "put_at": ((slots,), torch.int64),
            "crops": ((len(kinds), dawns(scenario), 2), torch.float32),
        }
        for name, (shape, dtype) in shapes.items():
            state[f"trade/{name}"] = torch.zeros(engine.num_worlds, *shape, dtype=dtype, device=device)

    @property
    def lies(self) -> Tensor:
        """(W, F) bool: there is a piece."""
        return self._state["trade/owner"] != NOTHING

    @property
    def bag(self) -> Tensor:
        """(W, A, 2) units of each kind that agents have."""
        return self._state["trade/bag"]

    @property
    def holds(self) -> Tensor:
        """(W, A, 2) bool: an agent has at least a meal of a kind."""
        return self.bag >= MEAL - ROUNDING

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Fill bags and patches in the worlds that are chosen, (W,) bool."""
        self._write(chosen, "crops", layout.food[..., :2])
        self._write(chosen, "bag", self._goods)
        self.grow(chosen, torch.zeros_like(chosen, dtype=torch.int64))

    def grow(self, chosen: Tensor, day: Tensor) -> Tensor:
        """Take away all that lies about in chosen worlds, (W,) bool, and fill the patches for a day (W,).

        Returns:
          (W, F) bool: the slots that were written.
        """
        state, slots = self._state, self._slots
        crops = state["trade/crops"]
        index = (day % crops.shape[2])[:, None, None, None].expand(-1, self._grown, 1, 2)
        places = torch.nn.functional.pad(crops.gather(2, index)[:, :, 0], (0, 0, 0, len(slots) - self._grown))
        fields = chosen[:, None] & self._is_loose()
        state["trade/place"] = torch.where(fields[..., None], places, state["trade/place"])
        state["trade/kind"] = torch.where(fields, self._kinds, state["trade/kind"])
        state["trade/owner"] = torch.where(
            fields, torch.where(slots < self._grown, GROWN, NOTHING), state["trade/owner"]
        )
        state["trade/put_at"] = torch.where(fields, 0, state["trade/put_at"])
        return fields

    def _write(self, chosen: Tensor, name: str, value: Tensor | float) -> None:
        self._state[f"trade/{name}"] = where_worlds(chosen, value, self._state[f"trade/{name}"])

    def _is_loose(self) -> Tensor:
        """Return (W, F) bool: nobody has this slot's piece in hands, so that it is new at dawn."""
        return torch.ones_like(self.lies)

    def _nearest_takes(self, wanted: Tensor, distance: Tensor, steps: Tensor) -> Tensor:
        """Give each piece to one of those who want it, (W, A, F) bool, and return who gets what.

        Args:
          wanted: (W, A, F) bool.
          distance: (W, A, F), the smallest of which wins.
          steps: (W,) int64 steps done; of agents that are equally near one is preferred after the other.
        """
        agents = len(self._agent)
        turn = (self._agent + steps[:, None]) % agents
        rank = torch.where(wanted, distance, torch.inf)
        nearest = wanted & (rank == rank.amin(1, keepdim=True))
        first = torch.where(nearest, turn[..., None], agents)
        return nearest & (first == first.amin(1, keepdim=True))

    # --- what bags and hauling do in their own ways ----------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def requirements(s: Scenario) -> list[Requirement]:
        """Return what this needs of a scenario."""

    @abstractmethod
    def act(
        self, actions: Tensor, agents: Tensor, within: Tensor, distance: Tensor, steps: Tensor
    ) -> tuple[Taken, Tensor]:
        """Let agents take, put down and eat, on the poses that they saw.

        Args:
          actions: (W, A, n) int64, choices of the game's own action components.
          agents: (W, A, Q) poses.
          within: (W, A, F) bool: in reach and seen.
          distance: (W, A, F) metres.
          steps: (W,) int64 steps done.

        Returns:
          What was taken, and the units (W, A, 2) that each agent put down, by kind.
        """

    def hold(self, grabs: Grabs, distance: Tensor, steps: Tensor) -> Grabs:
        """Change who grabs what; see ``Game.hold``."""
        return grabs

    def arrange(self, dawning: Tensor, day: Tensor) -> None:
        """Bring bodies where physics does not, and fill the patches where it is dawn, (W,) bool, of a day (W,)."""
        self.grow(dawning, day)

    def follow(self, worlds: Tensor, pose: Tensor) -> None:  # noqa: B027
        """Note where bodies are, in worlds (K,) with poses (K, E, Q)."""

    def features(self) -> list[Tensor]:
        """Return what is observed of pieces besides place, kind and freshness: (W, A, F) each."""
        return []


def number_of_slots(scenario: Scenario) -> int:
    """Return F."""
    spare = scenario.trade.spare_pieces if scenario.trade.carry == "bag" else 0
    return len(grown_kinds(scenario)) + spare * scenario.num_agents
