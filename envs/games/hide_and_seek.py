"""Hide-and-seek: preparation phase, zero-sum visibility reward, bounds and episode statistics (rule 7.1).

Shapes: W worlds, A agents (H hiders first, then S seekers), O objects (boxes, then ramps), E = A + O entities.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..layouts import Layout
from ..physics.engine import PhysicsEngine
from ..rendering.lines import Line
from ..scenario import RewardType, Scenario
from .food import Food, food_marks, food_requirements
from .game import Game, Requirement, Verdict, View, no_counting_layout

OUT_OF_BOUNDS_REWARD = -10.0


class HideAndSeek(Game):
    """Hiders are rewarded while no seeker sees any of them, seekers while one does."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        names = ("max_box_move", "num_box_lock", "max_ramp_move", "num_ramp_lock")
        self.state |= {f"{name}_prep": self.zeros() for name in names}
        self._food = Food(scenario, num_worlds, engine, self.state) if scenario.food.count else None
        self._is_seeker = torch.arange(scenario.num_agents, device=self.device) >= scenario.hiders

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what its food needs."""
        return [*food_requirements(scenario.food), no_counting_layout(scenario)]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "seen_steps", "live_steps")

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes."""
        super().start(chosen, layout)
        if self._food:
            self._food.start(chosen, layout)

    def sense(self, worlds: Tensor, pose: Tensor) -> None:
        """Look for food."""
        if self._food:
            self._food.sense(worlds, pose)

    def entities(self) -> dict[str, Tensor]:
        """Return the food."""
        return self._food.entities() if self._food else {}

    @staticmethod
    def entity_shapes(scenario: Scenario) -> dict[str, tuple[int, int]]:
        """Return the food's."""
        return {"food": (scenario.food.count, scenario.food.features)}

    @staticmethod
    def marks(scenario: Scenario, state: Mapping[str, NDArray]) -> list[Line]:
        """Return the food."""
        return food_marks(scenario, state) if scenario.food.count else []

    def frozen(self, steps: Tensor) -> Tensor:
        """Return (W, A) bool: seekers during the preparation phase (rule 5.5)."""
        preparing = steps < self.scenario.preparation_steps
        return preparing[:, None] & self._is_seeker

    def judge(self, view: View) -> Verdict:
        """Reward the step (rule 7.1). The game never ends before the horizon."""
        sees = seeker_sees_hider(view.visible, self.scenario.hiders)
        live = view.steps > self.scenario.preparation_steps
        value = reward(self.scenario, sees, view.pose, view.present, live)
        if self._food:  # On top of everything, whatever the phase.
            caught_before = seeker_sees_hider(view.seen_before, self.scenario.hiders).flatten(1).any(1)
            value = value + self._food.eat(view, caught_before)
        return Verdict(value, torch.zeros_like(live), live, sees.any(2).any(1))

    def tally(self, view: View, verdict: Verdict) -> None:
        """Add a step to the sums; keep the behaviour at the end of the preparation phase."""
        super().tally(view, verdict)
        self.state["seen_steps"] += verdict.hiders_seen & verdict.live
        self.state["live_steps"] += verdict.live
        prepared = view.steps == self.scenario.preparation_steps + 1  # One step late, as the original does.
        if self.engine.queues or prepared.any():
            measured = self._behaviour(view)
            if self._food:
                measured["food_eaten"] = self.state["food_eaten"]
            for name, value in measured.items():
                kept = self.state[f"{name}_prep"]
                self.state[f"{name}_prep"] = torch.where(prepared, value, kept)

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return returns per team, the share of live steps in which hiders were seen, and behaviour."""
        state = self.state
        numbers = {name: state[name].clone() for name in super().totals}
        numbers["seen_fraction"] = state["seen_steps"] / state["live_steps"].clamp(min=1)
        numbers |= self._behaviour(view)
        if self._food:
            numbers["food_eaten"] = state["food_eaten"].clone()
        return numbers | {name: value for name, value in state.items() if name.endswith("_prep")}

    def _behaviour(self, view: View) -> dict[str, Tensor]:
        return behaviour(self.scenario, view.pose, view.start_pose, view.present, view.locks.locked)


def seeker_sees_hider(visible: Tensor, hiders: int) -> Tensor:
    """Return (W, S, H) bool from visible (W, A, E): which seeker sees which hider.

    Hiders' own vision does not count.
    """
    return visible[:, hiders:, :hiders]


def visibility_reward(sees: Tensor, reward_type: RewardType, present: Tensor | None = None) -> Tensor:
    """Reward +-1 for staying unseen and for seeing.

    Args:
      sees: (W, S, H) bool.
      reward_type: ``selfish`` as is, ``joint_mean`` averaged over each team, ``joint_zero_sum`` the hiders' minimum and
        the seekers' maximum.
      present: (W, A) bool, everyone if not given. Absent agents neither see nor are seen, and do not count in means.

    Returns:
      (W, A) float32.
    """
    if reward_type == "joint_zero_sum":
        unseen = torch.where(sees.any(2).any(1, keepdim=True), -1.0, 1.0)
        return torch.cat([unseen.expand(-1, sees.shape[2]), -unseen.expand(-1, sees.shape[1])], dim=1)
    hiders = 1.0 - 2.0 * sees.any(1)
    seekers = 2.0 * sees.any(2) - 1.0
    if reward_type == "joint_mean":
        present = hiders.new_ones(len(sees), sum(sees.shape[1:])) if present is None else present
        hiders = team_mean(hiders, present[:, : sees.shape[2]])
        seekers = team_mean(seekers, present[:, sees.shape[2] :])
    return torch.cat([hiders, seekers], dim=1)


def team_mean(values: Tensor, present: Tensor) -> Tensor:
    """Give every member of a team the mean of values (W, n) over those present (W, n)."""
    total = (values * present).sum(1, keepdim=True)
    return (total / present.sum(1, keepdim=True).clamp(min=1)).expand_as(values)


def outside(position: Tensor, bounds: tuple[float, float, float, float]) -> Tensor:
    """Tell which positions (..., 3) lie outside the rectangle x0, y0, x1, y1 (metres). Returns (...) bool."""
    x, y = position[..., 0], position[..., 1]
    x0, y0, x1, y1 = bounds
    return (x < x0) | (x > x1) | (y < y0) | (y > y1)


def reward(s: Scenario, sees: Tensor, pose: Tensor, present: Tensor, live: Tensor) -> Tensor:
    """Reward of one step, after physics.

    Args:
      s: the scenario.
      sees: (W, S, H) bool: which seeker sees which hider.
      pose: (W, E, Q).
      present: (W, E) bool.
      live: (W,) bool: the step was not part of the preparation phase.

    Returns:
      (W, A) float32. Being out of bounds replaces the reward; the preparation phase makes everything zero.
    """
    value = visibility_reward(sees, s.reward_type, present[:, : s.num_agents])
    if s.bounds is not None:
        out = outside(pose[..., :3], s.bounds) & present
        value = value.masked_fill(out[:, : s.num_agents], OUT_OF_BOUNDS_REWARD)
        if s.penalize_objects_out:
            any_object_out = out[:, s.num_agents :].any(1, keepdim=True)
            value = value.masked_fill(any_object_out, OUT_OF_BOUNDS_REWARD)
    return value.masked_fill(~live[:, None], 0.0)


def behaviour(s: Scenario, pose: Tensor, start_pose: Tensor, present: Tensor, locked: Tensor) -> dict[str, Tensor]:
    """Measure what the objects have been through since the episode's start, as the paper's statistics do.

    Returns:
      ``max_box_move`` and ``max_ramp_move``: largest distance of an object from its start, metres; ``num_box_lock`` and
      ``num_ramp_lock``: objects that are locked now. Each (W,) float32.
    """
    displacement = (pose - start_pose)[:, s.num_agents :, :3].norm(dim=-1)
    moved = torch.where(present[:, s.num_agents :], displacement, 0.0)
    boxes, ramps = s.max_boxes, slice(s.max_boxes, s.max_boxes + s.ramps)
    zero = torch.zeros(len(moved), device=moved.device)
    return {
        "max_box_move": moved[:, :boxes].amax(1) if boxes else zero,
        "num_box_lock": locked[:, :boxes].sum(1).float(),
        "max_ramp_move": moved[:, ramps].amax(1) if s.ramps else zero,
        "num_ramp_lock": locked[:, ramps].sum(1).float(),
    }
