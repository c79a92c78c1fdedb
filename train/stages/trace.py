"""Episodes as they were played, in tensors: what every detector looks at.

Shapes: W worlds, M moments (the start, then at equal times up to the end of the last step), A agents (H hiders, then S
seekers), B boxes, R ramps, O objects (boxes, ramps, movable cylinders), E = A + O entities, L wall slots.

Moments are at most ``LONGEST`` seconds apart. Steps that are longer have several, so that what agents do is judged
alike however often they decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.layouts import Layout
from envs.scenarios import Scenario
from envs.scene import AGENT_RADIUS

from ..play.players import Player

LONGEST = 0.075
"""Seconds between two moments at most: a step of the original."""
RAMP_HALF_SIZE = 0.25
"""Metres: half a side of the cube that a ramp fills half of."""


@dataclass
class Trace:
    """One whole episode in each of W worlds, on the CPU."""

    scenario: Scenario
    layout: Layout
    """How the W episodes started."""
    pose: Tensor
    """(W, M, E, Q)."""
    visible: Tensor
    """(W, M, A, E) bool; within a step what was visible when it began."""
    holding: Tensor
    """(W, M, A) object that an agent held during the step that ended here, -1 for none."""
    locked: Tensor
    """(W, M, O) bool."""
    locker: Tensor
    """(W, M, O) agent that last locked the object."""
    score: Tensor
    """(W, M) rewards of the hiders so far, averaged over those of the team that take part."""
    broken: Tensor
    """(W,) bool: physics failed at some step; the episode says nothing."""

    @property
    def live_from(self) -> int:
        """Index of the last moment of the preparation phase: the step that starts here is live."""
        return min(self.scenario.preparation_steps * self.moments_per_step, self.pose.shape[1] - 1)

    @property
    def moments_per_step(self) -> int:
        """Moments that each step has."""
        return moments_per_step(self.scenario)

    def moments(self, seconds: float) -> int:
        """Return the number of moments that some seconds take, rounded up."""
        return math.ceil(seconds * self.moments_per_step / self.scenario.step_seconds - 1e-6)

    @property
    def hiders(self) -> Tensor:
        """(W, M, H, Q) poses."""
        return self.pose[:, :, : self.scenario.hiders]

    @property
    def seekers(self) -> Tensor:
        """(W, M, S, Q) poses."""
        return self.pose[:, :, self.scenario.hiders : self.scenario.num_agents]

    @property
    def objects(self) -> Tensor:
        """(W, M, O, Q) poses; those of absent boxes mean nothing."""
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
        """(W, M, S) metres from the floor to the lowest point of each seeker."""
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
        transition = env.advance(player.act(obs, started), moments_per_step(env.scenario))
        obs, started = env.observe(), torch.zeros_like(started)
        broken |= env.engine.diverged
        score = score + transition.reward[:, : env.scenario.hiders].sum(1) / number
        before, after = moments[-1], _moment(env, everything, score)
        looked_up = {name: before[name] for name in ("visible", "score")}  # Hands and locks are decided before.
        moments += [after | looked_up | {"pose": pose.cpu()} for pose in transition.between.unbind(1)]
        moments.append(after)
    columns = {name: torch.stack([moment[name] for moment in moments], dim=1) for name in moments[0]}
    return Trace(env.scenario, layout.to("cpu"), **columns, broken=broken.cpu())


def moments_per_step(scenario: Scenario) -> int:
    """Return the smallest number of equal parts of a step, in whole substeps, of ``LONGEST`` seconds at most."""
    wanted = math.ceil(scenario.step_seconds / LONGEST - 1e-6)
    return next(
        (parts for parts in range(wanted, scenario.substeps) if scenario.substeps % parts == 0), scenario.substeps
    )


def _moment(env: BatchEnv, worlds: Tensor, score: Tensor) -> dict[str, Tensor]:
    state = env.get_state(worlds)
    kept = {
        "pose": state.pose,
        "visible": state.visible,
        "holding": state.grabs.holding,
        "locked": state.locks.locked,
        "locker": state.locks.locker,
        "score": score,
    }
    return {name: values.cpu().clone() for name, values in kept.items()}
