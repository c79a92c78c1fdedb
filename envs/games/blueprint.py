"""Blueprint construction: put boxes on marked sites (rule 7.4).

Shapes: W worlds, A agents, B boxes, S sites, P points of a site or box (centre, then four corners at mid-height).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..layouts import Layout
from ..layouts.layout import SITE_POINTS
from ..physics.engine import PhysicsEngine
from ..rendering.lines import Line, outline
from ..scenario import Scenario
from ..tensors.orientation import to_world
from .game import Game, Requirement, Verdict, View

POINT_SIGNS = ((0.0, 0.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0))
"""Centre and corners."""
_AROUND = [1, 2, 4, 3]
"""Corners of a site in the order in which one walks around it."""
_SITE_COLOUR = (0.18, 0.66, 0.45, 1.0)
_ON_FLOOR = 0.015
"""Metres above the floor."""


class Blueprint(Game):
    """Costs the distance from sites to boxes; covering all sites is rewarded and ends the episode."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        self._options = scenario.blueprint
        sites = self._options.sites[1]
        self._signs = torch.tensor(POINT_SIGNS, device=self.device)
        self.state["site/points"] = self.zeros(sites, SITE_POINTS, 3)
        self.state["site/present"] = torch.zeros(num_worlds, sites, dtype=torch.bool, device=self.device)

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what building needs; the ranges of sites are checked for every game, which places them all."""
        s = scenario
        return [
            *Game.requirements(s),
            (s.boxes[0] >= 1, f"boxes is {s.boxes}; blueprint needs at least 1"),
            (s.blueprint.sites[0] >= 1, f"blueprint.sites is {s.blueprint.sites}; blueprint needs at least 1"),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "completed")

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes."""
        super().start(chosen, layout)
        self.begin_with(chosen, "site/points", layout.sites)
        self.begin_with(chosen, "site/present", layout.site_present)

    def judge(self, view: View) -> Verdict:
        """Reward the step (rule 7.4)."""
        o, s = self._options, self.scenario
        verdict = super().judge(view)
        points, present = self.state["site/points"], self.state["site/present"]
        box_pose = view.pose[:, s.num_agents : s.num_agents + s.max_boxes]
        distance = distances(points, box_points(box_pose, view.box_half_size, self._signs))
        box_present = view.present[:, s.num_agents : s.num_agents + s.max_boxes]
        distance = torch.where(box_present[:, None, None, :, None], distance, torch.inf)
        value = -o.dense_scale * self._mean_distance(distance, present)
        if o.completed_scale:
            verdict.over = self._covered(distance, present)
            value = value + o.completed_scale * present.sum(1) * verdict.over
            self.state["completed"] += verdict.over
        verdict.reward = value[:, None].expand(-1, s.num_agents)
        return verdict

    def _mean_distance(self, distance: Tensor, present: Tensor) -> Tensor:
        """(W,) mean over sites' corners, or centres, of the smooth distance to the boxes' corners, or centres."""
        part = slice(1, None) if self._options.corners else slice(0, 1)
        near = smooth_minimum(distance[:, :, part, :, part].flatten(3), self._options.smoothness).mean(2)
        return (near * present).sum(1) / present.sum(1).clamp(min=1)

    def _covered(self, distance: Tensor, present: Tensor) -> Tensor:
        """(W,) bool: a box's centre at every site's centre and, if they count, a box's corner at each corner."""
        reached = (distance[:, :, 0, :, 0] <= self._options.radius).any(2)
        if self._options.corners:
            near = distance[:, :, 1:, :, 1:].flatten(3) <= self._options.radius
            reached &= near.any(3).all(2)
        return (reached | ~present).all(1) & present.any(1)

    def entities(self) -> dict[str, Tensor]:
        """Observation of kind ``sites``: centre and corners (W, A, S, 15).

        Everyone sees all of them, wherever it looks.
        """
        agents, present = self.scenario.num_agents, self.state["site/present"]
        shown = present[:, None].repeat(1, agents, 1)
        points = self.state["site/points"].flatten(2)
        return {
            "sites": points[:, None].repeat(1, agents, 1, 1),
            "sites_visible": shown,
            "sites_present": shown.clone(),
        }

    @staticmethod
    def entity_shapes(scenario: Scenario) -> dict[str, tuple[int, int]]:
        """Return the sites'."""
        return {"sites": (scenario.blueprint.sites[1], 3 * SITE_POINTS)}

    @staticmethod
    def marks(scenario: Scenario, state: Mapping[str, NDArray]) -> list[Line]:
        """Return the outline of every site on the floor."""
        lines: list[Line] = []
        for points in state["site/points"][state["site/present"]]:
            corners = points[_AROUND]
            corners[:, 2] = _ON_FLOOR
            lines += outline(corners, 0.018, _SITE_COLOUR)
        return lines


def box_points(pose: Tensor, half_size: Tensor, signs: Tensor) -> Tensor:
    """Return (W, B, P, 3) centres and corners at mid-height of boxes, which tilt with them.

    Args:
      pose: (W, B, 4), or (W, B, 6) where boxes tilt.
      half_size: (W, B, 3) metres.
      signs: (P, 2) where each point lies along x and y, in half sizes.
    """
    offset = half_size[:, :, None, :2] * signs
    offset = torch.nn.functional.pad(offset, (0, 1))
    pose = pose[:, :, None].expand(*offset.shape[:-1], -1)
    return pose[..., :3] + to_world(offset, pose)


def distances(sites: Tensor, boxes: Tensor) -> Tensor:
    """Return (W, S, P, B, P) metres between points of sites (W, S, P, 3) and of boxes (W, B, P, 3)."""
    return (sites[:, :, :, None, None] - boxes[:, None, None]).norm(dim=-1)


def smooth_minimum(distance: Tensor, alpha: float) -> Tensor:
    """Return the mean over the last axis weighted by exp(alpha * distance); infinite distances have no weight."""
    nothing = distance.isinf()
    nearest = distance.amin(-1, keepdim=True).masked_fill(nothing.all(-1, keepdim=True), 0.0)
    weight = (alpha * (distance - nearest)).exp()  # Of differences: far away as well, that of the nearest is 1.
    return (distance.masked_fill(nothing, 0.0) * weight).sum(-1) / weight.sum(-1).clamp(min=1.0)
