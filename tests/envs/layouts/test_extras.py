"""What only some scenarios have: variable quadrant, floor sizes, sites, cylinders, exploration."""

import dataclasses

import numpy as np
import pytest
import torch

from envs.errors import UserError
from envs.layouts import Layout, generate, validate_layout
from envs.options.scenario_options import BlueprintOptions, CylinderOptions
from envs.scenarios import FULL, get


def draw(scenario, count=100):
    return Layout.stack([generate(scenario, np.random.default_rng(seed)) for seed in range(count)])


def test_variable_quadrant():
    layout = draw(get("hide-and-seek/variable-quadrant", hiders_anywhere=False))
    walls = torch.where(layout.wall_present[..., None], layout.walls, torch.nan)[:, 4:]
    column = torch.where(walls[..., 3] > walls[..., 2], walls[..., 0], torch.nan).nan_to_num(nan=-1).amax(1)
    side = 6.0 - column
    assert side.min() > 1.6 and side.max() < 3.7 and side.std() > 0.3
    assert (layout.agent_pose[:, :2, 0] > column[:, None]).all()


def test_floor_sizes():
    layout = draw(dataclasses.replace(FULL, min_floor_size=4.5, boxes=(3, 4), outer_walls_probability=1.0))
    frame = layout.walls[:, 2, 0] / 29.5 * 30  # The right wall of the frame stands half a cell inside.
    assert frame.min() > 4.5 - 1e-3 and frame.max() < 6.0 + 1e-3 and frame.std() > 0.3
    assert (layout.agent_pose[..., 0].amax(1) < frame).all()
    assert (layout.walls[:, 4:, 4][layout.wall_present[:, 4:]] == 0.5).all()


class TestSites:
    def test_of_the_blueprint(self):
        layout = draw(get("blueprint"))
        assert set(layout.site_present.sum(1).tolist()) == {1, 2, 3, 4}
        centre = layout.sites[layout.site_present][:, 0]
        assert centre[:, :2].min() > 0.4 and centre[:, :2].max() < 5.5
        assert centre[:, 2].unique().tolist() == [0.25]
        size = layout.sites[layout.site_present][:, 4] - layout.sites[layout.site_present][:, 1]
        assert torch.allclose(size[:, :2], torch.tensor(0.5), atol=1e-5)

    def test_elongated(self):
        options = BlueprintOptions(sites=(3, 3), elongated_sites=(3, 3), site_place="anywhere")
        layout = draw(get("blueprint", blueprint=options, boxes=(4, 4)), 30)
        size = (layout.sites[:, :, 4] - layout.sites[:, :, 1])[..., :2].reshape(-1, 2)
        kinds = {tuple(round(v, 2) for v in row) for row in size.tolist()}
        assert kinds == {(1.65, 0.15), (0.15, 1.65)}


class TestCylinders:
    def test_of_the_shelter(self):
        pillar = draw(get("shelter")).pillars[:, 0]
        assert pillar[:, 2].min() >= 0.75 and pillar[:, 2].max() <= 1.0 and pillar[:, 2].std() > 0.05
        assert pillar[:, :2].min() > 1.0 and pillar[:, :2].max() < 5.0
        assert pillar[:, 3].unique().tolist() == [0.5]

    def test_all_are_of_one_size_and_overlap_nothing(self):
        options = CylinderOptions(fixed=1, movable=2, diameter=(0.4, 0.6), height=(0.3, 0.7))
        layout = draw(get("hide-and-seek/quadrant", cylinders=options, layout="empty"))
        half = layout.cylinder_half_size
        assert torch.equal(half[..., 0], half[..., 1]) and torch.equal(half[:, 0], half[:, 1])
        assert torch.allclose(half[:, 0, 0], layout.pillars[:, 0, 2])
        assert torch.allclose(layout.cylinder_pose[..., 2], half[..., 2])
        places = torch.cat([layout.cylinder_pose[..., :2], layout.pillars[..., :2]], dim=1)
        apart = torch.cdist(places, places) + 9 * torch.eye(3)
        assert (apart > 2 * half[:, 0, 0, None, None] - 1e-4).all()


def test_exploration_starts_in_a_quarter():
    layout = draw(get("explore"))
    for pose in (layout.agent_pose, layout.box_pose, layout.ramp_pose):
        assert pose[..., :2].max() < 3.0


def test_layouts_by_hand_may_leave_out_what_they_do_not_have():
    layout = generate(get("lock-and-return"), np.random.default_rng(0))
    names = (
        "walls",
        "wall_present",
        "wall_is_outer",
        "agent_pose",
        "box_pose",
        "box_half_size",
        "box_present",
        "ramp_pose",
    )
    bare = Layout(**{name: getattr(layout, name) for name in names})
    checked = validate_layout(get("lock-and-return"), bare)
    assert checked.agent_present.all() and checked.sites.shape == (1, 0, 5, 3)
    with pytest.raises(UserError, match="pillars"):
        validate_layout(
            get("shelter"), dataclasses.replace(generate(get("shelter"), np.random.default_rng(0)), pillars=None)
        )


@pytest.mark.parametrize(
    "name, changes, words",
    [
        ("hide-and-seek/quadrant", {"min_floor_size": 7.0}, "min_floor_size"),
        ("hide-and-seek/quadrant", {"box_start": "each_room"}, "three_rooms"),
        ("hide-and-seek/quadrant", {"cylinders": CylinderOptions(fixed=-1)}, "cylinders"),
        ("hide-and-seek/quadrant", {"cylinders": CylinderOptions(fixed=1, diameter=(2.0, 1.0))}, "diameter"),
        ("blueprint", {"blueprint": BlueprintOptions(sites=(3, 1))}, "blueprint.sites"),
    ],
)
def test_impossible_options(name, changes, words):
    with pytest.raises(UserError, match=words) as error:
        get(name, **changes)
    assert "\n" not in str(error.value)
