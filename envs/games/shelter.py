"""Shelter construction: hide a fixed cylinder from rays that come from all sides of the arena (rule 7.5).

Shapes: W worlds, A agents, N rays.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..layouts import Layout
from ..physics.engine import PhysicsEngine
from ..scenario import Scenario
from .game import Game, Requirement, Verdict, View

UNKNOWN = -1.0  # Rays, and distance of boxes, in the step before an episode's first.
FAR = 1e3  # Metres.
BORDER_CELLS = 1.01  # Grid cells from the border to the square on which rays start.


class Shelter(Game):
    """Costs every ray that reaches the cylinder."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        self.state["shelter/goal"] = self.zeros(3)
        self.state["shelter/before"] = self.zeros()
        self.state["shelter/distance_before"] = self.zeros()
        self._origin = ray_origins(scenario).to(self.device)
        self._all_worlds = torch.arange(num_worlds, device=self.device)
        self._nobody = torch.full((len(self._origin),), -1, device=self.device)
        self._goal_code = engine.scene.num_entities

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what a shelter needs."""
        s = scenario
        return [
            *Game.requirements(s),
            (s.cylinders.fixed == 1, f"cylinders.fixed is {s.cylinders.fixed}; shelter needs exactly 1"),
            (s.min_floor_size is None, "min_floor_size: shelter needs a floor of fixed size"),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "rays_in", "rays_at_end", "rays_on_agents_at_end")

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes."""
        super().start(chosen, layout)
        x, y, _, height = layout.pillars[:, 0].unbind(-1)
        self.begin_with(chosen, "shelter/goal", torch.stack([x, y, height / 2], dim=-1))
        self.begin_with(chosen, "shelter/before", UNKNOWN)
        self.begin_with(chosen, "shelter/distance_before", UNKNOWN)

    def judge(self, view: View) -> Verdict:
        """Reward the step (rule 7.5). Agents and boxes stop rays; the game never ends before the horizon."""
        origin = self._origin.expand(self.num_worlds, -1, -1)
        direction = self.state["shelter/goal"][:, None] - origin
        _, hit = self.engine.rays(self._all_worlds, origin, direction, self._nobody)
        reached = (hit == self._goal_code).sum(1)
        fewer = self._fallen("shelter/before", reached)
        closer = self._fallen("shelter/distance_before", self._distance(view))
        self.state["rays_in"] += reached
        self.state["rays_at_end"][:] = reached
        self.state["rays_on_agents_at_end"][:] = ((hit >= 0) & (hit < self.scenario.num_agents)).sum(1)
        verdict = super().judge(view)
        options = self.scenario.shelter
        value = options.progress * fewer + options.approach * closer - options.scale * reached
        verdict.reward = value[:, None].expand(-1, self.scenario.num_agents)
        return verdict

    def _distance(self, view: View) -> Tensor:
        """Return (W,) metres: how far the nearest box is from the cylinder, FAR if there is none."""
        boxes = slice(self.scenario.num_agents, self.scenario.num_agents + self.scenario.max_boxes)
        way = (view.pose[:, boxes, :2] - self.state["shelter/goal"][:, None, :2]).norm(dim=-1)
        way = torch.nn.functional.pad(way.masked_fill(~view.present[:, boxes], FAR), (0, 1), value=FAR)
        return way.amin(1)

    def _fallen(self, name: str, now: Tensor) -> Tensor:
        """Return (W,): by how much a number has fallen since the step before, and remember it. 0 in a first step."""
        before = self.state[name].clone()
        self.state[name][:] = now
        return torch.where(before == UNKNOWN, 0.0, before - now)

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return returns, and where rays ended.

        ``rays_in`` is the mean number that reached the cylinder in a step, ``rays_at_end`` that of the last step, and
        ``rays_on_agents_at_end`` how many an agent stopped in the last step. Boxes stopped the others.
        """
        numbers = super().statistics(view)
        return numbers | {"rays_in": numbers["rays_in"] / view.steps.clamp(min=1)}


def ray_origins(scenario: Scenario) -> Tensor:
    """Return (N, 3) metres: evenly spaced points on the floor around a square just inside the arena's border."""
    inset, per_side = BORDER_CELLS * scenario.cell_size, scenario.shelter.rays_per_side
    far = scenario.floor_size - inset
    up = inset + torch.arange(per_side) / per_side * (far - inset)  # Each corner belongs to the side that starts there.
    down, low, high = scenario.floor_size - up, torch.full_like(up, inset), torch.full_like(up, far)
    sides = [(up, low), (high, up), (down, high), (low, down)]
    return torch.cat([torch.stack([x, y, torch.zeros_like(x)], dim=-1) for x, y in sides])
