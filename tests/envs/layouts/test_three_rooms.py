"""Three rooms, and starts in them."""

from collections import Counter

import numpy as np
import pytest

from envs.layouts.floor_plan import Room
from envs.layouts.generate import draw_start
from envs.layouts.three_rooms import three_rooms
from envs.scenarios import get

CLOSED = get("sequential-lock")
OPEN = get("sequential-lock", door_cells=2)


def plans(scenario, count=200):
    return [three_rooms(scenario, np.random.default_rng(seed)) for seed in range(count)]


def room_of(rooms, spot, cell=0.2):
    """Index of the room that a spot's centre lies in."""
    x, y = spot.x / cell, spot.y / cell
    return next(i for i, r in enumerate(rooms) if r.x0 <= x <= r.x1 and r.y0 <= y <= r.y1)


def test_one_wall_across_and_one_to_a_side():
    kinds = Counter()
    for plan in plans(CLOSED):
        across, branch = plan.walls[4:]
        assert (across.start, across.end) == (0, 29)
        assert branch.vertical != across.vertical
        assert across.line in (branch.start, branch.end) and {branch.start, branch.end} & {0, 29}
        assert 12 <= across.line <= 17 and 12 <= branch.line <= 17
        kinds[across.vertical, branch.start == across.line] += 1
    assert len(kinds) == 4 and min(kinds.values()) > 25


def test_rooms_are_what_the_walls_leave():
    """Every cell inside the frame is a wall's or exactly one room's."""
    for plan in plans(CLOSED, 40):
        cells = np.zeros((30, 30), int)
        for wall in plan.walls:
            along = slice(wall.start, wall.end + 1)
            cells[(along, wall.line) if not wall.vertical else (wall.line, along)] = 1
        assert not any(cells[r.x0 : r.x1, r.y0 : r.y1].any() for r in plan.rooms)
        for r in plan.rooms:
            cells[r.x0 : r.x1, r.y0 : r.y1] += 1
        assert (cells == 1).all()
        sizes = [(r.x1 - r.x0) * (r.y1 - r.y0) for r in plan.rooms]
        assert sizes[0] == max(sizes)


def test_each_wall_has_a_door_unless_closed():
    assert all(len(plan.walls) == 6 for plan in plans(CLOSED, 50))
    for plan in plans(OPEN, 50):
        interior = plan.walls[4:]
        assert 2 <= len(interior) <= 4
        length = sum(wall.length + 1 for wall in interior)
        whole = sum(wall.length + 1 for wall in three_rooms(CLOSED, np.random.default_rng(0)).walls[4:])
        assert length < whole + 6


def test_a_ramp_in_every_room():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        start = draw_start(CLOSED, rng)
        rooms = three_rooms_of(start)
        assert [room_of(rooms, ramp) for ramp in start.bodies.ramps] == [0, 1, 2]


def three_rooms_of(start):
    """Rooms from the walls of a closed start."""
    across, branch = start.walls[4:]
    low, high = (1, across.line), (across.line + 1, 29)
    whole, halved = (low, high) if branch.start == across.line else (high, low)
    parts = [(whole, (1, 29)), (halved, (1, branch.line)), (halved, (branch.line + 1, 29))]
    return [Room(*n, *a) if across.vertical else Room(*a, *n) for n, a in parts]


def test_boxes_visit_every_room_when_asked():
    scenario = get("sequential-lock", box_start="each_room", boxes=(3, 3), ramps=0)
    visited = [
        sorted(room_of(three_rooms_of(start), box) for box in start.bodies.boxes)
        for start in (draw_start(scenario, np.random.default_rng(seed)) for seed in range(60))
    ]
    assert sum(rooms == [0, 1, 2] for rooms in visited) > 50  # A second try may fall into the next room.


@pytest.mark.parametrize("place", ["centre", "quarter"])
def test_other_places(place):
    scenario = get("lock-and-return", agent_start=place, layout="empty")
    spots = [draw_start(scenario, np.random.default_rng(seed)).bodies.hiders[0] for seed in range(50)]
    if place == "centre":
        assert all(abs(s.x - 3.0) < 0.25 and abs(s.y - 3.0) < 0.25 for s in spots)
    else:
        assert all(s.x < 3.0 and s.y < 3.0 for s in spots)
        assert max(s.x for s in spots) > 2.0
