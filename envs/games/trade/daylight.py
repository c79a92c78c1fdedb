"""Day and night: the sun, and the light of a campfire in the middle of the floor.

Shapes: W worlds, A agents. The light is 1 at noon, 0 at dawn and dusk and -1 at midnight, and changes in equal steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...options.scenario_options import TradeOptions

SAFE_CELLS = 1.5
"""Cells from the fire, along x and along y, within which it is never dark."""
LIT_CELLS = 2.5
"""Cells from the fire within which its light is seen."""
_FIRE = ((0.5, 1 / 6), (SAFE_CELLS, 0.0), (LIT_CELLS, -1 / 6))
"""Cells from the fire, and the light there by night."""


def phase(options: TradeOptions, steps: Tensor) -> Tensor:
    """Return the steps since dawn, any shape int64, after this many steps of an episode."""
    begun = options.day_steps if options.begins == "dusk" else 0
    return (steps + begun) % (2 * options.day_steps)


def sun(options: TradeOptions, steps: Tensor) -> Tensor:
    """Return the light of the sun, from -1 to 1, after some steps of an episode, in their shape."""
    time, day = phase(options, steps), options.day_steps
    quarter = day / 2
    afternoon = torch.where(time <= 3 * quarter, day - time, time - 2 * day)
    return torch.where(time <= quarter, time, afternoon) / quarter


def rising(options: TradeOptions, steps: Tensor) -> Tensor:
    """Return 1 from midnight to noon and -1 from noon to midnight."""
    time, quarter = phase(options, steps), options.day_steps / 2
    return torch.where((time < quarter) | (time >= 3 * quarter), 1.0, -1.0)


def cells_from_fire(options: TradeOptions, offset: Tensor) -> Tensor:
    """Return the distance (...) of places (..., 2) metres from the fire: the larger of both axes, cells."""
    return offset.abs().amax(-1) / options.cell


def light_at(options: TradeOptions, sun: Tensor, offset: Tensor) -> Tensor:
    """Return the light (W, A) at an offset (W, A, 2) metres from the fire when the sun's is (W,)."""
    cells, sun = cells_from_fire(options, offset), sun[:, None]
    fire = torch.full_like(cells, -1.0)
    for reach, light in reversed(_FIRE):
        fire = torch.where(cells < reach, light, fire)
    return torch.where(sun < 0, torch.maximum(fire, sun), sun)
