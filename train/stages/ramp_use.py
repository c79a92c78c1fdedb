"""Ramp use: a seeker runs up a ramp, over a wall or box, and comes down behind it.

Shapes: W worlds, S seekers, P points between two moments, Q rectangles.
"""

from __future__ import annotations

import torch
from torch import Tensor

from envs.scene import AGENT_RADIUS

from .enclosure import ALOFT
from .ground import distance_to_rectangle
from .trace import Trace

POINTS = 12
"""Points looked at between two moments: 0.08 m apart or less at the highest speed, and walls are 0.1 m thick."""
ON_RAMP = 0.05
"""Metres around a ramp's footprint within which a centre counts as above it."""
CLIMBED = 0.4
"""Metres from the floor to a seeker's lowest point above a wall or box; both are 0.5 m high."""
FLIGHT = 1.5
"""Seconds within which a seeker must come down after it was last on the ramp."""
BEYOND = 0.5
"""Metres from the ramp's centre, in the direction that it leads up, behind which the seeker must come down."""


def ramp_use(trace: Trace) -> Tensor:
    """Return (W,) bool: a live seeker with empty hands goes over something by a ramp and reaches the floor behind."""
    scenario, start = trace.scenario, trace.live_from
    used = torch.zeros(len(trace.pose), scenario.seekers, dtype=torch.bool)
    flight = trace.moments(FLIGHT)
    since_ramp = torch.full_like(used, flight + 1, dtype=torch.int64)
    crossed = torch.zeros_like(used)
    foot, up = torch.zeros(*used.shape, 2), torch.zeros(*used.shape, 2)
    for moment in range(start + 1, trace.pose.shape[1]):
        on_ramp, which = _on_ramp(trace, moment)
        ramp = trace.objects[:, moment, trace.ramps].gather(1, which[..., None].expand(-1, -1, 4))
        foot = torch.where(on_ramp[..., None], ramp[..., :2], foot)
        uphill = torch.stack([ramp[..., 3].sin(), -ramp[..., 3].cos()], dim=-1)
        up = torch.where(on_ramp[..., None], uphill, up)
        since_ramp = torch.where(on_ramp, 0, since_ramp + 1)
        empty_handed = trace.holding[:, moment, scenario.hiders :] < 0
        on_the_way = (since_ramp <= flight) & empty_handed
        crossed = (crossed | _over_something(trace, moment)) & on_the_way
        on_floor = trace.seekers_bottom[:, moment] < ALOFT
        behind = ((trace.seekers[:, moment, :, :2] - foot) * up).sum(-1) > BEYOND
        used |= crossed & on_floor & behind
        ended = ~on_the_way | (on_floor & ~on_ramp)
        since_ramp = torch.where(ended, flight + 1, since_ramp)
        crossed &= ~ended
    return used.any(-1)


def _points(trace: Trace, moment: int, first: int, last: int) -> Tensor:
    """Return the poses (W, P, K, 4) of entities ``first`` to ``last`` between a moment and the one before."""
    before, after = (trace.pose[:, m, None, first:last] for m in (moment - 1, moment))
    share = (torch.arange(POINTS) + 1.0)[:, None, None] / POINTS
    return before + share * (after - before)


def _seeker_points(trace: Trace, moment: int) -> Tensor:
    return _points(trace, moment, trace.scenario.hiders, trace.scenario.num_agents)


def _distance(seekers: Tensor, centre: Tensor, half_size: Tensor, yaw: Tensor) -> Tensor:
    """Return (W, P, S, Q) metres from seekers (W, P, S, 4) to rectangles: (W, P, Q, 2), (W, Q, 2), (W, P, Q)."""
    offset = seekers[:, :, :, None, :2] - centre[:, :, None]
    return distance_to_rectangle(offset, half_size[:, None, None], yaw[:, :, None])


def _on_ramp(trace: Trace, moment: int) -> tuple[Tensor, Tensor]:
    """Return (W, S) bool: seekers above a ramp since the moment before, and (W, S) which ramp."""
    s = trace.scenario
    seekers = _seeker_points(trace, moment)
    ramps = _points(trace, moment, s.num_agents + trace.ramps.start, s.num_agents + trace.ramps.stop)
    half_size = trace.object_half_size[:, trace.ramps, :2]
    near = _distance(seekers, ramps[..., :2], half_size, ramps[..., 3]) < ON_RAMP
    bottom = seekers[..., 2] - AGENT_RADIUS
    above = (near & (bottom > ALOFT)[..., None]).any(1)
    return above.any(-1), above.int().argmax(-1)


def _over_something(trace: Trace, moment: int) -> Tensor:
    """Return (W, S) bool: seekers high above a wall or box since the moment before."""
    s, layout = trace.scenario, trace.layout
    seekers = _seeker_points(trace, moment)
    boxes = _points(trace, moment, s.num_agents, s.num_agents + s.max_boxes)
    walls = layout.walls[:, None].expand(-1, POINTS, -1, -1)
    centre = torch.cat([walls[..., :2], boxes[..., :2]], dim=2)
    yaw = torch.cat([torch.zeros_like(walls[..., 0]), boxes[..., 3]], dim=2)
    half_size = torch.cat([layout.walls[..., 2:4], layout.box_half_size[..., :2]], dim=1)
    present = torch.cat([layout.wall_present, layout.box_present], dim=1)
    inside = (_distance(seekers, centre, half_size, yaw) == 0) & present[:, None, None]
    high = seekers[..., 2] - AGENT_RADIUS > CLIMBED
    return (inside.any(-1) & high).any(1)
