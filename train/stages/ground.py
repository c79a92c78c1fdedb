"""Where an agent can walk: the floor as a grid, obstacles as oriented rectangles, regions by connected cells.

Shapes: N moments of worlds, G cells along a side, Q rectangles, K positions. A rectangle is centre x, centre y, half
size x, half size y (metres) and yaw (radians).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from envs.scene import AGENT_RADIUS

CELL = 0.05
"""Side of a cell, metres."""
MARGIN = 1.0
"""Width of the strip around the arena that belongs to the grid, metres. Its outermost cells are always free."""
CLEARANCE = AGENT_RADIUS - CELL / 2
"""Metres from an obstacle within which no cell is free. An agent passes every gap of its diameter (0.30 m), none below
0.25 m, and between the two it depends on where the cells lie."""
NEAR = 0.1
"""Metres within which an agent's region is looked for: it may touch an obstacle."""
NEAR_ALOFT = 0.5
"""The same for an agent on top of something: it can come down on either side."""

_CONNECTED = np.zeros((3, 3, 3), dtype=bool)  # Cells connect along x and y, never between moments.
_CONNECTED[1] = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


class Ground:
    """The grid of an arena.

    Args:
      floor_size: side of the arena, metres.
    """

    def __init__(self, floor_size: float) -> None:
        self.cells = round((floor_size + 2 * MARGIN) / CELL)
        """G."""

    def empty(self, moments: int) -> Tensor:
        """Return a grid without obstacles, (N, G, G) bool, x first: True is blocked."""
        return torch.zeros(moments, self.cells, self.cells, dtype=torch.bool)

    def block(self, grid: Tensor, rectangles: Tensor, present: Tensor, clearance: float | Tensor = CLEARANCE) -> None:
        """Mark in ``grid`` (N, G, G) the cells whose centres lie within ``clearance`` of rectangles (N, Q, 5).

        Rectangles that are not ``present`` (N, Q) are left out. Clearances are one number or (N, Q), in metres.
        """
        moment, index = present.nonzero(as_tuple=True)
        if len(moment) == 0:
            return
        chosen = rectangles[moment, index]
        margin = torch.as_tensor(clearance).expand(present.shape)[moment, index]
        reach = math.ceil(float((chosen[:, 2:4].norm(dim=-1) + margin).max()) / CELL) + 1
        cells = self._cell(chosen[:, :2])[:, None] + _offsets(reach)
        offset = self._centre(cells) - chosen[:, None, :2]
        hit = distance_to_rectangle(offset, chosen[:, None, 2:4], chosen[:, None, 4]) < margin[:, None]
        hit &= ((cells >= 0) & (cells < self.cells)).all(-1)
        flat = (moment[:, None] * self.cells + cells[..., 0]) * self.cells + cells[..., 1]
        grid.view(-1)[flat[hit]] = True

    def regions(self, blocked: Tensor) -> Tensor:
        """Return (N, G, G) int32: the region of every free cell of ``blocked`` (N, G, G), from 1 over all moments.

        Blocked cells are 0.
        """
        free = ~blocked
        free[:, [0, -1], :] = True
        free[:, :, [0, -1]] = True
        from scipy import ndimage  # Training needs it only where it looks for stages.

        return torch.from_numpy(ndimage.label(free.numpy(), structure=_CONNECTED)[0])

    def reachable(self, regions: Tensor, position: Tensor, aloft: Tensor, present: Tensor) -> Tensor:
        """Return (N, G, G) bool: free cells that some walker gets to.

        Args:
          regions: (N, G, G).
          position: (N, K, 2) where the walkers are.
          aloft: (N, K) bool: those that stand on something.
          present: (N, K) bool: those that are there at all.
        """
        reached = torch.zeros(int(regions.max()) + 1, dtype=torch.bool)
        for radius, chosen in ((NEAR, ~aloft), (NEAR_ALOFT, aloft)):
            around = self.around(regions, position, radius)
            reached[around[chosen & present].flatten()] = True
        reached[0] = False
        return reached[regions]

    def around(self, grid: Tensor, position: Tensor, radius: float = NEAR) -> Tensor:
        """Return the cells of ``grid`` (N, G, G) around positions (N, K, 2): (N, K, cells)."""
        offsets = _offsets(math.ceil(radius / CELL))
        offsets = offsets[(offsets * CELL).float().norm(dim=-1) <= radius + 1e-6]
        cells = (self._cell(position)[:, :, None] + offsets).clamp(0, self.cells - 1)
        return grid[torch.arange(len(grid))[:, None, None], cells[..., 0], cells[..., 1]]

    def centres(self) -> Tensor:
        """Return the centres (G, G, 2) of all cells, metres."""
        cells = torch.arange(self.cells)
        return self._centre(torch.stack(torch.meshgrid(cells, cells, indexing="ij"), dim=-1))

    def _cell(self, position: Tensor) -> Tensor:
        return ((position + MARGIN) / CELL).floor().clamp(-1e6, 1e6).long()

    def _centre(self, cell: Tensor) -> Tensor:
        return (cell + 0.5) * CELL - MARGIN


def _offsets(reach: int) -> Tensor:
    """Return (cells, 2) all offsets of up to ``reach`` cells along x and y."""
    steps = torch.arange(-reach, reach + 1)
    return torch.cartesian_prod(steps, steps)


def distance_to_rectangle(offset: Tensor, half_size: Tensor, yaw: Tensor) -> Tensor:
    """Return the distance (...) in metres of points from rectangles; 0 inside.

    Args:
      offset: (..., 2) from the rectangle's centre.
      half_size: (..., 2).
      yaw: (...) radians.
    """
    cos, sin = yaw.cos(), yaw.sin()
    x, y = offset.unbind(-1)
    local = torch.stack([cos * x + sin * y, cos * y - sin * x], dim=-1)
    return (local.abs() - half_size).clamp(min=0).norm(dim=-1)
