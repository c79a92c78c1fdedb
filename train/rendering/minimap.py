"""A small plan of the world in a corner of the picture: walls, where everybody is, and the paths so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from envs.layouts import Layout
from envs.scenarios import Scenario, plays

from ..play.moment import Moment
from .annotations import HIDER_COLOUR, SEEKER_COLOUR

_SCALE = 2  # DrawOptions this many times larger and then reduced, for smooth edges.
_SHARE = 0.25  # Of the picture's height.
_MARGIN = 0.02
_BACKGROUND = (250, 249, 246, 225)
_WALL = (120, 140, 134, 255)
_BOX, _RAMP = (201, 154, 46, 255), (111, 122, 136, 255)
_TRACE_WIDTH = 0.05
"""Metres."""


@dataclass
class Minimap:
    """Draws the plan of one world."""

    scenario: Scenario
    layout: Layout
    """Of one world."""

    def draw(self, picture: NDArray[np.uint8], past: NDArray[np.floating], moment: Moment) -> NDArray[np.uint8]:
        """Return the picture (height, width, 3) with the plan and the paths of poses (T, E, Q) in a corner."""
        height, width = picture.shape[:2]
        side = round(height * _SHARE)
        plan = self._plan(side * _SCALE, past, moment).resize((side, side), Image.Resampling.BOX)
        image = Image.fromarray(picture)
        gap = round(height * _MARGIN)
        image.paste(plan, (width - side - gap, height - side - gap), plan)
        return np.asarray(image)

    def _plan(self, side: int, past: NDArray[np.floating], moment: Moment) -> Image.Image:
        s, layout = self.scenario, self.layout
        image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        pen = ImageDraw.Draw(image)
        pen.rounded_rectangle((0, 0, side - 1, side - 1), side * 0.03, fill=_BACKGROUND)
        scale = side / (s.floor_size + 0.6)

        def place(x: float, y: float) -> tuple[float, float]:
            return (x + 0.3) * scale, side - (y + 0.3) * scale

        walls = zip(layout.walls[0].tolist(), layout.wall_present[0].tolist(), strict=True)
        for (x, y, half_x, half_y, _), there in walls:
            if there:
                pen.rectangle((*place(x - half_x, y + half_y), *place(x + half_x, y - half_y)), fill=_WALL)
        for entity in range(s.num_agents, len(moment.pose)):
            if moment.has(entity):
                x, y = moment.pose[entity, :2]
                r = 0.06 if plays(s, "trade") else 0.17
                pen.rectangle(
                    (*place(x - r, y + r), *place(x + r, y - r)),
                    fill=_BOX if entity < s.num_agents + s.max_boxes else _RAMP,
                )
        for agent in filter(moment.has, range(s.num_agents)):
            red, green, blue = HIDER_COLOUR if agent < s.hiders else SEEKER_COLOUR
            colour = (round(255 * red), round(255 * green), round(255 * blue))
            path = [place(x, y) for x, y in [*past[:, agent, :2].tolist(), moment.pose[agent, :2].tolist()]]
            pen.line(path, fill=(*colour, 150), width=max(1, round(_TRACE_WIDTH * scale)))
            x, y = path[-1]
            r = 0.16 * scale
            pen.ellipse((x - r, y - r, x + r, y + r), fill=(*colour, 255))
        return image
