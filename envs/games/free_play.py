"""Free play: no reward and no early end; measured is how much agents and boxes move.

Shapes: W worlds, A agents, B boxes, E entities.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..physics.engine import PhysicsEngine
from ..scenario import Scenario
from .game import Game, Verdict, View


class FreePlay(Game):
    """Nothing to win. How much agents and boxes move says what intrinsic motivation does (the paper's section 6.1)."""

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        super().__init__(scenario, num_worlds, engine)
        self.state["movement/position"] = self.zeros(engine.scene.num_entities, 2)
        first_ramp = scenario.num_agents + scenario.max_boxes
        self._kinds = {"agent": slice(scenario.num_agents), "box": slice(scenario.num_agents, first_ramp)}

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums."""
        return (*super().totals, "agent_path", "box_path")

    def tally(self, view: View, verdict: Verdict) -> None:
        """Add the way that agents and boxes went in this step to the sums."""
        super().tally(view, verdict)
        position, start = view.pose[..., :2], view.start_pose[..., :2]
        before = torch.where((view.steps == 1)[:, None, None], start, self.state["movement/position"])
        for kind, way in self._lengths(position - before, view.present).items():
            self.state[f"{kind}_path"] += way
        self.state["movement/position"] = position.clone()

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return the returns, and the metres that agents and boxes went and how far they came, summed over them."""
        moved = self._lengths((view.pose - view.start_pose)[..., :2], view.present)
        return super().statistics(view) | {f"{kind}_displacement": length for kind, length in moved.items()}

    def _lengths(self, difference: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Sum the lengths of differences (W, E, 2) over those of a kind that are present (W, E): kind -> (W,)."""
        lengths = difference.norm(dim=-1) * present
        return {kind: lengths[:, members].sum(1) for kind, members in self._kinds.items()}
