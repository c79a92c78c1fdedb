"""The Trading Game in the box world.

After Garbus and Pollack, "Emergent Resource Exchange and Tolerated Theft Behavior Using Multiagent Reinforcement
Learning", Artificial Life 30 (2024).

Two foods grow far apart; to hold both pays ten times as much as to hold one; it is dark by night but at the fire.
Agents pick food into a bag and put it down in pieces, from which anybody may take it (bags.py), or haul it piece by
piece (hauling.py). Nobody is told to trade.

A step: agents take and put on the poses that they saw, and eat; physics; the light changes, and at dawn the floor is
cleared and the patches are full again; rewards.

Shapes: W worlds, K some of them, A agents, F slots of pieces, E entities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...layouts import MOST_TRADERS, Layout
from ...manipulation import Grabs
from ...options.scenario_options import Carrying
from ...perception import in_cone
from ...physics.engine import PhysicsEngine
from ...rendering.lines import Line
from ...scenario import Scenario
from ..game import Game, Requirement, Verdict, View
from .bags import Bags
from .daylight import LIT_CELLS, cells_from_fire, light_at, phase, rising, sun
from .deals import Deals
from .hauling import Hauling
from .market_floor import EMPTY_FLOOR, GROWN, KINDS, MarketFloor, Taken, number_of_slots
from .market_marks import market_marks

FLOORS: dict[Carrying, type[MarketFloor]] = {"bag": Bags, "haul": Hauling}
"""How food is carried, by ``TradeOptions.carry``."""
_NIGHTS_COUNTED = 3
"""Nights of which the paper counts what changed hands."""


class Trade(Game):
    """Rules of the Trading Game."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        self.options, agents = scenario.trade, scenario.num_agents
        self.floor = FLOORS[self.options.carry](scenario, engine, self.state)
        self.deals = Deals(self.options, agents, num_worlds, self.state, self.device)
        self.state["trade/steps"] = torch.zeros(num_worlds, dtype=torch.int64, device=self.device)
        self.state["trade/agents"] = self.zeros(agents, 4)
        self.state["trade/fresh"] = self.zeros(agents)
        self._ticks = self.options.day_ticks / self.options.day_steps
        self._fire = torch.full((2,), scenario.floor_size / 2, device=self.device)
        self._nutrition = torch.tensor(self.options.nutrition, device=self.device)
        self._identity = torch.eye(agents, device=self.device).expand(num_worlds, -1, -1)

    @staticmethod
    def choices(scenario: Scenario) -> tuple[int, ...]:
        """Return the choices of the action component of bags."""
        return FLOORS[scenario.trade.carry].choices

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what the game needs of a scenario."""
        s, options = scenario, scenario.trade
        pieces = max(options.pieces) if options.patches != "none" else 0
        objects = s.ramps + s.cylinders.fixed + s.cylinders.movable + s.blueprint.sites[1]
        return [
            (s.food.count == 0, f"food.count is {s.food.count}; in the game trade food is in trade.pieces"),
            (s.seekers == 0, f"seekers is {s.seekers}; trade is played by hiders alone"),
            (s.hiders <= MOST_TRADERS, f"hiders is {s.hiders}; trade is for at most {MOST_TRADERS}"),
            (not s.random_team_sizes, "random_team_sizes is on; everybody takes part in trade"),
            (objects == 0, EMPTY_FLOOR),
            (s.min_floor_size is None, f"min_floor_size is {s.min_floor_size}; trade needs a floor of one size"),
            (
                pieces == 0 or _patches_fit(s),
                f"floor_size is {s.floor_size}, too small for patches of such a trade.cell",
            ),
            *FLOORS[options.carry].requirements(s),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        sums = ("total_reward", "collected", "light_penalty", "ticks_with_both", "exchanged_three_nights")
        return (*super().totals, *sums, "drop_swaps")

    # --- one step --------------------------------------------------------------------------------------------------

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes in the worlds that are chosen."""
        super().start(chosen, layout)
        self.floor.start(chosen, layout)

    def hold(self, grabs: Grabs, distance: Tensor) -> Grabs:
        """Give what is hauled to one agent alone."""
        return self.floor.hold(grabs, distance, self.state["trade/steps"])

    def act(self, actions: Tensor, pose: Tensor) -> None:
        """Let agents take, put down and eat, before they move."""
        agents, steps = pose[:, : self.scenario.num_agents], self.state["trade/steps"]
        distance = self._distance(agents)
        within = (distance <= self.options.reach * self.options.cell) & self._sees_pieces(agents, steps)
        taken, put = self.floor.act(actions, agents, within, distance, steps)
        self._note(taken, steps)
        self.deals.offer(put)
        self.state["trade/steps"] = steps + 1

    def arrange(self) -> None:
        """Clear the floor and fill the patches at dawn."""
        steps = self.state["trade/steps"]
        begun = self.options.day_steps if self.options.begins == "dusk" else 0
        self.floor.arrange(phase(self.options, steps) == 0, (steps + begun) // (2 * self.options.day_steps))

    def _note(self, taken: Taken, steps: Tensor) -> None:
        """Count what was taken."""
        self.state["trade/fresh"] = (taken.amount * (taken.owner == GROWN)[:, None]).sum(2)
        exchanged, swaps = self.deals.add(taken)
        self.state["drop_swaps"] += swaps
        self.state["exchanged_three_nights"] += exchanged * (steps < 2 * _NIGHTS_COUNTED * self.options.day_steps)

    def judge(self, view: View) -> Verdict:
        """Reward."""
        verdict, agents = super().judge(view), self.scenario.num_agents
        steps, place = self.state["trade/steps"], view.pose[:, :agents, :2]
        dark = light_at(self.options, sun(self.options, steps), place - self._fire).clamp(max=0.0)
        dark = self._ticks * self.options.darkness * dark
        held = self.floor.holds.sum(2)
        earned = self._ticks * self._nutrition[held] + self.state["trade/fresh"]
        verdict.reward = earned + self.severity * dark + self._ticks * self._company(place)
        self._spared = (1 - self.severity) * dark
        sums = {
            "total_reward": (earned + dark).sum(1),
            "collected": self.state["trade/fresh"].sum(1),
            "light_penalty": -dark.sum(1),
            "ticks_with_both": self._ticks * (held == len(KINDS)).sum(1),
        }
        for name, value in sums.items():
            self.state[name] += value
        return verdict

    def tally(self, view: View, verdict: Verdict) -> None:
        """Add a step to the sums of the episode: the whole loss for darkness, whatever share of it was rewarded."""
        super().tally(view, replace(verdict, reward=verdict.reward + self._spared))

    def _company(self, place: Tensor) -> Tensor:
        """Return the reward (W, A) in a tick for somebody near, of agents at (W, A, 2)."""
        agents = place.shape[1]
        if agents == 1 or not self.options.community:
            return self.zeros(agents)
        apart = (place[:, :, None] - place[:, None]).norm(dim=-1) / self.options.cell
        nearest = apart.masked_fill(self._identity[0].bool(), torch.inf).amin(2)
        return self.options.community / (1 + nearest)

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return the numbers of each running episode."""
        return super().statistics(view) | self.deals.statistics()

    # --- what is seen ----------------------------------------------------------------------------------------------

    def sense(self, worlds: Tensor, pose: Tensor) -> None:
        """Note where agents are, for what is observed and shown."""
        agents = pose[:, : self.scenario.num_agents]
        self.state["trade/agents"] = self.state["trade/agents"].index_copy(0, worlds, agents)
        self.floor.follow(worlds, pose)

    def sight(self, worlds: Tensor, pose: Tensor, visible: Tensor) -> Tensor:
        """Return what of (K, A, E) is seen in this light. Food hides nothing, and nothing hides food."""
        place, steps, number = pose[..., :2], self.state["trade/steps"][worlds], self.scenario.num_agents
        agents, food = pose[:, :number], place[:, number:]
        apart = (agents[:, :, None, :2] - place[:, None]).norm(dim=-1)
        lies = self.floor.lies[worlds, : food.shape[1]]  # Without bodies there is none here.
        open_food = in_cone(agents, food, self.scenario.vision_angle) & lies[:, None]
        return torch.cat([visible[..., :number], open_food], dim=-1) & self._in_light(place, apart, steps)

    def _in_light(self, place: Tensor, distance: Tensor, steps: Tensor) -> Tensor:
        """Return (K, A, n) bool: what is at a place (K, n, 2), so far (K, A, n) from agents, is lit or near."""
        options = self.options
        lit = (sun(options, steps) >= 0)[:, None] | (cells_from_fire(options, place - self._fire) < LIT_CELLS)
        return lit[:, None] | (distance <= options.night_sight * options.cell)

    def _distance(self, agents: Tensor) -> Tensor:
        """Return metres (W, A, F) from agents with poses (W, A, Q) to pieces."""
        return (agents[:, :, None, :2] - self.state["trade/place"][:, None]).norm(dim=-1)

    def _sees_pieces(self, agents: Tensor, steps: Tensor) -> Tensor:
        """Return (W, A, F) bool: which pieces agents with poses (W, A, Q) see."""
        place = self.state["trade/place"]
        seen = in_cone(agents, place, self.scenario.vision_angle) & self.floor.lies[:, None]
        return seen & self._in_light(place, self._distance(agents), steps)

    def traits(self) -> Tensor:
        """Return what everybody sees of an agent: its bag and who it is, (W, A, D)."""
        bag = self.floor.bag
        return torch.cat([bag, self._identity], dim=-1) if self.options.identity else bag

    def senses(self) -> Tensor:
        """Return what an agent alone knows: sun, whether it rises, light where it stands; (W, A, 3)."""
        steps, place = self.state["trade/steps"], self.state["trade/agents"][..., :2]
        now = sun(self.options, steps)
        shared = torch.stack([now, rising(self.options, steps)], dim=-1)[:, None].expand(-1, place.shape[1], -1)
        return torch.cat([shared, light_at(self.options, now, place - self._fire)[..., None]], dim=-1)

    @staticmethod
    def agent_features(scenario: Scenario) -> tuple[int, int]:
        """Return the sizes of ``traits`` and ``senses``."""
        return len(KINDS) + scenario.num_agents * scenario.trade.identity, 3

    def entities(self) -> dict[str, Tensor]:
        """Observation of ``pieces``: x and y from the agent, fruit, greens, fresh; and of ``fire``: x and y.

        Hauled pieces also show the units left, and whether the agent or somebody else holds them.
        """
        agents, kind = self.state["trade/agents"], self.state["trade/kind"]
        lies, fresh = self.floor.lies, self.state["trade/owner"] == GROWN
        offset = self.state["trade/place"][:, None] - agents[:, :, None, :2]
        what = torch.stack([kind == 0, kind == 1, fresh], dim=-1).float()[:, None].expand(-1, agents.shape[1], -1, -1)
        fire = self._fire - agents[..., :2]
        fire_seen = in_cone(agents, self._fire.expand(len(agents), 1, 2), self.scenario.vision_angle)
        present = lies[:, None].expand(-1, agents.shape[1], -1)
        more = [feature[..., None] for feature in self.floor.features()]
        return {
            "pieces": torch.cat([offset, what, *more], dim=-1) * present[..., None],
            "pieces_visible": self._sees_pieces(agents, self.state["trade/steps"]),
            "pieces_present": present.clone(),
            "fire": fire[:, :, None],
            "fire_visible": fire_seen,
            "fire_present": torch.ones_like(fire_seen),
        }

    @staticmethod
    def entity_shapes(scenario: Scenario) -> dict[str, tuple[int, int]]:
        """Return number and features of pieces, which stand for their boxes, and fire."""
        features = 5 + FLOORS[scenario.trade.carry].more_features
        return {"pieces": (number_of_slots(scenario), features), "fire": (1, 2), "boxes": (0, 0)}

    @staticmethod
    def marks(scenario: Scenario, state: Mapping[str, NDArray[np.generic]]) -> list[Line]:
        """Return food on the floor and in bags, and a square around what is never dark."""
        return market_marks(scenario, state)

    @staticmethod
    def daylight(scenario: Scenario, state: Mapping[str, NDArray[np.generic]]) -> float:
        """Return how light pictures are."""
        now = sun(scenario.trade, torch.as_tensor(state["trade/steps"]))
        return float((now + 1) / 2)


def _patches_fit(s: Scenario) -> bool:
    """Whether patches lie inside the floor and apart from each other."""
    wide = {"corners": 6, "sides": 5}.get(s.trade.patches, 0)
    return wide * s.trade.cell <= s.floor_size - 1.5 * s.cell_size
