"""Lock tasks: lock all boxes, in any or in a given order, and perhaps return to the start (rule 7.3).

The original knows them for one agent only. Here every agent gets the rewards for locks and is shaped by its own
distances, so with one agent nothing changes. The stand-ins for missing agents and ramps with which the original
imitates the input of hide-and-seek (rule 6.5) are an option of every scenario, ``padding``.

Shapes: W worlds, K some of them, A agents, B boxes, E entities.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..layouts import Layout
from ..physics.engine import PhysicsEngine
from ..scenario import Scenario
from .game import AGENT_CORNER, Game, Requirement, Verdict, View


class BoxLocking(Game):
    """Rewards locks, steps towards the next box or home, and every step at which the task is done."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        self._options = scenario.lock_task
        agents = scenario.num_agents
        self.state["lock/distance"] = self.zeros(agents)
        self.state["lock/target"] = torch.zeros(num_worlds, agents, dtype=torch.int64, device=self.device)

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what locking boxes needs."""
        s = scenario
        return [
            *Game.requirements(s),
            (s.boxes[0] >= 1, f"boxes is {s.boxes}; box_locking needs at least 1"),
            (s.lock_boxes, "lock_boxes is False; box_locking is about locking them"),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "boxes_locked", "boxes_unlocked", "success_steps")

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes: nothing is locked, everyone is at home."""
        super().start(chosen, layout)
        pose, half = layout.entity_pose, layout.box_half_size
        present = torch.cat([layout.agent_present, layout.box_present], dim=1)
        target, distance = self.aim(pose, pose, torch.zeros_like(layout.box_present), present, half)
        self.begin_with(chosen, "lock/target", target)
        self.begin_with(chosen, "lock/distance", distance)

    def lockable(self, locked: Tensor) -> Tensor:
        """Return (W, O) bool: in a given order, only boxes whose predecessors are all locked."""
        allowed = super().lockable(locked)
        if self._options.task == "all":
            return allowed
        boxes = self.scenario.max_boxes
        turn = torch.ones_like(locked)
        turn[:, 1:boxes] = locked[:, : boxes - 1].long().cumprod(1).bool()
        return allowed & (turn | locked)

    def aim(
        self, pose: Tensor, start_pose: Tensor, locked: Tensor, present: Tensor, half_size: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Find where every agent should go next: its next box, else home or nowhere.

        Args:
          pose: (W, E, Q).
          start_pose: (W, E, Q).
          locked: (W, B) bool.
          present: (W, A + B or more) bool.
          half_size: (W, B, 3) metres.

        Returns:
          target (W, A) int64: a box, B for home, B + 1 for nowhere; and its distance (W, A) in the plane, metres.
        """
        agents, boxes = self.scenario.num_agents, self.scenario.max_boxes
        here, there = pose[:, :agents, :2], pose[:, agents : agents + boxes, :2]
        if self.scenario.corner_distances:
            here, there = here - AGENT_CORNER, there - half_size[..., :2]
        distance = (here[:, :, None] - there[:, None]).norm(dim=-1)
        unlocked = (present[:, agents : agents + boxes] & ~locked)[:, None].expand_as(distance)
        priority = (
            distance if self._options.task == "all" else torch.arange(boxes, device=pose.device).expand_as(distance)
        )
        target = torch.where(unlocked, priority, torch.inf).argmin(dim=2)
        to_box = distance.gather(2, target[..., None])[..., 0]
        if self._options.and_return:
            home = (pose[:, :agents, :2] - start_pose[:, :agents, :2]).norm(dim=-1)
        else:
            home = torch.zeros_like(to_box)
        busy = unlocked.any(2)
        done_target = boxes if self._options.and_return else boxes + 1
        return torch.where(busy, target, done_target), torch.where(busy, to_box, home)

    def judge(self, view: View) -> Verdict:
        """Reward the step (rule 7.3). The game never ends before the horizon."""
        o, agents = self._options, self.scenario.num_agents
        boxes = slice(0, self.scenario.max_boxes)
        locked, before = view.locks.locked[:, boxes], view.locked_before[:, boxes]
        newly, freed = (locked & ~before).sum(1), (before & ~locked).sum(1)
        target, distance = self.aim(view.pose, view.start_pose, locked, view.present, view.box_half_size)
        progress = self._progress(target, distance, newly > 0, freed > 0)
        success = target >= self.scenario.max_boxes
        if o.and_return:
            success &= distance <= o.return_radius
        verdict = super().judge(view)
        verdict.reward = (
            (o.lock_reward * newly - o.unlock_penalty * freed)[:, None].expand(-1, agents)
            + o.shaping * progress
            + o.success_reward * success
        )
        self.state["lock/target"], self.state["lock/distance"] = target, distance
        self.state["boxes_locked"] += newly
        self.state["boxes_unlocked"] += freed
        self.state["success_steps"] += (success | ~view.present[:, :agents]).all(1)
        return verdict

    def _progress(self, target: Tensor, distance: Tensor, newly: Tensor, freed: Tensor) -> Tensor:
        """Metres (W, A) by which agents came closer to their targets.

        The whole rest of the way counts as made when a box becomes locked. When one becomes unlocked, or another is the
        next for a reason other than a lock, the whole way to the new target counts as lost.
        """
        way_left, old_target = self.state["lock/distance"], self.state["lock/target"]
        lost = freed[:, None] | (target != old_target)
        progress = torch.where(lost, -distance, way_left - distance)
        return torch.where(newly[:, None], way_left, progress)

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return the sums, 1 for episodes in which the task was done at some step, and the boxes that are locked."""
        numbers = super().statistics(view)
        return numbers | {
            "completed": (numbers["success_steps"] > 0).float(),
            "locked_at_end": numbers["boxes_locked"] - numbers["boxes_unlocked"],
        }
