"""Obstacles of a moment, and hiders enclosed by them.

Shapes: W worlds, H hiders, O objects (boxes, ramps, cylinders), K some things, L wall slots, G grid cells.
"""

from __future__ import annotations

import torch
from torch import Tensor

from envs.scene import AGENT_RADIUS

from .ground import CLEARANCE, Ground
from .trace import Trace

UNDERPASS = 0.3
"""Metres: an object whose bottom is higher than that, an agent's height, does not stop one that walks."""
ALOFT = 0.1
"""Metres from the floor to an agent's lowest point from which on it stands on something or falls."""
CARRIED = 0.5
"""Metres from its start beyond which an object was taken away."""


class Terrain:
    """The floor of W episodes, with what stands on it at any moment."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.ground = Ground(trace.scenario.floor_size)
        walls, pillars = trace.layout.walls, trace.layout.pillars
        self._walls = self.ground.empty(len(walls))
        rectangles = torch.cat([walls[..., :4], torch.zeros_like(walls[..., :1])], dim=-1)
        self.ground.block(self._walls, rectangles, trace.layout.wall_present)
        self._block_discs(self._walls, pillars[..., :2], pillars[..., 2], torch.ones_like(pillars[..., 2]).bool())
        self._seen: tuple[int, Tensor, Tensor] | None = None
        """The moment that was looked at last, its regions, and which cells of them seekers get to."""

    def regions(self, moment: int) -> Tensor:
        """(W, G, G) int32: the regions of the floor among what stands there at a moment."""
        return self._regions_among(moment, self.trace.object_present)

    def untouched_regions(self, moment: int) -> Tensor:
        """(W, G, G) int32: the same among what stands where it started, without what was seen to up to a moment.

        That is what was carried away, and what a hider has locked: an object that closes something from the start on
        closes it for good only then.
        """
        t = self.trace
        carried = (t.objects[:, moment, :, :2] - t.objects[:, 0, :, :2]).norm(dim=-1) > CARRIED
        kept = t.locked[:, moment] & (t.locker[:, moment] < t.scenario.hiders)
        return self._regions_among(0, t.object_present & ~carried & ~kept)

    def _regions_among(self, moment: int, objects: Tensor) -> Tensor:
        """(W, G, G) int32: the regions among walls and some objects (W, O) where they are at a moment."""
        t = self.trace
        blocked = self._walls.clone()
        bottom = t.objects[:, moment, :, 2] - t.object_half_size[..., 2]
        standing, angular = objects & (bottom < UNDERPASS), slice(0, t.ramps.stop)
        self.ground.block(blocked, object_rectangles(t, moment)[:, angular], standing[:, angular])
        centre, radius = t.objects[:, moment, t.ramps.stop :, :2], t.object_half_size[:, t.ramps.stop :, 0]
        self._block_discs(blocked, centre, radius, standing[:, t.ramps.stop :])
        return self.ground.regions(blocked)

    def _block_discs(self, grid: Tensor, centre: Tensor, radius: Tensor, present: Tensor) -> None:
        """Mark cylinders: centres (W, K, 2) and radii (W, K), metres; present (W, K) bool."""
        points = torch.cat([centre, torch.zeros_like(centre), torch.zeros_like(radius)[..., None]], dim=-1)
        self.ground.block(grid, points, present, CLEARANCE + radius)

    def reachable(self, regions: Tensor, moment: int) -> Tensor:
        """(W, G, G) bool: cells of ``regions`` to which seekers can walk from where they are at a moment."""
        t = self.trace
        aloft = t.seekers_bottom[:, moment] > ALOFT
        return self.ground.reachable(regions, t.seekers[:, moment, :, :2], aloft, t.seekers_present)

    def reached(self, moment: int) -> Tensor:
        """(W, G, G) bool: cells to which seekers can walk at a moment, among what stands there."""
        return self._look(moment)[1]

    def _look(self, moment: int) -> tuple[Tensor, Tensor]:
        """Return the regions of a moment, and which cells of them seekers get to."""
        if self._seen is None or self._seen[0] != moment:
            regions = self.regions(moment)
            self._seen = moment, regions, self.reachable(regions, moment)
        return self._seen[1:]

    def enclosed(self, moment: int) -> Tensor:
        """(W, H) bool: hiders on the floor in a region into which no seeker can walk. Absent ones are not.

        Regions do not count into which no seeker could walk either among what nobody has seen to
        (``untouched_regions``).
        """
        position = self.trace.hiders[:, moment]
        regions, walked = self._look(moment)
        around = self.ground.around(regions, position[..., :2])
        reached = self.ground.around(walked, position[..., :2]).any(-1)
        apart = ~reached & (around > 0).any(-1) & (position[..., 2] < AGENT_RADIUS + ALOFT)
        apart &= self.trace.hiders_present
        if not apart.any():
            return apart
        once_open = torch.zeros(int(regions.max()) + 1, dtype=torch.bool)
        once_open[regions[self.reachable(self.untouched_regions(moment), moment)].long()] = True
        once_open[0] = False
        return apart & once_open[around].any(-1)


def object_rectangles(trace: Trace, moment: int) -> Tensor:
    """Return the footprints (W, O, 5) of all objects at a moment; a cylinder's is the square around it."""
    pose = trace.objects[:, moment]
    return torch.cat([pose[..., :2], trace.object_half_size[..., :2], pose[..., 3:4]], dim=-1)
