"""Starts of agents, boxes and ramps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from envs.layouts import LayoutStream
from envs.layouts.occupancy import Occupancy, cells_across
from envs.layouts.placement import close_to, in_quadrant, outside_quadrant, uniform
from envs.layouts.walls import Wall
from envs.scenarios import FULL


def footprints(layout):
    """(N, E, 4) low x, low y, high x, high y of walls, agents, boxes and ramps, and (N, E) which are present."""

    def around(centre, half):
        return torch.cat([centre[..., :2] - half[..., :2], centre[..., :2] + half[..., :2]], -1)

    agents, ramps = layout.agent_pose, layout.ramp_pose
    rectangles = [
        around(layout.walls, layout.walls[..., 2:4]),
        around(agents, torch.full_like(agents, 0.15)),
        around(layout.box_pose, layout.box_half_size),
        around(ramps, torch.full_like(ramps, 0.25)),
    ]
    always = [torch.ones(pose.shape[:2], dtype=torch.bool) for pose in (agents, ramps)]
    return torch.cat(rectangles, 1), torch.cat([layout.wall_present, always[0], layout.box_present, always[1]], 1)


@pytest.mark.parametrize("name", ["full", "quadrant"])
def test_nothing_overlaps(name, request):
    rectangles, present = footprints(request.getfixturevalue(name))
    low, high = rectangles[..., :2], rectangles[..., 2:]
    shared = torch.minimum(high[:, :, None], high[:, None]) - torch.maximum(low[:, :, None], low[:, None])
    overlap = (shared > 1e-5).all(-1) & present[:, :, None] & present[:, None]
    assert overlap.sum() == present.sum()  # everything overlaps itself only


def test_everything_stands_on_the_floor_unturned(full):
    assert torch.equal(full.agent_pose[..., 2:], torch.tensor([0.15, 0.0]).expand(full.num_worlds, 4, 2))
    assert torch.equal(full.ramp_pose[..., 2:], torch.tensor([0.25, 0.0]).expand(full.num_worlds, 2, 2))
    assert (full.box_pose[full.box_present][:, 2] == 0.25).all()
    assert (full.box_pose[..., 3] == 0.0).all()


def test_boxes_have_the_height_of_the_scenario():
    layout = LayoutStream(replace(FULL, box_height=0.13), 0, 8).draw(torch.arange(8))
    present = layout.box_present
    assert_close(layout.box_half_size[present][:, 2], torch.full((int(present.sum()),), 0.065))
    assert_close(layout.box_pose[present][:, 2], torch.full((int(present.sum()),), 0.065))


def test_teammates_stand_within_their_radius(full):
    """Cells differ by -3..2; the place within two cells moves each agent by up to 0.1 m."""
    for first in (0, 2):
        offset = full.agent_pose[:, first + 1, :2] - full.agent_pose[:, first, :2]
        assert offset.min() > -0.7 and offset.max() < 0.5
        assert offset.min() < -0.6 and offset.max() > 0.4


def test_agents_without_radius_stand_apart(draw):
    layout = draw(replace(FULL, hiders_together_radius=None), 100)
    assert (layout.agent_pose[:, 1, :2] - layout.agent_pose[:, 0, :2]).abs().max() > 3.0


@pytest.mark.parametrize(
    ("where", "footprint", "columns", "rows"),
    [
        (uniform, (3, 3), range(1, 26), range(1, 26)),
        (uniform, (9, 1), range(1, 20), range(1, 28)),
        (in_quadrant, (2, 2), range(15, 27), range(1, 12)),
        (close_to((10, 20), 3), (2, 2), range(7, 13), range(17, 23)),
        (close_to((1, 26), 3), (2, 2), range(1, 4), range(23, 29)),
    ],
)
def test_placement_function_covers_its_cells(where, footprint, columns, rows):
    rng = np.random.default_rng(0)
    cells = [where(rng, 30, footprint) for _ in range(1500)]
    assert {x for x, _ in cells} == set(columns)
    assert {y for _, y in cells} == set(rows)


def test_outside_the_quadrant_are_three_equal_regions():
    rng = np.random.default_rng(0)
    cells = [outside_quadrant(rng, 30, (2, 2)) for _ in range(3000)]
    lower_left = [(x, y) for x, y in cells if x < 15 and y < 15]
    upper_left = [(x, y) for x, y in cells if x < 15 <= y]
    upper_right = [(x, y) for x, y in cells if x >= 15 and y >= 15]
    assert len(lower_left) + len(upper_left) + len(upper_right) == 3000
    for region in (lower_left, upper_left, upper_right):
        assert abs(len(region) - 1000) < 100
    assert max(x for x, _ in lower_left) == 11 and max(y for _, y in lower_left) == 11
    assert min(y for _, y in upper_left) == 15 and max(x for x, _ in upper_right) == 26


def test_placement_gives_up_when_the_only_cells_are_taken():
    grid = Occupancy(10, 0.2, [Wall(True, 4, 0, 9)])
    rng = np.random.default_rng(0)
    assert grid.place((0.3, 0.3), lambda *_: (3, 5), rng) is None
    assert grid.place((0.3, 0.3), lambda *_: (9, 5), rng) is None  # would leave the grid
    spot = grid.place((0.3, 0.3), lambda *_: (5, 5), rng)
    assert spot is not None and 1.15 <= spot.x <= 1.25 and 1.15 <= spot.y <= 1.25
    assert grid.place((0.3, 0.3), lambda *_: (6, 6), rng) is None


@pytest.mark.parametrize(("length", "cells"), [(0.3, 2), (0.5, 3), (1.65, 9), (0.15, 1), (0.6, 3), (0.2, 1)])
def test_footprints_round_up(length, cells):
    assert cells_across(length, 0.2) == cells
