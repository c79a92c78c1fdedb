"""The panel on top of a picture: phase, time, whether hiders are seen, and the score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_SCALE = 3  # The panel is drawn this many times larger and then reduced, for smooth edges.
_PANEL = (24, 28, 36, 205)
_TEXT = (245, 246, 248, 255)
_DIM = (168, 176, 188, 255)
_TRACK = (74, 82, 96, 255)
_PREPARATION = (240, 178, 62, 255)
_SEEK = (120, 144, 232, 255)
_HIDERS = (86, 172, 250, 255)
_SEEKERS = (240, 92, 82, 255)
_HIDDEN = (64, 168, 104, 255)
_WAITING = (110, 118, 130, 255)
_STATES = {None: ("seekers wait", _WAITING), True: ("seen", _SEEKERS), False: ("hidden", _HIDDEN)}


@dataclass(frozen=True)
class Status:
    """What the panel tells."""

    seconds: float
    """Simulated time since the episode's start."""
    duration: float
    """Length of the episode in seconds."""
    preparation: float
    """Length of the preparation phase in seconds."""
    seen: bool | None
    """Whether some seeker sees some hider; None while it does not count."""
    hiders_score: float
    """Reward of the hiders so far, averaged over the team."""
    alone: bool = False
    """Nobody seeks: there is no phase to be told, and nobody to be seen by."""
    caption: str = ""
    """Small text in the lower left corner."""

    @property
    def preparing(self) -> bool:
        """Whether seekers are still frozen."""
        return self.seen is None


def draw_status(picture: NDArray[np.uint8], status: Status) -> NDArray[np.uint8]:
    """Return the picture (height, width, 3) with the panel over its upper edge."""
    height, width = picture.shape[:2]
    zoom = min(width / 640, height / 360)
    image = Image.fromarray(picture)
    panel = _panel(status, round(width / zoom))
    panel = panel.resize((width, round(panel.height * width / panel.width)), Image.Resampling.BOX)
    image.paste(panel, (0, 0), panel)
    if status.caption:
        _draw_caption(image, status.caption, zoom)
    return np.asarray(image)


def _panel(status: Status, width: int) -> Image.Image:
    """Draw the panel at ``_SCALE`` times ``width`` units."""
    image = Image.new("RGBA", (width * _SCALE, 50 * _SCALE), (0, 0, 0, 0))
    pen = _Pen(ImageDraw.Draw(image))
    pen.bar(8, 8, width - 8, 46, 9, _PANEL)
    _draw_time(pen, status, 20 if status.alone else 122, width - 296)
    if not status.alone:
        _draw_seeking(pen, status, width)
    pen.text(width - 126, 27, "reward" if status.alone else "hiders", 13, _DIM, "lm")
    pen.text(width - 20, 27, _signed(status.hiders_score), 18, _HIDERS if status.hiders_score >= 0 else _SEEKERS, "rm")
    return image


def _draw_seeking(pen: _Pen, status: Status, width: int) -> None:
    """Tell the phase on the left, and on the right whether hiders are seen."""
    phase_colour = _PREPARATION if status.preparing else _SEEK
    pen.text(20, 27, "Preparation" if status.preparing else "Seek", 16, phase_colour, "lm")
    label, colour = _STATES[status.seen]
    pen.bar(width - 228, 17, width - 140, 37, 10, colour)
    pen.text(width - 184, 26.5, label, 13, _TEXT, "mm")


def _draw_time(pen: _Pen, status: Status, left: float, right: float) -> None:
    """Draw the bar of the episode's time between two x positions, and the seconds to its right."""
    span = (right - left) / status.duration
    now = left + span * min(status.seconds, status.duration)
    switch = left + span * status.preparation
    pen.bar(left, 22, right, 32, 5, _TRACK)
    if now - left >= 1:
        pen.bar(left, 22, now, 32, 5, _PREPARATION if status.preparing else _SEEK)
    if not status.preparing and status.preparation > 0:
        pen.bar(left, 22, switch, 32, 5, _PREPARATION)
    if status.preparation > 0:
        pen.bar(switch - 1, 19, switch + 1, 35, 1, _TEXT)
    pen.text(right + 10, 27, f"{status.seconds:.1f} s", 14, _TEXT, "lm")


def _draw_caption(image: Image.Image, caption: str, zoom: float) -> None:
    draw = ImageDraw.Draw(image, "RGBA")
    position = (round(10 * zoom), image.height - round(8 * zoom))
    draw.text(position, caption, font=_font(round(12 * zoom)), fill=(50, 58, 70, 255), anchor="ls")


class _Pen:
    """Draws in units of the finished panel."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def bar(self, x0: float, y0: float, x1: float, y1: float, radius: float, colour: tuple[int, ...]) -> None:
        corners = [round(value * _SCALE) for value in (x0, y0, x1, y1)]
        self._draw.rounded_rectangle(corners, round(min(radius, (x1 - x0) / 2) * _SCALE), fill=colour)

    def text(self, x: float, y: float, text: str, size: float, colour: tuple[int, ...], anchor: str) -> None:
        font = _font(round(size * _SCALE))
        self._draw.text((x * _SCALE, y * _SCALE), text, font=font, fill=colour, anchor=anchor)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, so that pictures do not depend on the fonts of the machine."""
    return ImageFont.load_default(max(size, 6))


def _signed(score: float) -> str:
    return f"{score:+.0f}" if round(score) else "0"
