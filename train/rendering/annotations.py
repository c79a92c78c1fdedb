"""What is drawn into the scene to explain it: who sees, holds and attends to what. Geometry only, no drawing.

Shapes: A agents (hiders first), O objects, E = A + O entities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.rendering.lines import Colour, Line, circle
from envs.scenarios import Scenario

from ..play.moment import Moment

HIDER_COLOUR = (0.26, 0.62, 0.95)
SEEKER_COLOUR = (0.93, 0.25, 0.22)
_GRAB_COLOUR = (0.30, 0.72, 0.42, 1.0)
_SEES_COLOUR = (0.98, 0.85, 0.30, 0.85)
_ATTENTION_COLOUR = (0.62, 0.28, 0.86)
_LIDAR_COLOUR = (0.20, 0.66, 0.72, 0.35)
_CHOSEN_COLOUR = (0.99, 0.83, 0.22, 1.0)
_LEAST_ATTENTION = 0.02
_RING_RADIUS = 0.24


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """What is drawn of a world, and from where."""

    camera: str = "overview"
    """One of ``CAMERAS``."""
    agent: int | None = None
    """Agent that is looked at closely: by the cameras follow and first-person, and by the overlays that are about
    one."""
    cones: bool = False
    """Colour the floor that every agent has in view; only that of the chosen agent if one is chosen."""
    sight: bool = True
    """Connect every seeker with the hiders it sees."""
    grabs: bool = True
    """Connect every agent with what it holds."""
    shadows: bool = True
    """Let bodies and walls throw shadows; without, pictures are drawn up to twice as fast."""
    sees: bool = False
    """Connect the chosen agent with everything it sees."""
    attention: bool = False
    """Connect the chosen agent with what it attends to; the thicker the more."""
    lidar: bool = False
    """Show the chosen agent's lidar rays, or everybody's if none is chosen."""


def lines(moment: Moment, scenario: Scenario, drawing: DrawOptions) -> list[Line]:
    """Return all lines of a moment that ``drawing`` asks for, but for lidar rays, which need the world's walls."""
    found = [line.placed(moment.pose) for line in moment.game]
    if drawing.grabs:
        found += grab_lines(moment, scenario)
    if drawing.sight:
        found += sight_lines(moment, scenario)
    agent = drawing.agent
    if agent is None or not moment.has(agent):
        return found
    found += ring(moment.pose[agent])
    if drawing.sees and moment.visible is not None:
        found += [_link(moment, agent, int(e), 0.008, _SEES_COLOUR) for e in np.nonzero(moment.visible[agent])[0]]
    if drawing.attention and moment.attention is not None:
        found += attention_lines(moment, agent)
    return found


def sight_lines(moment: Moment, scenario: Scenario) -> list[Line]:
    """Connect every seeker with the hiders it sees."""
    colour = (*SEEKER_COLOUR, 0.9)
    pairs = np.argwhere(moment.sees).tolist()
    return [_link(moment, scenario.hiders + seeker, hider, 0.014, colour, 0.8) for seeker, hider in pairs]


def grab_lines(moment: Moment, scenario: Scenario) -> list[Line]:
    """Connect every agent with what it holds."""
    holders = np.nonzero(moment.holding >= 0)[0].tolist()
    held = [scenario.num_agents + int(moment.holding[agent]) for agent in holders]
    return [_link(moment, a, e, 0.03, _GRAB_COLOUR, 0.2) for a, e in zip(holders, held, strict=True)]


def attention_lines(moment: Moment, agent: int) -> list[Line]:
    """Connect an agent with what it attends to: as thick, and as strongly coloured, as the weight is large."""
    assert moment.attention is not None
    found = []
    for entity, weight in enumerate(moment.attention[agent].tolist()):
        if entity != agent and weight > _LEAST_ATTENTION:
            colour = (*_ATTENTION_COLOUR, min(0.35 + weight, 0.95))
            found.append(_link(moment, agent, entity, 0.008 + 0.09 * weight, colour))
    return found


def lidar_lines(pose: NDArray[np.float64], distance: NDArray[np.float64]) -> list[Line]:
    """Return the rays of an agent's lidar, whose directions do not turn with it."""
    ends = pose[:3] + distance[:, None] * lidar_directions(len(distance))
    return [Line(pose[:3], end, 0.005, _LIDAR_COLOUR) for end in ends]


def lidar_directions(rays: int) -> NDArray[np.float64]:
    """Return unit vectors (rays, 3)."""
    angle = 2 * math.pi * np.arange(rays) / max(rays, 1)
    return np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)


def ring(pose: NDArray[np.float64]) -> list[Line]:
    """Return a ring on the floor around the chosen agent."""
    centre = np.array([pose[0], pose[1], max(pose[2] - 0.12, 0.02)])
    return circle(centre, _RING_RADIUS, 0.012, _CHOSEN_COLOUR)


def _link(moment: Moment, a: int, b: int, radius: float, colour: Colour, glow: float = 0.5) -> Line:
    return Line(moment.pose[a, :3], moment.pose[b, :3], radius, colour, glow)
