"""Tasks with the inputs of hide-and-seek: features and stand-ins, against the original's table (rules 6.5 and 6.6)."""

import dataclasses

import pytest

from envs.scenarios import FULL, QUICKSTART, get
from train.transfer.inputs import same_inputs

from .small import spec_of

ORIGINAL = {
    "blueprint": {"agents": (2, 10), "boxes": (8, 15), "ramps": (1, 15), "sites": (4, 15)},
    "lock-and-return": {"agents": (1, 10), "boxes": (1, 15), "ramps": (1, 15)},
    "sequential-lock": {"agents": (1, 10), "boxes": (4, 15), "ramps": (3, 15)},
    "shelter": {"agents": (2, 10), "boxes": (8, 15), "ramps": (1, 15)},
}
"""Rule 6.6: numbers and features of the released tasks, which imitate hide-and-seek/full."""


@pytest.mark.parametrize("task", ORIGINAL)
def test_the_originals_shapes(task):
    spec = spec_of(same_inputs(get(task), FULL))
    assert spec.entities == ORIGINAL[task]
    assert (spec.self_features, spec.lidar_rays) == (10, 30)


def test_features_come_from_the_source():
    """The quickstart: 11 own features, bearings, no sizes, no locks of ramps."""
    spec = spec_of(same_inputs(get("sequential-lock"), QUICKSTART))
    assert spec.self_features == 11
    assert spec.entities == {"agents": (1, 13), "boxes": (4, 14), "ramps": (3, 11)}
    counting = spec_of(same_inputs(get("object-counting"), QUICKSTART))
    assert counting.entities == {"agents": (1, 13), "boxes": (6, 14), "ramps": (1, 11)}


def test_boxes_that_tilt():
    """Three angles, six velocities: 15 features and 3 lock flags, bearings apart."""
    source = dataclasses.replace(QUICKSTART, tilting_boxes=True)
    assert spec_of(same_inputs(get("shelter"), source)).entities["boxes"] == (8, 20)


def test_no_stand_ins_for_what_the_source_lacks():
    source = dataclasses.replace(QUICKSTART, seekers=0, ramps=0)
    assert spec_of(same_inputs(get("shelter"), source)).entities == {"boxes": (8, 14)}


def test_rules_stay():
    """All that changes is in the list."""
    task = get("lock-and-return/small")
    changed = same_inputs(task, FULL)
    different = {f.name for f in dataclasses.fields(task) if getattr(task, f.name) != getattr(changed, f.name)}
    assert different == {"heading_features", "bearing_features", "box_size_features", "lock_ramps", "padding"}
