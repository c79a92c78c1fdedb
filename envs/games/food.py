"""Food for hiders: where it is, how much is left, who eats (rule 7.2). A part of hide-and-seek, used by composition.

Eating needs no action. A hider eats every step from every food that it saw in the previous observation, that is near
enough after physics and not empty, once the preparation phase is over and unless a hider was seen in the previous
observation (one caught hider keeps the whole team from eating).

Shapes: W worlds, K some of them, A agents (H hiders first), F foods, P places of a food.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..layouts import Layout, num_food_places
from ..options.scenario_options import FoodOptions
from ..perception import in_cone
from ..physics.engine import PhysicsEngine
from ..rendering.lines import Line, ball, circle
from ..scenario import Scenario
from ..tensors.where_worlds import where_worlds
from .game import AGENT_CORNER, Requirement, View

_FULL_COLOUR, _EMPTY_COLOUR = (0.36, 0.78, 0.30, 1.0), (0.36, 0.60, 0.34, 0.35)
_FULL_RADIUS, _ON_FLOOR = 0.11, 0.012
"""Metres: of a full food's ball, and above the floor."""


class Food:
    """The foods of W worlds.

    Args:
      scenario: its ``food`` options say what there is.
      num_worlds: W.
      engine: casts the rays towards foods.
      state: the game's; this part adds its own tensors to it.
    """

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine, state: dict[str, Tensor]) -> None:
        self.scenario, self.options, self.state = scenario, scenario.food, state
        self._engine = engine
        agents, foods, device = scenario.num_agents, self.options.count, engine.device
        places = num_food_places(scenario)
        shapes: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
            "food/places": ((foods, places, 3), torch.float32),
            "food/place": ((foods,), torch.int64),
            "food/health": ((foods,), torch.float32),
            "food/empty_steps": ((foods,), torch.int64),
            "food/scale": ((), torch.float32),
            "food/visible": ((agents, foods), torch.bool),
            "food/seen_before": ((agents, foods), torch.bool),
            "food_eaten": ((), torch.float32),
            "food_eaten_prep": ((), torch.float32),
        }
        for name, (shape, dtype) in shapes.items():
            state[name] = torch.zeros(num_worlds, *shape, dtype=dtype, device=device)
        self._viewer = torch.arange(agents, device=device).repeat_interleave(foods)

    @property
    def position(self) -> Tensor:
        """(W, F, 3) metres."""
        index = self.state["food/place"][..., None, None].expand(-1, -1, 1, 3)
        return self.state["food/places"].gather(2, index)[:, :, 0]

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Fill every food of the worlds that are chosen at its first place. The state was set to zero before."""
        values: dict[str, Tensor | float] = {
            "places": layout.food,
            "scale": layout.food_scale,
            "health": self.options.health,
        }
        for name, value in values.items():
            self.state[f"food/{name}"] = where_worlds(chosen, value, self.state[f"food/{name}"])

    def sense(self, worlds: Tensor, pose: Tensor) -> None:
        """Find what every agent sees of the food from poses (K, E, Q) of worlds (K,) (rule 6.1)."""
        seen = self._seen(worlds, pose)
        self.state["food/seen_before"][worlds] = self.state["food/visible"][worlds]
        self.state["food/visible"][worlds] = seen

    def _seen(self, worlds: Tensor, pose: Tensor) -> Tensor:
        """(K, A, F) bool: which agent sees which food."""
        agents, foods = self.scenario.num_agents, self.options.count
        position = self.position[worlds]
        agent_pose = pose[:, :agents]
        origin = agent_pose[:, self._viewer, :3]
        direction = position.repeat(1, agents, 1) - origin
        distance, _ = self._engine.rays(worlds, origin, direction, self._viewer)
        clear = (distance > 1.0).view(-1, agents, foods)  # In units of the way to the food.
        return clear & in_cone(agent_pose, position, self.scenario.vision_angle)

    def eat(self, view: View, caught_before: Tensor) -> Tensor:
        """Let hiders eat, and let eaten foods come back.

        Args:
          view: after physics.
          caught_before: (W,) bool: a hider was seen in the previous observation.

        Returns:
          (W, A) float32 reward, to be added to whatever else is rewarded.
        """
        eaten = self._share(self._eaters(view, caught_before))
        self.state["food/health"] = self.state["food/health"] - eaten.sum(1)
        self.state["food_eaten"] += eaten.sum((1, 2))
        back = self._respawn()
        if self.options.moves:
            self._move(back, view.pose)
        return self._reward(eaten, view.present[:, : self.scenario.hiders])

    def _eaters(self, view: View, caught_before: Tensor) -> Tensor:
        """(W, H, F) bool: who takes from which food."""
        s, o = self.scenario, self.options
        centre = view.pose[:, : s.hiders, :3]
        centre = centre - AGENT_CORNER if s.corner_distances else centre
        near = (centre[:, :, None] - self.position[:, None]).norm(dim=-1) < o.radius
        eaters = near & self.state["food/seen_before"][:, : s.hiders] & (self.state["food/health"] > 0)[:, None]
        eaters &= view.present[:, : s.hiders, None]
        if not o.eat_when_caught:
            eaters &= ~caught_before[:, None, None]
        if not o.eat_in_preparation:
            eaters &= (view.steps > s.preparation_steps)[:, None, None]
        return eaters

    def _share(self, eaters: Tensor) -> Tensor:
        """(W, H, F) units: one each, or equal parts of what is left if that is less."""
        number = eaters.sum(1, keepdim=True)
        part = (self.state["food/health"][:, None] / number.clamp(min=1)).clamp(max=1.0)
        return eaters * part

    def _respawn(self) -> Tensor:
        """Count how long foods have been empty and refill those that were long enough: (W, F) bool."""
        respawn = self.options.respawn_steps
        health = self.state["food/health"]
        empty_steps = (self.state["food/empty_steps"] + 1) * (health <= 0)
        if respawn is None:
            self.state["food/empty_steps"] = empty_steps
            return torch.zeros_like(health, dtype=torch.bool)
        back = empty_steps > respawn
        self.state["food/health"] = torch.where(back, self.options.health, health)
        self.state["food/empty_steps"] = torch.where(back, 0, empty_steps)
        return back

    def _move(self, back: Tensor, pose: Tensor) -> None:
        """Put foods that came back (W, F) at their next places, and see them there, as the step's observation does."""
        places = self.state["food/places"].shape[2]
        self.state["food/place"] = (self.state["food/place"] + back) % places
        everywhere = self._engine.queues  # A GPU is not asked where something moved.
        worlds = torch.arange(len(back), device=back.device) if everywhere else back.any(1).nonzero()[:, 0]
        self.state["food/visible"][worlds] = self._seen(worlds, pose[worlds])

    def _reward(self, eaten: Tensor, present: Tensor) -> Tensor:
        units = eaten.sum(2)
        if self.options.reward == "joint_mean":
            units = units.sum(1, keepdim=True) / present.sum(1, keepdim=True).clamp(min=1) * present
        reward = units * self.state["food/scale"][:, None]
        return torch.nn.functional.pad(reward, (0, self.scenario.seekers))

    def entities(self) -> dict[str, Tensor]:
        """Observation of kind ``food``: x, y, z, health[, reward per unit] (W, A, F, D), and its masks (W, A, F)."""
        parts = [self.position, self.state["food/health"][..., None]]
        if self.options.scale_varies:
            parts.append(self.state["food/scale"][:, None, None].expand_as(parts[1]))
        features = torch.cat(parts, dim=-1)
        visible = self.state["food/visible"]
        return {
            "food": features[:, None].repeat(1, self.scenario.num_agents, 1, 1),
            "food_visible": visible.clone(),
            "food_present": torch.ones_like(visible),
        }


def food_marks(scenario: Scenario, state: Mapping[str, NDArray]) -> list[Line]:
    """Return a ball for every food, whose volume is what is left of it, in a ring that stays when it is eaten.

    Args:
      scenario: with food.
      state: one world's row of the game's state.
    """
    lines: list[Line] = []
    for places, place, health in zip(state["food/places"], state["food/place"], state["food/health"], strict=True):
        x, y, _ = places[int(place)]
        foot = np.array([x, y, _ON_FLOOR])
        lines += circle(foot, _FULL_RADIUS, 0.012, _EMPTY_COLOUR)
        share = float(health) / scenario.food.health
        if share > 0:
            radius = _FULL_RADIUS * share ** (1 / 3)
            lines.append(ball(np.array([x, y, _ON_FLOOR + radius]), radius, _FULL_COLOUR))
    return lines


def food_requirements(food: FoodOptions) -> list[Requirement]:
    """Return the conditions on the options of food."""
    return [
        (
            food.reward_scale[0] <= food.reward_scale[1],
            f"food.reward_scale is {food.reward_scale}; it must be (smallest, largest)",
        ),
    ]
