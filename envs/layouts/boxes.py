"""Numbers and sizes of an episode's boxes (environment rule 2.1)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .random_draws import pick

BOX_SIZE = 0.5  # Metres, side of a cube.
ELONGATED_LENGTH = 1.65  # Metres, 3.3 times the cube.
ELONGATED_WIDTH = 0.15  # Metres, 0.3 times the cube.

CUBE = (BOX_SIZE, BOX_SIZE)
ALONG_X = (ELONGATED_LENGTH, ELONGATED_WIDTH)
ALONG_Y = (ELONGATED_WIDTH, ELONGATED_LENGTH)


def draw_boxes(scenario: Scenario, rng: Generator) -> list[tuple[float, float]]:
    """Return full sizes along x and y, in metres, of the boxes of one episode.

    The number of boxes, of elongated ones among them and of those along x are drawn uniformly, one after the other. The
    order carries information: elongated along x, elongated along y, cubes.
    """
    boxes = pick(rng, scenario.boxes[0], scenario.boxes[1] + 1)
    fewest, most = scenario.elongated_boxes
    elongated = pick(rng, fewest, min(most, boxes) + 1)
    along_x = pick(rng, 0, elongated + 1)
    return [ALONG_X] * along_x + [ALONG_Y] * (elongated - along_x) + [CUBE] * (boxes - elongated)
