"""Entity features and masks: what the policy and the critic are given.

Shapes: W worlds, A agents, B boxes, R ramps, C movable cylinders, O = B + R + C, E = A + O, D features.
Everything is in absolute world coordinates with true centres (rule 6.3; docs/differences.md), nothing is normalised or
clipped. Absent agents and boxes are zeros.

=================== ================= ==============================================================================
key                 shape             content
=================== ================= ==============================================================================
self                (W, A, D)         x, y, z, yaw (or its cosine and sine), vx, vy, vz, yaw rate, hider, preparation
agents              (W, A, A-1, D)    the same of the others; for agent i entry k is agent (i - 1 - k) mod A
boxes               (W, A, B, D)      x, y, z, cos yaw, sin yaw, vx, vy, vz, yaw rate [, full size x, y, z]
                                      [, you_lock, team_lock, obj_lock]; absent boxes are zeros. Tilting boxes: x, y, z,
                                      cosines of the angles about x, y, z, their sines, vx, vy, vz, their rates, ...
ramps               (W, A, R, D)      as boxes, with zeros for the size; lock flags if ramps can be locked
lidar               (W, A, L)         distances, metres
cylinders           (W, A, C, 12)     as boxes, with the size and without lock flags; only movable ones
food                (W, A, F, D)      x, y, z, health [, reward per unit]; from envs/games/food.py, where there is food
agents_visible, ... (W, A, n) bool    the policy's masks: what the agent sees
agents_present, ... (W, A, n) bool    the critic's masks: what exists
=================== ================= ==============================================================================

``Scenario.padding`` adds placeholders of zeros for agents and ramps that a scenario lacks (rule 6.5); see
envs/placeholder_entities.py.

With ``bearing_features``, agents, boxes and ramps end with the cosine and sine of their direction relative to the
observer's heading.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .manipulation import Locks
from .placeholder_entities import PlaceholderEntities
from .scenario import Scenario
from .scenarios import GAMES, is_hide_and_seek
from .tensors.orientation import ABOUT_X, ABOUT_Y, YAW

Observation = dict[str, Tensor]


def spec(s: Scenario) -> dict[str, Any]:
    """Describe the observation of a scenario.

    Returns:
      ``self_features``, ``lidar_rays`` and ``entities``: kind -> (number, features). Kinds without members are left
      out.
    """
    traits, senses = GAMES[s.game].agent_features(s)
    agent_features = (11 if s.heading_features == "cos_sin" else 10) + traits
    size, bearing = 3 * s.box_size_features, 2 * s.bearing_features
    entities = {
        "agents": (s.num_agents - 1 or s.padding.agents, agent_features + bearing),
        "boxes": (s.max_boxes, (15 if s.tilting_boxes else 9) + size + 3 * s.lock_boxes + bearing),
        "ramps": (s.ramps or s.padding.ramps, 9 + size + 3 * s.lock_ramps + bearing),
        "cylinders": (s.cylinders.movable, 12),
        **GAMES[s.game].entity_shapes(s),
    }
    return {
        "self_features": agent_features + senses,
        "lidar_rays": s.lidar_rays,
        "entities": {kind: shape for kind, shape in entities.items() if shape[0] > 0},
    }


def others_index(agents: int, device: torch.device) -> Tensor:
    """Return (A, A-1) int64: entry k of agent i is agent (i - 1 - k) mod A (rule 6.4)."""
    agent = torch.arange(agents, device=device)
    return (agent[:, None] - 1 - agent[None, :-1]) % agents


class Observer:
    """Turns the state of the worlds into observations of one scenario."""

    def __init__(self, scenario: Scenario, device: torch.device) -> None:
        self._scenario = scenario
        agents, entities = scenario.num_agents, scenario.num_agents + scenario.num_objects
        first_ramp, first_cylinder = agents + scenario.max_boxes, agents + scenario.max_boxes + scenario.ramps
        self._kinds = slice(agents, first_ramp), slice(first_ramp, first_cylinder), slice(first_cylinder, entities)
        others, team = others_index(agents, device), team_index(scenario, device)
        viewer = torch.arange(agents, device=device)[:, None]
        self._others = others.flatten()
        self._seen_others = (viewer * entities + others).flatten()  # In (A, E), flattened.
        self._is_hider = (team == 0).float()[:, None]
        you, same_team = viewer == viewer.T, team[:, None] == team
        self._lock_flags = torch.stack([you, same_team, torch.ones_like(you)], dim=-1).float()
        shown = spec(scenario)["entities"]
        self._shows_boxes = "boxes" in shown
        self._padding = PlaceholderEntities(scenario, shown, device)

    def observe(
        self,
        pose: Tensor,
        velocity: Tensor,
        box_half_size: Tensor,
        present: Tensor,
        locks: Locks,
        visible: Tensor,
        lidar: Tensor,
        steps: Tensor,
        cylinder_half_size: Tensor | None = None,
        traits: Tensor | None = None,
        senses: Tensor | None = None,
    ) -> Observation:
        """Build the observation of every agent in every world. Nothing returned shares memory with what was given.

        Args:
          pose: (W, E, Q), ``Scenario.pose_size`` numbers each.
          velocity: (W, E, Q).
          box_half_size: (W, B, 3) metres.
          present: (W, E) bool.
          locks: of all objects.
          visible: (W, A, E) bool.
          lidar: (W, A, L) metres.
          steps: (W,) int64 steps done in the episode.
          cylinder_half_size: (W, C, 3) metres; only for scenarios with movable cylinders.
          traits: (W, A, D) what a game adds to the features of agents, for themselves and for who sees them.
          senses: (W, A, D) what it adds to an agent's own.
        """
        s, agents = self._scenario, self._scenario.num_agents
        boxes, ramps, cylinders = self._kinds
        upright = _upright_features(pose, velocity)
        own = self._agent_features(upright[:, :agents], pose, steps)
        own = (own if traits is None else torch.cat([own, traits], dim=-1)) * present[:, :agents, None]
        known = own if senses is None else torch.cat([own, senses * present[:, :agents, None]], dim=-1)
        observation = {"self": known, "lidar": lidar.clone()} if s.lidar_rays else {"self": known}
        visible, exists = visible.clone(), present[:, None].expand_as(visible).clone()
        bearing = self._bearing(pose) if s.bearing_features else None
        flags = self._lock_features(locks) if s.lock_boxes or s.lock_ramps else None
        if agents > 1:
            parts = [own.index_select(1, self._others).view(-1, agents, agents - 1, own.shape[-1])]
            if bearing is not None:
                parts.append(self._of_others(bearing))
            observation["agents"] = torch.cat(parts, dim=-1)
            observation["agents_visible"] = self._of_others(visible)
            observation["agents_present"] = self._of_others(exists) & present[:, :agents, None]
        if self._shows_boxes:
            shared = upright[:, boxes]
            if s.tilting_boxes:
                shared = _tilting_features(pose[:, boxes], velocity[:, boxes])
            parts = [self._per_agent(shared)]
            if s.box_size_features:
                parts.append(self._per_agent(2 * box_half_size))
            if flags is not None and s.lock_boxes:
                parts.append(flags[:, :, : s.max_boxes])
            if bearing is not None:
                parts.append(bearing[:, :, boxes])
            observation["boxes_visible"], observation["boxes_present"] = visible[..., boxes], exists[..., boxes]
            observation["boxes"] = torch.cat(parts, dim=-1) * observation["boxes_present"][..., None]
        if s.ramps:
            parts = [self._per_agent(upright[:, ramps])]
            if s.box_size_features:
                parts.append(torch.zeros_like(parts[0][..., :3]))
            if flags is not None and s.lock_ramps:
                parts.append(flags[:, :, s.max_boxes : s.max_boxes + s.ramps])
            if bearing is not None:
                parts.append(bearing[:, :, ramps])
            observation["ramps_visible"], observation["ramps_present"] = visible[..., ramps], exists[..., ramps]
            observation["ramps"] = torch.cat(parts, dim=-1)
        if s.cylinders.movable and cylinder_half_size is not None:
            shared = torch.cat([upright[:, cylinders], 2 * cylinder_half_size], dim=-1)
            observation["cylinders"] = self._per_agent(shared).clone()
            observation["cylinders_visible"] = visible[..., cylinders]
            observation["cylinders_present"] = exists[..., cylinders]
        return observation | self._padding.tensors(len(pose))

    def _agent_features(self, upright: Tensor, pose: Tensor, steps: Tensor) -> Tensor:
        """Features of agents from ``_upright_features`` of them."""
        s = self._scenario
        body = [upright]
        if s.heading_features != "cos_sin":
            body = [pose[:, : s.num_agents, :4], upright[..., 5:]]
        preparation = (steps / (s.preparation_steps + 1e-5)).clamp(max=1.0)
        if s.preparation_steps == 0 and not is_hide_and_seek(s):  # As in the original's tasks.
            preparation = torch.zeros_like(preparation)
        shape = (len(pose), s.num_agents, 1)
        return torch.cat([*body, self._is_hider.expand(shape), preparation[:, None, None].expand(shape)], dim=-1)

    def _of_others(self, values: Tensor) -> Tensor:
        """Pick what each agent has for the other agents from (W, A, E, ...): (W, A, A-1, ...)."""
        agents, each = self._scenario.num_agents, values.shape[3:]
        return values.flatten(1, 2).index_select(1, self._seen_others).view(-1, agents, agents - 1, *each)

    def _bearing(self, pose: Tensor) -> Tensor:
        """Cosine and sine of every entity's direction relative to each agent's heading: (W, A, E, 2)."""
        agent_pose = pose[:, : self._scenario.num_agents]
        sin, cos = agent_pose[..., 3].sin()[:, :, None], agent_pose[..., 3].cos()[:, :, None]
        x, y = (pose[:, None, :, :2] - agent_pose[:, :, None, :2]).unbind(-1)
        ahead, left = x * sin - y * cos, x * cos + y * sin  # An agent looks along yaw - pi/2.
        return torch.stack([ahead, left], dim=-1) / torch.hypot(x, y).clamp(min=1e-6)[..., None]

    def _per_agent(self, features: Tensor) -> Tensor:
        return features[:, None].expand(-1, self._scenario.num_agents, -1, -1)

    def _lock_features(self, locks: Locks) -> Tensor:
        """you_lock, team_lock, obj_lock: (W, A, O, 3)."""
        return (self._lock_flags[locks.locker] * locks.locked[..., None, None]).transpose(1, 2)


def _upright_features(pose: Tensor, velocity: Tensor) -> Tensor:
    """Return (..., 9) features of poses and velocities (..., 4 or more) of what does not tilt."""
    yaw = pose[..., 3:4]
    return torch.cat([pose[..., :3], yaw.cos(), yaw.sin(), velocity[..., :4]], dim=-1)


def _tilting_features(pose: Tensor, velocity: Tensor) -> Tensor:
    """Return (..., 15) features of poses and velocities (..., 6); angles in the order x, y, z."""
    order = [ABOUT_X, ABOUT_Y, YAW]
    angles = pose[..., order]
    return torch.cat([pose[..., :3], angles.cos(), angles.sin(), velocity[..., :3], velocity[..., order]], dim=-1)


def team_index(s: Scenario, device: torch.device) -> Tensor:
    """Return (A,) int64: 0 for hiders, 1 for seekers."""
    return (torch.arange(s.num_agents, device=device) >= s.hiders).long()
