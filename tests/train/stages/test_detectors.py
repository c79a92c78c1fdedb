"""Near misses of chasing and surfing: what looks like a strategy and is none. Hand-made motion, without physics."""

import pytest

from envs import scenarios
from tests.envs.worlds import body, small
from tests.train.stages.motion import HIDER, PREPARATION, SEEKER, line, make, move
from train.stages.chasing import APPROACH, chasing
from train.stages.strategies import strategies_of
from train.stages.surfing import RIDE, box_surfing, surf_defence

# --- chasing -------------------------------------------------------------------------------------------------------


def run_at_hider(to=3.0, sees=True):
    trace = make([(5.0, 3.0), (1.0, 3.0)])
    move(trace, SEEKER, line(1.0, to, 3.0, None, 10))
    trace.visible[:, :, SEEKER, HIDER] = sees
    return trace


def test_chasing():
    assert chasing(run_at_hider()).tolist() == [True]
    assert not chasing(run_at_hider(to=1.0 + APPROACH - 0.1))
    assert not chasing(run_at_hider(sees=False))
    assert not chasing(run_at_hider(to=-1.0))
    assert chasing(run_at_hider(to=4.4)) and chasing(run_at_hider(to=4.9))


def test_a_seeker_that_runs_to_and_fro_or_is_on_something_does_not_chase():
    trace = run_at_hider()
    move(trace, SEEKER, (line(1.0, 3.0, 3.0, None, 5) + line(3.0, 1.0, 3.0, None, 5)) * 3)
    assert not chasing(trace)
    aloft = run_at_hider()
    aloft.pose[:, :, SEEKER, 2] = 0.65
    assert not chasing(aloft)


# --- surfing -------------------------------------------------------------------------------------------------------


def surf(distance=RIDE + 0.2, holding=True, z=0.65, start=PREPARATION, beside=0.1):
    trace = make([(5.0, 5.0), (1.0 + beside, 2.0)], [body(1.0, 2.0), body(4.0, 1.0)])
    trace.pose[:, :, SEEKER, 2] = z
    move(trace, SEEKER, line(1.0 + beside, 1.0 + beside + distance, 2.0, None, 10), start)
    move(trace, 2, line(1.0, 1.0 + distance, 2.0, None, 10), start)
    trace.holding[:, :, SEEKER] = 0 if holding else -1
    return trace


def test_box_surfing():
    assert box_surfing(surf()).tolist() == [True]
    assert not box_surfing(surf(distance=RIDE - 0.1))
    assert not box_surfing(surf(holding=False))  # pushed by somebody
    assert not box_surfing(surf(z=0.15, beside=-0.4))  # dragged along the floor
    assert not box_surfing(surf(start=2))  # in the preparation phase
    assert not box_surfing(surf(beside=0.5))  # on something else, next to the box
    other = surf()
    other.holding[:, :, SEEKER] = 1
    assert not box_surfing(other)


def test_a_box_that_only_wobbles_is_not_surfed():
    trace = surf(distance=0.0)
    wobble = (line(1.0, 1.4, 2.0, None, 4) + line(1.4, 1.0, 2.0, None, 4)) * 4
    move(trace, 2, wobble)
    move(trace, SEEKER, [(x + 0.1, y, None) for x, y, _ in wobble])
    assert not box_surfing(trace)


def test_surf_defence():
    trace = make([(1.0, 1.0), (5.0, 5.0)], [body(2.0, 2.0), body(3.0, 3.0), None])
    trace.locked[:, PREPARATION, 0] = True
    assert not surf_defence(trace)
    trace.locked[:, PREPARATION, 1] = True
    assert surf_defence(trace).tolist() == [True]
    trace.locked[:, PREPARATION] = False
    trace.locked[:, PREPARATION + 1 :] = True
    assert not surf_defence(trace)
    assert not surf_defence(make([(1.0, 1.0), (5.0, 5.0)], [None, None]))


# --- which strategies there are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "names"),
    [
        ("full", ["chasing", "shelter", "ramp use", "ramp defence", "box surfing", "surf defence"]),
        ("quadrant", ["chasing", "door blocking", "shelter", "ramp use", "ramp defence"]),
    ],
)
def test_strategies_by_scenario(scenario, names):
    assert list(strategies_of(scenarios.get(f"hide-and-seek/{scenario}"))) == names


def test_a_world_without_objects_has_nothing_but_chasing():
    assert list(strategies_of(small())) == ["chasing"]
