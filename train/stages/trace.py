"""Episodes as they were played, in tensors: what every detector looks at.

Shapes: W worlds, T + 1 moments (the start and after each of T steps), A agents (H hiders, then S seekers), B boxes,
R ramps, O objects (boxes, ramps, movable cylinders), E = A + O entities, L wall slots.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.layouts import Layout
from envs.scenarios import Scenario
from envs.scene import AGENT_RADIUS

from ..play.players import Player

RAMP_HALF_SIZE = 0.25
"""Metres: half a side of the cube that a ramp fills half of."""


@dataclass
class Trace:
    """One whole episode in each of W worlds, on the CPU."""

    scenario: Scenario
    layout: Layout
    """How the W episodes started."""
    pose: Tensor
    """(W, T + 1, E, Q)."""
    visible: Tensor
    """(W, T + 1, A, E) bool."""
    holding: Tensor
    """(W, T + 1, A) object that an agent held during the step that ended here, -1 for none."""
    locked: Tensor
    """(W, T + 1, O) bool."""
    locker: Tensor
    """(W, T + 1, O) agent that last locked the object."""
    score: Tensor
    """(W, T + 1) rewards of the hiders so far, averaged over those of the team that take part."""
    broken: Tensor
    """(W,) bool: physics failed at some step; the episode says nothing."""

    @property
    def live_from(self) -> int:
        """Index of the last moment of the preparation phase: the steps that start here are live."""
        return min(self.scenario.preparation_steps, self.pose.shape[1] - 1)

    @property
    def hiders(self) -> Tensor:
        """(W, T + 1, H, Q) poses."""
        return self.pose[:, :, : self.scenario.hiders]

    @property
    def seekers(self) -> Tensor:
        """(W, T + 1, S, Q) poses."""
        return self.pose[:, :, self.scenario.hiders : self.scenario.num_agents]

    @property
    def objects(self) -> Tensor:
        """(W, T + 1, O, Q) poses; those of absent boxes mean nothing."""
        return self.pose[:, :, self.scenario.num_agents :]

    @property
    def ramps(self) -> slice:
        """Which objects are ramps."""
        return slice(self.scenario.max_boxes, self.scenario.max_boxes + self.scenario.ramps)

    @property
    def hiders_present(self) -> Tensor:
        """(W, H) bool."""
        return self.layout.agent_present[:, : self.scenario.hiders]

    @property
    def seekers_present(self) -> Tensor:
        """(W, S) bool."""
        return self.layout.agent_present[:, self.scenario.hiders :]

    @property
    def object_present(self) -> Tensor:
        """(W, O) bool."""
        others = self.scenario.ramps + self.scenario.cylinders.movable
        return torch.cat([self.layout.box_present, torch.ones(len(self.pose), others, dtype=torch.bool)], dim=1)

    @property
    def object_half_size(self) -> Tensor:
        """(W, O, 3) metres; of a cylinder, its radius twice and half its height."""
        ramps = torch.full((len(self.pose), self.scenario.ramps, 3), RAMP_HALF_SIZE)
        return torch.cat([self.layout.box_half_size, ramps, self.layout.cylinder_half_size], dim=1)

    @property
    def seekers_bottom(self) -> Tensor:
        """(W, T + 1, S) metres from the floor to the lowest point of each seeker."""
        return self.seekers[..., 2] - AGENT_RADIUS

    def select(self, worlds: Tensor) -> Trace:
        """Return the episodes of some worlds (K,)."""
        tensors = {f.name: getattr(self, f.name)[worlds] for f in fields(self) if f.name not in ("scenario", "layout")}
        return Trace(self.scenario, self.layout.select(worlds), **tensors)


def play_trace(env: BatchEnv, layout: Layout, player: Player) -> Trace:
    """Play one episode in every world from the given layout of W worlds, with one player for all agents."""
    everything = torch.arange(env.num_worlds, device=env.device)
    obs = env.reset(layout)
    started = torch.ones(env.num_worlds, dtype=torch.bool, device=env.device)
    broken, score = torch.zeros_like(started), torch.zeros(env.num_worlds, device=env.device)
    moments = [_moment(env, everything, score)]
    number = env.present_agents[:, : env.scenario.hiders].sum(1).clamp(min=1)
    for _ in range(env.scenario.horizon):
        transition = env.advance(player.act(obs, started))
        obs, started = env.observe(), torch.zeros_like(started)
        broken |= env.engine.diverged
        score = score + transition.reward[:, : env.scenario.hiders].sum(1) / number
        moments.append(_moment(env, everything, score))
    names = ("pose", "visible", "holding", "locked", "locker", "score")
    columns = [torch.stack(column, dim=1) for column in zip(*moments, strict=True)]
    return Trace(env.scenario, layout.to("cpu"), **dict(zip(names, columns, strict=True)), broken=broken.cpu())


def _moment(env: BatchEnv, worlds: Tensor, score: Tensor) -> list[Tensor]:
    state = env.get_state(worlds)
    kept = (state.pose, state.visible, state.grabs.holding, state.locks.locked, state.locks.locker, score)
    return [values.cpu().clone() for values in kept]
