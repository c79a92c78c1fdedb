"""One wall: its box in metres and its door."""

import numpy as np
import pytest

from envs.layouts.walls import Wall, cut_door, outer_walls

CELL = 0.2


@pytest.mark.parametrize(
    ("wall", "box"),
    [
        (Wall(False, 17, 0, 8), (0.9, 3.5, 0.75, 0.05, 0.5)),
        (Wall(False, 17, 11, 29), (4.1, 3.5, 1.75, 0.05, 0.5)),
        (Wall(True, 7, 6, 17), (1.5, 2.4, 0.05, 1.05, 0.5)),
        (Wall(True, 10, 20, 21), (2.1, 4.2, 0.05, 0.05, 0.5)),
    ],
)
def test_box_matches_walls_recorded_from_the_original(wall, box):
    assert wall.box(CELL) == pytest.approx(box)


def test_frame_leaves_the_floor_clear_from_15_cm_to_585_cm():
    left, bottom, right, top = (wall.box(CELL) for wall in outer_walls(30))
    assert left == pytest.approx((0.1, 3.0, 0.05, 2.85, 4.0))
    assert bottom == pytest.approx((3.0, 0.1, 2.85, 0.05, 4.0))
    assert left[0] + left[2] == pytest.approx(0.15)
    assert right[0] - right[2] == pytest.approx(5.85)
    assert bottom[1] + bottom[3] == pytest.approx(0.15)
    assert top[1] - top[3] == pytest.approx(5.85)


def test_door_between_two_pieces_is_exactly_70_cm_wide():
    wall = Wall(False, 12, 0, 29)
    widths = []
    for seed in range(200):
        pieces = cut_door(wall, [0, 29, 9, 20], 2, np.random.default_rng(seed))
        if len(pieces) == 2:
            (x0, _, hx0, _, _), (x1, _, hx1, _, _) = (piece.box(CELL) for piece in pieces)
            widths.append((x1 - hx1) - (x0 + hx0))
    assert len(widths) > 150
    assert widths == pytest.approx([0.7] * len(widths))


def test_door_keeps_junctions_and_uses_every_other_place():
    doors = set()
    for seed in range(500):
        pieces = cut_door(Wall(True, 3, 0, 12), [12, 0, 5, 8], 2, np.random.default_rng(seed))
        solid = {cell for piece in pieces for cell in range(piece.start, piece.end + 1)} | {0, 12}
        doors.add(tuple(sorted(set(range(13)) - solid)))
    assert doors == {(1, 2), (2, 3), (3, 4), (6, 7), (9, 10), (10, 11)}


def test_wall_without_room_for_a_door_stays_whole():
    wall = Wall(True, 3, 0, 6)
    assert cut_door(wall, [0, 2, 4, 6], 2, np.random.default_rng(0)) == [wall]
    assert cut_door(wall, [0, 6], 0, np.random.default_rng(0)) == [wall]
