"""Object counting: how many boxes went left? (the paper's section 6.2; the task was never released).

A pinned agent looks through a gap between two walls at boxes that rest side by side. After a while each drifts left or
right, behind the wall on that side, and stays there until the episode ends. The label, the number that went left, is in
``game.state["label"]`` from the first step on and in the statistics as ``count_left``; it is meant as the target of a
classifier on what a policy remembers, asked at every step, and above all at those after ``counting/hidden`` became
true. There is no reward.

Shapes: W worlds, K some of them, B boxes, O objects.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..layouts import Layout
from ..manipulation import Locks
from ..physics.engine import PhysicsEngine
from ..scenario import Scenario
from .game import Game, Requirement, Verdict, View


class ObjectCounting(Game):
    """Moves the boxes by locking them to a place that moves."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        boxes = scenario.max_boxes
        self.state["label"] = torch.zeros(num_worlds, dtype=torch.int64, device=self.device)
        self.state["counting/start"] = self.zeros(boxes, 4)
        self.state["counting/goal"] = self.zeros(boxes)
        self.state["counting/present"] = torch.zeros(num_worlds, boxes, dtype=torch.bool, device=self.device)
        self.state["counting/hidden"] = torch.zeros(num_worlds, dtype=torch.bool, device=self.device)

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what the gap between two walls needs."""
        s = scenario
        return [
            (s.food.count == 0, f"food.count is {s.food.count}; only hide_and_seek has food"),
            (
                s.layout == "counting",
                f"game {s.game} with layout {s.layout}: object_counting and counting only go together",
            ),
            (not s.tilting_boxes, "tilting_boxes: object_counting has upright boxes only"),
            (s.grid_cells == 30, f"grid_cells is {s.grid_cells}; object_counting needs 30"),
            (s.boxes[1] <= 6, f"boxes is {s.boxes}; object_counting has at most 6"),
            (s.hiders + s.seekers == 1, "object_counting has exactly 1 agent, a hider"),
            (s.ramps + s.cylinders.movable + s.cylinders.fixed == 0, "object_counting has boxes only"),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "hidden_steps")

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes."""
        super().start(chosen, layout)
        left = layout.box_present & (layout.box_goal < layout.box_pose[..., 0])
        self.begin_with(chosen, "label", left.sum(1))
        self.begin_with(chosen, "counting/start", layout.box_pose)
        self.begin_with(chosen, "counting/goal", layout.box_goal)
        self.begin_with(chosen, "counting/present", layout.box_present)

    def frozen(self, steps: Tensor) -> Tensor:
        """Return (W, A) bool: everyone, always."""
        return torch.ones_like(super().frozen(steps))

    def guide(self, locks: Locks, steps: Tensor) -> Locks:
        """Hold every box where it should be after the next step."""
        options, start = self.scenario.counting, self.state["counting/start"]
        way = self.state["counting/goal"] - start[..., 0]
        made = ((steps + 1 - options.wait_steps).clamp(min=0) * options.drift_per_step)[:, None]
        pose = start.clone()
        pose[..., 0] += way.sign() * torch.minimum(made, way.abs())
        return Locks(self.state["counting/present"].clone(), locks.locker, pose)

    def judge(self, view: View) -> Verdict:
        """Note whether no box is in sight any more."""
        boxes = slice(self.scenario.num_agents, self.scenario.num_agents + self.scenario.max_boxes)
        gone = (view.steps > self.scenario.counting.wait_steps) & ~view.visible[:, :, boxes].flatten(1).any(1)
        self.state["counting/hidden"] = gone
        self.state["hidden_steps"] += gone
        return super().judge(view)

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return the label and for how many steps every box was out of sight."""
        return super().statistics(view) | {"count_left": self.state["label"].float()}
