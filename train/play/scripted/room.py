"""The room of the quadrant as scripted players know it: its walls, its doors, and the way in and out.

Shapes: W worlds, K places in each, L wall slots, D = 2 walls of the room: first the one to the west, then the one to
the north.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from envs.scene import AGENT_RADIUS

QUADRANTS = ("quadrant", "variable_quadrant")
"""Layouts that have such a room."""
_INNER_HEIGHT = 0.5
"""Metres: half heights of walls above this are the frame's."""
_FRAME = 0.15
"""Metres from the arena's edge to the inner face of its frame."""
_HALF_THICKNESS = 0.05
_NARROW = 0.5
"""Metres: gaps in a wall that are less wide are no doors."""
_PASSABLE = 2 * AGENT_RADIUS
"""Metres: gaps that are less wide let nobody through."""
_IN_THE_WAY = 0.17
"""Metres from the middle of a wall within which an agent is in the doorway."""
_NEAR = 0.25
"""Metres within which no wall can lie between two agents."""
_BEFORE_DOOR = 0.5
"""Metres from a door's centre to the points before and behind it."""
_LINED_UP = 0.17
"""Metres beside a door's axis up to which an agent gets through."""
_CORNER = 0.45
"""Metres, along x and y, from the room's corner at which agents walk around it."""


@dataclass
class Room:
    """The room in the lower right of every world."""

    corner: Tensor
    """(W, 2): x of the wall to the west, y of the wall to the north, metres."""
    east: Tensor
    """(W,): x of the frame's inner face."""
    door: Tensor
    """(W, D, 2): centres of the doors."""
    width: Tensor
    """(W, D) metres that the doors are wide; less than an agent where there is none."""
    solid: Tensor
    """(W, D, 2): the middle of the longest piece of each wall."""
    outward: Tensor
    """(D, 2): out of the room through each wall."""

    @property
    def open(self) -> Tensor:
        """(W, D) bool: there is such a door."""
        return self.width > _NARROW

    def inside(self, place: Tensor, margin: float = 0.0) -> Tensor:
        """Return (W, K) bool: which places (W, K, 2) lie in the room, a margin or more from the middle of its walls."""
        corner = self.corner[:, None]
        return (place[..., 0] > corner[..., 0] + margin) & (place[..., 1] < corner[..., 1] - margin)

    def clamp(self, place: Tensor, margin: float) -> Tensor:
        """Return the places (W, K, 2) in the room nearest to some, at least a margin (metres) from its walls."""
        west, north = self.corner[:, None].unbind(-1)
        x = place[..., 0].maximum(west + margin).minimum(self.east[:, None] - margin)
        y = place[..., 1].minimum(north - margin).clamp(min=_FRAME + margin)
        return torch.stack([x, y], dim=-1)

    def way(self, start: Tensor, goal: Tensor) -> Tensor:
        """Return (W, K, 2): where agents at ``start`` (W, K, 2) shall walk next to get to ``goal`` among the walls."""
        into = self.inside(goal)
        within, beyond = self.inside(start, _IN_THE_WAY), ~self.inside(start, -_IN_THE_WAY)
        door, outward = self._best_door(start, goal)
        before, behind = door + _BEFORE_DOOR * outward, door - _BEFORE_DOOR * outward
        offset = start - door
        beside = (offset - (offset * outward).sum(-1, keepdim=True) * outward).norm(dim=-1)
        lined_up = (beside < _LINED_UP) & (offset.norm(dim=-1) < 2 * _BEFORE_DOOR)
        entering = torch.where(lined_up[..., None], behind, self._around(start, before))
        leaving = torch.where(lined_up[..., None], before, behind)
        next_in = torch.where(within[..., None], goal, torch.where(beyond[..., None], entering, behind))
        outside = torch.where(beyond[..., None], self._around(start, goal), before)
        next_out = torch.where(within[..., None], leaving, outside)
        near = (goal - start).norm(dim=-1, keepdim=True) < _NEAR
        return torch.where(near, goal, torch.where(into[..., None], next_in, next_out))

    def shut(self, place: Tensor, half: Tensor) -> Tensor:
        """Return (W,) bool: no agent gets in, for objects at places (W, K, 2) with half extents along x and y.

        An object shuts a door if it stands in it and leaves no gap for an agent, on either side or to the wall. Where
        two objects only do so together, the door counts as open.
        """
        offset = place[:, :, None] - self.door[:, None]
        out = self.outward.abs()
        across, beside = ((offset.abs() * side).sum(-1) for side in (out, 1 - out))
        thick, broad = ((half[:, :, None] * side).sum(-1) for side in (out, 1 - out))
        gap = self.width[:, None] / 2 + beside - broad
        stands = (gap < _PASSABLE) & (across - thick - _HALF_THICKNESS < _PASSABLE)
        return (stands.any(1) | ~self.open).all(1)

    def nearest_door(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Return the centre (W, K, 2) of the door nearest to places (W, K, 2), and the direction out of it."""
        return self._best_door(place, place)

    def _best_door(self, start: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
        """Return the centre (W, K, 2) of the door through which the way is shortest, and the direction out of it."""
        doors = self.door[:, None]
        length = (start[:, :, None] - doors).norm(dim=-1) + (goal[:, :, None] - doors).norm(dim=-1)
        best = length.masked_fill(~self.open[:, None], torch.inf).argmin(-1)
        centre = doors.expand(-1, best.shape[1], -1, -1).gather(2, best[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
        return centre, self.outward[best]

    def _around(self, start: Tensor, goal: Tensor) -> Tensor:
        """Return the next point of the way between places outside the room: the goal, or first the room's corner."""
        corner = self.corner[:, None]
        west, north = corner[..., 0] - _IN_THE_WAY, corner[..., 1] + _IN_THE_WAY
        low, high = start[..., 1] < goal[..., 1], start[..., 1] >= goal[..., 1]
        below = torch.where(low[..., None], start, goal)
        above = torch.where(high[..., None], start, goal)
        apart = (below[..., 1] < north) & (above[..., 0] > west)
        run = (above - below)[..., 0].clamp(min=1e-6)
        height = below[..., 1] + (above - below)[..., 1] * (west - below[..., 0]) / run
        blocked = apart & (height < north)
        sides = torch.tensor([-_CORNER, _CORNER], device=start.device)
        return torch.where(blocked[..., None], corner + sides, goal)


def find_room(walls: Tensor) -> Room:
    """Read a room off the walls (W, L, 6) of the quadrant; see ``PhysicsEngine.walls``."""
    inner = (walls[..., 2] > 0) & (walls[..., 5] < _INNER_HEIGHT)
    x, y = walls[..., 0], walls[..., 1]
    corner = torch.stack([torch.where(inner, x, torch.inf).amin(1), torch.where(inner, y, -torch.inf).amax(1)], dim=-1)
    east = torch.where(walls[..., 2] > 0, x, -torch.inf).amax(1) - _HALF_THICKNESS
    west_wall = _Line(inner & ((x - corner[:, :1]).abs() < 0.03), y, walls[..., 4])
    north_wall = _Line(inner & ((y - corner[:, 1:]).abs() < 0.03), x, walls[..., 3])
    gaps = [
        west_wall.gap(torch.full_like(east, _FRAME), corner[:, 1] - _HALF_THICKNESS),
        north_wall.gap(corner[:, 0] + _HALF_THICKNESS, east),
    ]
    longest = [west_wall.longest(), north_wall.longest()]
    return Room(
        corner,
        east,
        torch.stack([torch.stack([corner[:, 0], gaps[0][0]], -1), torch.stack([gaps[1][0], corner[:, 1]], -1)], 1),
        torch.stack([gap[1] for gap in gaps], dim=1),
        torch.stack([torch.stack([corner[:, 0], longest[0]], -1), torch.stack([longest[1], corner[:, 1]], -1)], 1),
        torch.tensor([[-1.0, 0.0], [0.0, 1.0]], device=walls.device),
    )


class _Line:
    """The pieces of one straight wall: which slots (W, L) they are, their centres and half lengths along it."""

    def __init__(self, chosen: Tensor, centre: Tensor, half: Tensor) -> None:
        self._chosen, self._centre, self._half = chosen, centre, half

    def gap(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Return the centre (W,) of the widest gap between two ends (W,), and its width (W,)."""
        starts = torch.where(self._chosen, self._centre - self._half, torch.inf)
        ends = torch.where(self._chosen, self._centre + self._half, -torch.inf)
        froms = torch.cat([low[:, None], ends], dim=1)
        ahead = starts[:, None] > froms[..., None] - 0.01
        tos = torch.where(ahead, starts[:, None], torch.inf).amin(-1).minimum(high[:, None])
        width = torch.where(froms.isfinite(), tos - froms, -torch.inf)
        widest = width.argmax(1, keepdim=True)
        middle = (froms + tos).gather(1, widest)[:, 0] / 2
        return middle, width.gather(1, widest)[:, 0]

    def longest(self) -> Tensor:
        """Return the middle (W,) of the longest piece."""
        index = torch.where(self._chosen, self._half, -torch.inf).argmax(1, keepdim=True)
        return self._centre.gather(1, index)[:, 0]
