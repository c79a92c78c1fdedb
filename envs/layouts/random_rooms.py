"""Random rooms: the arena is split by walls until it has the wanted number of rooms (environment rule 3.2)."""

from __future__ import annotations

from numpy.random import Generator

from ..scenario import Scenario
from .random_draws import pick
from .walls import Wall, cut_door, outer_walls

SPLIT_ATTEMPTS = 10  # Proposals for one more wall before all interior walls are dropped.
RESTARTS = 10  # Times the interior walls may be dropped before the whole world is built anew.


class Partition:
    """Walls of an arena that is being split, each with the junctions on its two sides.

    Side 0 of a wall is left of it or below, side 1 right or above. A junction is the cell along the wall where another
    wall meets it; the wall's own two ends count on both sides.
    """

    def __init__(self, frame: list[Wall]) -> None:
        self.walls: list[Wall] = []
        self.junctions: list[tuple[list[int], list[int]]] = []
        for wall in frame:
            self._append(wall)

    @property
    def interior(self) -> list[tuple[Wall, list[int]]]:
        """Every wall that is not part of the frame, with the junctions of both its sides."""
        pairs = zip(self.walls, self.junctions, strict=True)
        return [(wall, left + right) for wall, (left, right) in pairs if not wall.outer]

    def split(self, min_room_cells: int, rng: Generator) -> bool:
        """Add one wall between two parallel ones. Returns False if all attempts fail."""
        for _ in range(SPLIT_ATTEMPTS):
            candidates = self._candidates(pick(rng, 0, len(self.walls)), min_room_cells, rng)
            if candidates:
                self.add(candidates[pick(rng, 0, len(candidates))])
                return True
        return False

    def add(self, new: Wall) -> None:
        """Add a wall and record where it and the walls perpendicular to it meet."""
        left: list[int] = []
        right: list[int] = []
        for wall, sides in zip(self.walls, self.junctions, strict=True):
            if wall.vertical == new.vertical:
                continue
            if wall.line in (new.start, new.end) and wall.start <= new.line <= wall.end:
                sides[wall.line == new.start].append(new.line)
            if new.start <= wall.line <= new.end and new.line in (wall.start, wall.end):
                (right if new.line == wall.start else left).append(wall.line)
        self._append(new)
        self.junctions[-1][0].extend(left)
        self.junctions[-1][1].extend(right)

    def _append(self, wall: Wall) -> None:
        self.walls.append(wall)
        self.junctions.append(([wall.start, wall.end], [wall.start, wall.end]))

    def _candidates(self, first: int, min_room_cells: int, rng: Generator) -> list[Wall]:
        """Return the admissible walls from wall ``first`` to every parallel wall, each at its own random offset."""
        origin = self.walls[first]
        candidates = []
        for target in self.walls:
            if target.vertical != origin.vertical or target.line == origin.line or origin.length < 2:
                continue
            line = origin.start + pick(rng, 1, origin.length)
            near = self.junctions[first][target.line > origin.line]
            new = Wall(not origin.vertical, line, min(origin.line, target.line), max(origin.line, target.line))
            ends_on_target = target.start <= line <= target.end
            if ends_on_target and all(abs(line - j) > min_room_cells for j in near) and not self._crosses(new):
                candidates.append(new)
        return candidates

    def _crosses(self, new: Wall) -> bool:
        """Whether a wall would run through a perpendicular one; meeting its end or ending on it is allowed."""
        return any(
            wall.vertical != new.vertical and new.start < wall.line < new.end and wall.start < new.line < wall.end
            for wall in self.walls
        )


def partition(rooms: int, scenario: Scenario, rng: Generator) -> Partition | None:
    """Split the arena into ``rooms`` rooms without doors. Returns None if it fails too often."""
    for _ in range(RESTARTS):
        arena = Partition(outer_walls(scenario.grid_cells))
        if all(arena.split(scenario.min_room_cells, rng) for _ in range(rooms - 1)):
            return arena
    return None


def random_rooms(scenario: Scenario, rng: Generator) -> list[Wall] | None:
    """Return the walls of one episode: interior pieces with doors and perhaps the frame.

    The rooms are always laid out against the frame, also in episodes that have none.

    Returns:
      At most ``4 + 2 * (rooms - 1)`` walls, or None if the world must be built anew.
    """
    rooms = pick(rng, 1, scenario.rooms + 1) if scenario.random_room_number else scenario.rooms
    arena = partition(rooms, scenario, rng)
    if arena is None:
        return None
    walls = outer_walls(scenario.grid_cells) if rng.random() < scenario.outer_walls_probability else []
    for wall, junctions in arena.interior:
        walls += cut_door(wall, junctions, scenario.door_cells, rng)
    return walls


def random_rooms_pieces(scenario: Scenario) -> int:
    """Return the largest number of interior wall pieces."""
    return (2 if scenario.door_cells else 1) * (scenario.rooms - 1)
