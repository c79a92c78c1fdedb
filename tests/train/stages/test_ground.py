import math

import pytest
import torch

from train.stages.ground import CELL, CLEARANCE, MARGIN, Ground, distance_to_rectangle

ARENA = 6.0
ACROSS = (3.0, 3.0, 0.05, 4.0, 0.0)  # A wall from below the grid to above it, at x = 3.


def reach(rectangles, walkers, aloft=None):
    """(G, G) bool: where walkers get to among rectangles."""
    ground = Ground(ARENA)
    grid = ground.empty(1)
    rows = torch.tensor([rectangles]).reshape(1, -1, 5)
    ground.block(grid, rows, torch.ones_like(rows[..., 0], dtype=torch.bool))
    position = torch.tensor([walkers])
    aloft = torch.tensor([aloft]) if aloft else torch.zeros(position.shape[:2], dtype=torch.bool)
    return ground, ground.reachable(ground.regions(grid), position, aloft, torch.ones_like(aloft))


def reaches(rectangles, walkers, target, aloft=None):
    ground, reached = reach(rectangles, walkers, aloft)
    return bool(ground.around(reached, torch.tensor([[target]])).any())


def door(width, y=3.0):
    """A wall across the grid with one gap."""
    low, high = -2.0, 8.0
    return [
        (3.0, (low + y - width / 2) / 2, 0.05, (y - width / 2 - low) / 2, 0.0),
        (3.0, (high + y + width / 2) / 2, 0.05, (high - y - width / 2) / 2, 0.0),
    ]


@pytest.mark.parametrize(
    ("offset", "yaw", "distance"),
    [
        ((0.0, 0.0), 0.0, 0.0),
        ((1.5, 0.0), 0.0, 0.5),
        ((1.3, 0.9), 0.0, 0.5),  # 0.3 and 0.4 from the corner
        ((0.0, 1.5), math.pi / 2, 0.5),
        ((0.0, 1.5), 0.0, 1.0),
        ((1.5 * math.cos(0.3), 1.5 * math.sin(0.3)), 0.3, 0.5),
    ],
)
def test_distance_to_a_rectangle_of_2_by_1(offset, yaw, distance):
    found = distance_to_rectangle(torch.tensor(offset), torch.tensor([1.0, 0.5]), torch.tensor(yaw))
    assert found.item() == pytest.approx(distance, abs=1e-6)


def test_blocked_cells_are_those_near_a_rectangle():
    """Against a plain loop over all cells, for rectangles at any angle, also partly off the grid."""
    generator = torch.Generator().manual_seed(0)
    ground = Ground(ARENA)
    rows = torch.rand(2, 3, 5, generator=generator)
    rows = rows * torch.tensor([8.0, 8.0, 0.6, 0.6, 6.0]) - torch.tensor([1.0, 1.0, 0.0, 0.0, 3.0])
    present = torch.tensor([[True, True, False], [True, True, True]])
    grid = ground.empty(2)
    ground.block(grid, rows, present)
    centres = (torch.arange(ground.cells) + 0.5) * CELL - MARGIN
    points = torch.cartesian_prod(centres, centres)
    for moment in range(2):
        expected = torch.zeros(len(points), dtype=torch.bool)
        for row, there in zip(rows[moment], present[moment], strict=True):
            expected |= there & (distance_to_rectangle(points - row[:2], row[2:4], row[4]) < CLEARANCE)
        assert torch.equal(grid[moment].flatten(), expected)


@pytest.mark.parametrize("shift", [0.0, 0.013, 0.025, 0.04])
@pytest.mark.parametrize(("width", "passes"), [(0.7, True), (0.31, True), (0.24, False)])
def test_gaps(width, passes, shift):
    """A gap of an agent's diameter, 0.30 m, is passed wherever the cells lie; 0.25 m never. No way leads round."""
    ground = Ground(ARENA)
    grid = ground.empty(1)
    rows = torch.tensor([door(width, 3.0 + shift)])
    ground.block(grid, rows, torch.ones(1, 2, dtype=torch.bool))
    free = ~grid[0]
    gap = free[round((3.0 + MARGIN) / CELL), :]
    assert bool(gap.any()) == passes


def test_a_wall_across_the_arena_is_walked_round_and_a_ring_is_not():
    assert reaches([ACROSS], [(1.0, 3.0)], (5.0, 3.0))  # the outermost cells are free
    ring = [(3, 2, 1.05, 0.05, 0), (3, 4, 1.05, 0.05, 0), (2, 3, 0.05, 1.05, 0), (4, 3, 0.05, 1.05, 0)]
    assert not reaches(ring, [(1.0, 3.0)], (3.0, 3.0))
    assert reaches(ring, [(3.2, 3.3)], (3.0, 3.0))
    assert not reaches(ring, [(3.2, 3.3)], (1.0, 3.0))
    assert reaches(ring, [(3.2, 3.3), (5.0, 5.0)], (1.0, 3.0))  # any walker will do


def test_an_agent_that_touches_a_wall_is_on_its_side():
    ring = [(3, 2, 1.05, 0.05, 0), (3, 4, 1.05, 0.05, 0), (2, 3, 0.05, 1.05, 0), (4, 3, 0.05, 1.05, 0)]
    for x in (1.80, 1.81, 1.83):
        assert reaches(ring, [(x, 3.0)], (1.0, 1.0)) and not reaches(ring, [(x, 3.0)], (3.0, 3.0))
    for x in (2.20, 2.19, 2.17):
        assert reaches(ring, [(x, 3.0)], (3.0, 3.0)) and not reaches(ring, [(x, 3.0)], (1.0, 1.0))


def test_an_agent_on_a_wall_comes_down_on_both_sides():
    ring = [(3, 2, 1.05, 0.05, 0), (3, 4, 1.05, 0.05, 0), (2, 3, 0.05, 1.05, 0), (4, 3, 0.05, 1.05, 0)]
    on_the_wall = dict(walkers=[(2.0, 3.0)], aloft=[True])
    assert reaches(ring, target=(3.0, 3.0), **on_the_wall) and reaches(ring, target=(1.0, 1.0), **on_the_wall)


def test_moments_do_not_connect():
    ground = Ground(ARENA)
    grid = ground.empty(2)
    position = torch.tensor([[[1.0, 1.0]], [[30.0, -30.0]]])  # the second is far away: it stands at the rim
    grid[1] = True
    walking, there = torch.zeros(2, 1, dtype=torch.bool), torch.ones(2, 1, dtype=torch.bool)
    reached = ground.reachable(ground.regions(grid), position, walking, there)
    assert reached[0].all()
    rim = torch.zeros_like(reached[1])
    rim[[0, -1]] = rim[:, [0, -1]] = True
    assert torch.equal(reached[1], rim)
