"""Layouts made by hand."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from envs.errors import UserError
from envs.layouts import Layout, generate, validate_layout
from envs.scenarios import FULL, QUADRANT


@pytest.fixture
def layout():
    return generate(FULL, np.random.default_rng(0))


def test_generated_layout_passes_unchanged(layout):
    checked = validate_layout(FULL, layout)
    assert all(torch.equal(getattr(checked, f.name), getattr(layout, f.name)) for f in fields(Layout))


def test_numbers_become_float32_and_absent_slots_zero(layout):
    absent = torch.arange(9)[None] >= 5
    handmade = replace(layout, agent_pose=layout.agent_pose.double(), box_present=~absent)
    checked = validate_layout(FULL, handmade)
    assert checked.agent_pose.dtype == torch.float32
    assert (checked.box_pose[absent] == 0).all() and (checked.box_half_size[absent] == 0).all()
    assert torch.equal(checked.box_pose[~absent], layout.box_pose[~absent])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("walls", torch.zeros(1, 3, 5), r"'walls' has shape \(1, 3, 5\); this scenario needs \(1, 10, 5\)"),
        ("walls", torch.tensor(0.0), r"'walls' has shape \(\)"),
        ("agent_pose", torch.zeros(2, 4, 4), r"'agent_pose' has shape \(2, 4, 4\); this scenario needs \(1, 4, 4\)"),
        ("ramp_pose", torch.full((1, 2, 4), torch.nan), "'ramp_pose' must hold finite numbers"),
        ("box_present", torch.ones(1, 9), "'box_present' is torch.float32; it must be torch.bool"),
        ("box_half_size", torch.zeros(1, 9, 3), "'box_half_size' needs sizes above 0 m"),
    ],
)
def test_error_names_the_field(layout, field, value, message):
    with pytest.raises(UserError, match=message):
        validate_layout(FULL, replace(layout, **{field: value}))


def test_layout_of_another_scenario_is_refused(layout):
    with pytest.raises(UserError, match="this scenario needs"):
        validate_layout(QUADRANT, layout)
