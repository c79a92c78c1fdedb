"""What players of the Trading Game know of the floor: their patch, their partner's offer, the time.

Agents 0 and 1 are partners, and 2 and 3. The first of a pair gathers fruit, the second one greens, each in the patch on
its side. Shapes: W worlds, A agents, F slots of pieces.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from envs.games.trade.daylight import SAFE_CELLS, cells_from_fire, phase
from envs.games.trade.market_floor import GROWN, number_of_slots
from envs.scenarios import Scenario

from .situation import Situation

_WALK = {"bag": 1.0, "haul": 0.6}
"""Cells that an agent makes in a step, stops and turns included, by how it carries food."""
_SPARE = 0.5
"""Steps before dusk at which a forager wants to be back."""
_SIDE, _LANE, _ROW = 0.6, 0.45, 0.85
"""Cells from the fire at which partners wait: along x, along y from their row, and rows of two pairs along y."""


class MarketSituation:
    """The Trading Game at the moment when agents decide, for each of them."""

    def __init__(self, world: Situation) -> None:
        scenario, state = world.scenario, world.state.game
        self.options = scenario.trade
        self.agents = world.hiders
        self.kind = self.agents % 2
        """(A,) 0 for who gathers fruit, 1 for greens."""
        self.partner = self.agents ^ 1
        self.cell = self.options.cell
        self._state, self._rows = state, world.rows
        self.here = world.position(self.agents)
        """(W, A, 2) metres."""
        self.time = phase(self.options, state["trade/steps"])
        """(W,) steps since dawn."""
        self.bag = state["trade/bag"].gather(2, self.kind.expand(world.num_worlds, -1)[..., None])[..., 0]
        """(W, A) units that agents hold of their own kind."""
        self._fire = scenario.floor_size / 2
        self._mine = _own_slots(scenario, world.device)
        self._distance = (self.here[:, :, None] - state["trade/place"][:, None]).norm(dim=-1)

    @property
    def home(self) -> Tensor:
        """(A, 2) metres: where agents wait, beside the partner and out of reach of each other's offers."""
        side = torch.where(self.kind == 0, -_SIDE, _SIDE)
        lane = torch.where(self.kind == 0, _LANE, -_LANE)
        row = torch.where(self.agents < 2, -_ROW, _ROW) * (len(self.agents) > 2) + lane
        return self._fire + self.cell * torch.stack([side, row], dim=-1)

    @property
    def home_yaw(self) -> Tensor:
        """(A,) radians: the one puts its offer below, the other one above."""
        return torch.where(self.kind == 0, 0.0, math.pi)

    @property
    def is_safe(self) -> Tensor:
        """(W, A) bool: whether an agent is where it is never dark."""
        return cells_from_fire(self.options, self.here - self._fire) < SAFE_CELLS

    def nearest_crop(self) -> tuple[Tensor, Tensor]:
        """Return where the nearest piece of the own patch is, (W, A, 2) metres, and whether there is time, (W, A)."""
        crops = (self._state["trade/owner"] == GROWN)[:, None] & self._mine
        distance, index = torch.where(crops, self._distance, torch.inf).min(2)
        place = self._state["trade/place"].gather(1, index[..., None].expand(-1, -1, 2))
        way = (distance + (place - self.home).norm(dim=-1)) / self.cell
        left = (self.options.day_steps - self.time)[:, None] - _SPARE
        return place, way / _WALK[self.options.carry] <= left

    @property
    def hands_full(self) -> Tensor:
        """(W, A) bool: an agent holds a piece that it hauls."""
        return (self._state["trade/holder"][:, None] == self.agents[:, None]).any(2)

    def nearest_store(self) -> tuple[Tensor, Tensor]:
        """Return where the nearest loose piece of the own kind lies in the light of the fire, and whether there is one.

        Shapes are those of ``nearest_crop``.
        """
        place, owner = self._state["trade/place"], self._state["trade/owner"]
        loose = (owner >= 0) & (self._state["trade/holder"] < 0)
        stored = loose & (cells_from_fire(self.options, place - self._fire) < SAFE_CELLS)
        own = stored[:, None] & (self._state["trade/kind"][:, None] == self.kind[:, None])
        distance, index = torch.where(own, self._distance, torch.inf).min(2)
        return place.gather(1, index[..., None].expand(-1, -1, 2)), distance < torch.inf

    def reaches(self, kind: Tensor) -> Tensor:
        """Return (W, A) bool: whether pieces of a kind (A,) are in reach."""
        owner, lying = self._state["trade/owner"], self._state["trade/kind"]
        pieces = (owner >= GROWN)[:, None] & (lying[:, None] == kind[:, None])
        return (pieces & (self._distance <= self.options.reach * self.cell)).any(2)

    def offer(self) -> tuple[Tensor, Tensor]:
        """Return where the partner's offer lies, (W, A, 2) metres, and whether there is one, (W, A) bool."""
        offered = self._state["trade/owner"][:, None] == self.partner[:, None]
        index = offered.long().argmax(2)
        return self._state["trade/place"].gather(1, index[..., None].expand(-1, -1, 2)), offered.any(2)

    def nearest_offer(self) -> tuple[Tensor, Tensor]:
        """Return the same of the nearest offer of anybody else."""
        owner = self._state["trade/owner"][:, None]
        offered = (owner >= 0) & (owner != self.agents[:, None])
        distance, index = torch.where(offered, self._distance, torch.inf).min(2)
        place = self._state["trade/place"].gather(1, index[..., None].expand(-1, -1, 2))
        return place, distance < torch.inf

    def has_offered(self) -> Tensor:
        """Return (W, A) bool: whether something lies about that the agent has put down."""
        return (self._state["trade/owner"][:, None] == self.agents[:, None]).any(2)

    def ticks_since(self, ticks_of_night: tuple[int, ...], lasting: int) -> Tensor:
        """Return the ticks (W,) since the last of some ticks of the night, -1 where it was not in the last few."""
        ticks = (self.time - self.options.day_steps) * self.options.day_ticks / self.options.day_steps
        since = ticks[:, None] - torch.tensor(ticks_of_night, device=ticks.device)
        running = torch.where((since >= 0) & (since < lasting), since, torch.inf).amin(1)
        return torch.where(running < torch.inf, running, -1.0)


def _own_slots(scenario: Scenario, device: torch.device) -> Tensor:
    """Return (A, F) bool: the pieces that grow in each agent's patch; patches are in the order of agents."""
    options, first, rows = scenario.trade, 0, []
    for agent in range(scenario.num_agents):
        number = options.pieces[agent % 2] if options.patches != "none" else 0
        slots = torch.arange(number_of_slots(scenario), device=device)
        rows.append((slots >= first) & (slots < first + number))
        first += number
    return torch.stack(rows)
