"""Counts, sizes and slots of whole layouts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from envs.errors import UserError
from envs.layouts import generate, max_walls
from envs.scenarios import FULL, QUADRANT

ALONG_X = torch.tensor([0.825, 0.075, 0.25])
ALONG_Y = torch.tensor([0.075, 0.825, 0.25])
CUBE = torch.tensor([0.25, 0.25, 0.25])


def kinds(layout):
    """(N, B): 0 elongated along x, 1 elongated along y, 2 cube, 3 absent."""
    is_kind = [torch.isclose(layout.box_half_size, size).all(-1) for size in (ALONG_X, ALONG_Y, CUBE)]
    assert torch.equal(is_kind[0] | is_kind[1] | is_kind[2], layout.box_present)
    return torch.stack([*is_kind, ~layout.box_present]).int().argmax(0)


def assert_uniform(values, low, high):
    """Chi-square test at p = 0.001 that integers are uniform in low..high."""
    counts = torch.bincount(values - low, minlength=high - low + 1).double()
    assert len(counts) == high - low + 1
    expected = len(values) / len(counts)
    bound = {1: 10.8, 2: 13.8, 3: 16.3, 4: 18.5, 5: 20.5, 6: 22.5}[len(counts) - 1]
    assert ((counts - expected) ** 2 / expected).sum() < bound


def test_number_of_boxes_is_uniform_from_3_to_9(draw):
    """With few other bodies, so that rebuilt worlds do not favour small numbers."""
    roomy = replace(FULL, floor_size=12.0, grid_cells=60, rooms=1)
    assert_uniform(draw(roomy, 1400).box_present.sum(1), 3, 9)


def test_rebuilds_favour_few_boxes_only_slightly(full):
    assert full.box_present.sum(1).float().mean() == pytest.approx(6.0, abs=0.3)
    assert set(full.box_present.sum(1).tolist()) == set(range(3, 10))


def test_number_of_elongated_boxes_is_uniform_up_to_all(draw):
    for boxes in (4, 6, 8):
        layout = draw(replace(FULL, boxes=(boxes, boxes), rooms=1), 300)
        assert_uniform((kinds(layout) < 2).sum(1), 3, boxes)


def test_elongated_along_x_come_first_then_along_y_then_cubes(full):
    kind = kinds(full)
    assert (kind.diff(dim=1) >= 0).all()
    assert set(kind.flatten().tolist()) == {0, 1, 2, 3}


def test_number_along_x_is_uniform_from_none_to_all(draw):
    layout = draw(replace(FULL, boxes=(4, 4), elongated_boxes=(4, 4), rooms=1), 600)
    assert_uniform((kinds(layout) == 0).sum(1), 0, 4)


@pytest.mark.parametrize(
    ("scenario", "walls"),
    [
        (FULL, 10),
        (QUADRANT, 8),
        (replace(FULL, rooms=6, random_room_number=False), 14),
        (replace(FULL, door_cells=0), 7),
        (replace(QUADRANT, layout="empty"), 4),
        (replace(QUADRANT, boxes=(0, 0), ramps=0), 8),
    ],
)
def test_slots_depend_on_the_scenario_only(scenario, walls, draw):
    layout = draw(scenario, 20)
    assert max_walls(scenario) == walls
    assert layout.walls.shape == (20, walls, 5)
    assert layout.wall_present.shape == layout.wall_is_outer.shape == (20, walls)
    assert layout.agent_pose.shape == (20, 4, 4)
    assert layout.box_pose.shape == (20, scenario.max_boxes, 4)
    assert layout.box_half_size.shape == (20, scenario.max_boxes, 3)
    assert layout.box_present.shape == (20, scenario.max_boxes)
    assert layout.ramp_pose.shape == (20, scenario.ramps, 4)
    floats = (layout.walls, layout.agent_pose, layout.box_pose, layout.box_half_size, layout.ramp_pose)
    assert {t.dtype for t in floats} == {torch.float32}
    assert {t.dtype for t in (layout.wall_present, layout.wall_is_outer, layout.box_present)} == {torch.bool}


def test_absent_slots_are_zero(full):
    assert (full.walls[~full.wall_present] == 0).all()
    assert (full.box_pose[~full.box_present] == 0).all()
    assert (full.box_half_size[~full.box_present] == 0).all()


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"hiders": 10, "floor_size": 2.0, "grid_cells": 10, "rooms": 1}, "larger floor_size"),
        ({"elongated_boxes": (3, 3), "floor_size": 2.0, "grid_cells": 10, "rooms": 1}, "fewer"),
        ({"rooms": 40, "random_room_number": False}, "fewer rooms"),
    ],
)
def test_impossible_scenarios_say_what_to_do(options, advice):
    with pytest.raises(UserError, match=advice) as error:
        generate(replace(FULL, **options), np.random.default_rng(0))
    assert "\n" not in str(error.value)
