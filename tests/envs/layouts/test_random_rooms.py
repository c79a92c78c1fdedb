"""Random rooms: how many, how they connect and how walls meet."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from envs.layouts.random_rooms import Partition, partition
from envs.layouts.walls import Wall, outer_walls
from envs.scenarios import FULL

CLOSED = replace(FULL, door_cells=0, outer_walls_probability=1.0)
SIX_ROOMS = replace(FULL, rooms=6, random_room_number=False, boxes=(1, 1), elongated_boxes=(0, 0))


def count_areas(walls, present):
    """Count connected areas of free cell centres; a wall's end cells reach 0.05 m beyond its box."""
    centres = (np.arange(30) + 0.5) * 0.2
    taken = np.zeros((30, 30), dtype=bool)
    for x, y, hx, hy, _ in walls[present].tolist():
        in_x, in_y = np.abs(centres - x) < hx + 0.06, np.abs(centres - y) < hy + 0.06
        taken |= in_x[:, None] & in_y[None, :]
    free = {(int(x), int(y)) for x, y in np.argwhere(~taken)}
    areas = 0
    while free:
        areas += 1
        frontier = [free.pop()]
        while frontier:
            x, y = frontier.pop()
            near = {(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)} & free
            free -= near
            frontier += near
    return areas


def test_number_of_rooms_is_uniform_from_1_to_4(draw):
    layout = draw(CLOSED, 600)
    counts = torch.bincount((layout.wall_present & ~layout.wall_is_outer).sum(1) + 1, minlength=5)
    assert counts[0] == 0 and len(counts) == 5
    chi_square = ((counts[1:] - 150.0) ** 2 / 150.0).sum()
    assert chi_square < 16.3  # 3 degrees of freedom, p = 0.001


def test_closed_walls_make_separate_rooms(draw):
    layout = draw(CLOSED, 100)
    rooms = (layout.wall_present & ~layout.wall_is_outer).sum(1) + 1
    assert [count_areas(w, p) for w, p in zip(layout.walls, layout.wall_present, strict=True)] == rooms.tolist()


def test_doors_connect_all_rooms(draw):
    layout = draw(replace(SIX_ROOMS, outer_walls_probability=1.0), 60)
    assert {count_areas(w, p) for w, p in zip(layout.walls, layout.wall_present, strict=True)} == {1}


def test_door_of_a_single_wall_is_70_cm_wide(draw):
    layout = draw(replace(FULL, rooms=2, random_room_number=False), 200)
    widths = []
    for walls, present in zip(layout.walls, layout.wall_present & ~layout.wall_is_outer, strict=True):
        if present.sum() == 2:
            (x0, y0, hx0, hy0, _), (x1, y1, hx1, hy1, _) = walls[present].tolist()
            widths.append(max(x1 - hx1 - (x0 + hx0), y1 - hy1 - (y0 + hy0)))
    assert len(widths) > 100
    assert widths == pytest.approx([0.7] * len(widths), abs=1e-5)


def test_outer_walls_stand_in_half_of_the_episodes(full):
    kept = full.wall_is_outer[:, 0].float().mean()
    assert torch.equal(full.wall_is_outer[:, :4].all(1), full.wall_is_outer[:, :4].any(1))
    assert abs(kept - 0.5) < 3.3 * (0.25 / full.num_worlds) ** 0.5


def test_heights_follow_the_kind_of_wall(full):
    expected = torch.where(full.wall_is_outer, 4.0, 0.5) * full.wall_present
    assert torch.equal(full.walls[..., 4], expected)


def test_walls_stand_inside_the_frame_and_never_overlap(draw, full):
    for layout in (full, draw(SIX_ROOMS, 300)):
        low, high = layout.walls[..., :2] - layout.walls[..., 2:4], layout.walls[..., :2] + layout.walls[..., 2:4]
        interior = layout.wall_present & ~layout.wall_is_outer
        assert low[interior].min() > 0.15 - 1e-5 and high[interior].max() < 5.85 + 1e-5
        shared = torch.minimum(high[:, :, None], high[:, None]) - torch.maximum(low[:, :, None], low[:, None])
        overlap = (shared > 1e-5).all(-1) & layout.wall_present[:, :, None] & layout.wall_present[:, None]
        assert overlap.sum() == layout.wall_present.sum()  # each wall overlaps itself only


def test_starts_of_walls_keep_their_distance_from_the_frame():
    scenario = replace(FULL, rooms=2)
    lines = Counter()
    for seed in range(400):
        arena = partition(2, scenario, np.random.default_rng(seed))
        [(wall, junctions)] = arena.interior
        assert (wall.start, wall.end) == (0, 29)
        assert sorted(set(junctions)) == [0, 29]
        lines[wall.line] += 1
    assert set(lines) == set(range(7, 23))  # strictly more than 6 cells from cells 0 and 29


def test_junctions_are_recorded_on_the_side_of_the_new_wall():
    arena = Partition(outer_walls(30))
    arena.add(Wall(True, 10, 0, 29))
    arena.add(Wall(False, 18, 10, 29))
    left, bottom, right, top, vertical, horizontal = range(6)
    assert arena.junctions[bottom] == ([0, 29], [0, 29, 10])
    assert arena.junctions[top] == ([0, 29, 10], [0, 29])
    assert arena.junctions[vertical] == ([0, 29], [0, 29, 18])
    assert arena.junctions[right] == ([0, 29, 18], [0, 29])
    assert arena.junctions[left] == ([0, 29], [0, 29])
    assert arena.junctions[horizontal] == ([10, 29], [10, 29])


def test_too_many_rooms_are_refused():
    assert partition(40, FULL, np.random.default_rng(0)) is None
