"""Near misses of shelters: what looks like one and is none. Hand-made motion, without physics."""

import dataclasses

import pytest
import torch

from tests.envs.worlds import body
from tests.train.stages.motion import HIDER, PREPARATION, SEEKER, STEPS, make, move, with_absent, with_cylinder
from train.stages import shelter_building
from train.stages.enclosure import Terrain
from train.stages.rooms import in_room
from train.stages.shelter_building import door_blocking, lasting, shelter

STEP = 0.075  # Seconds.
LASTING = round(shelter_building.LASTING / STEP)
WALLS = [(1.0, 2.05, 0.05, 1.0, 0.5), (3.0, 2.05, 0.05, 1.0, 0.5), (2.0, 1.0, 0.95, 0.05, 0.5)]  # open to the north
LID = (0.9, 0.075, 0.25)


def close(at=3.0, until=STEPS, half=LID):
    """A hider between three walls; a box becomes the fourth when the preparation phase ends."""
    trace = make([(2.0, 2.0), (5.0, 5.0)], [body(4.0, 4.5, half=half)], walls=WALLS)
    move(trace, 2, [(2.0, at, None)])
    move(trace, 2, [(4.0, 4.5, None)], start=until)
    return trace


def test_shelter():
    assert shelter(close()).tolist() == [True]
    assert not shelter(close(half=(0.6, 0.075, 0.25)))  # 0.35 m on either side
    assert shelter(close(half=(0.75, 0.075, 0.25)))  # 0.20 m
    assert not shelter(close(at=3.5))
    assert not shelter(close(until=PREPARATION + LASTING - 4))
    assert shelter(close(until=PREPARATION + LASTING + 4))


def test_a_shelter_that_stood_from_the_start_is_none():
    trace = close()
    trace.pose[:, :, 2] = trace.pose[:, PREPARATION, 2]
    assert not shelter(trace)


def test_a_shelter_with_a_seeker_in_it_or_a_hider_outside_is_none():
    inside, outside = close(), close()
    inside.pose[:, :, SEEKER, :2] = torch.tensor([2.5, 1.5])
    outside.pose[:, :, HIDER, :2] = torch.tensor([5.0, 2.0])
    assert not shelter(inside) and not shelter(outside)


@pytest.mark.parametrize("locker", [HIDER, SEEKER])
def test_a_box_that_starts_in_the_door_is_a_shelter_once_a_hider_has_locked_it(locker):
    trace = close()
    trace.pose[:, :, 2] = trace.pose[:, PREPARATION, 2]
    trace.locked[:, PREPARATION + 10 :], trace.locker[:] = True, locker
    assert shelter(trace).tolist() == [locker == HIDER]
    trace.locked[:, PREPARATION + LASTING :] = False
    assert not shelter(trace)


def test_a_box_that_is_brought_back_to_where_it_closed_the_door_is_none():
    """Nobody has changed anything then."""
    trace = close()
    trace.pose[:, :, 2] = trace.pose[:, PREPARATION, 2]
    trace.pose[:, 5:10, 2, 1] += 2.0
    assert not shelter(trace)


@pytest.mark.parametrize(("seconds", "parts"), [(0.0375, 1), (0.15, 2), (0.3, 4)])
def test_seconds_count_and_not_steps(seconds, parts):
    """The same motion at other lengths of a step."""
    options = dict(substeps=40, timestep=seconds / 40)
    per_second = parts / seconds
    start, lasting_moments = round(PREPARATION * parts), round(1.5 * per_second)
    for until, told in ((start + lasting_moments - round(0.3 * per_second), False), (start + lasting_moments, True)):
        trace = make([(2.0, 2.0), (5.0, 5.0)], [body(4.0, 4.5, half=LID)], walls=WALLS, **options)
        moments = STEPS * parts + 1
        for name in ("pose", "visible", "holding", "locked", "locker", "score"):
            values = getattr(trace, name)
            setattr(trace, name, values[:, :1].expand(-1, moments, *values.shape[2:]).clone())
        assert trace.moments_per_step == parts and trace.live_from == start
        move(trace, 2, [(2.0, 3.0, None)], start=start)
        move(trace, 2, [(4.0, 4.5, None)], start=until + 1)
        assert shelter(trace).tolist() == [told]


def test_a_caged_seeker_is_a_shelter_too():
    """What counts is that it cannot walk to where hiders are."""
    trace = close()
    trace.pose[:, :, [HIDER, SEEKER], :2] = trace.pose[:, :, [SEEKER, HIDER], :2]
    assert shelter(trace)


def test_a_box_in_the_air_closes_nothing():
    trace = close()
    trace.pose[:, :, 2, 2] = 0.7
    assert not shelter(trace)


def test_door_blocking_is_about_the_room():
    room = [(3.1, 0.85, 0.05, 0.85, 0.5), (3.1, 2.75, 0.05, 0.35, 0.5), (4.5, 3.1, 1.4, 0.05, 0.5)]
    frame = [(5.9, 2.0, 0.05, 2.0, 4.0), (4.5, 0.1, 1.5, 0.05, 4.0)]
    trace = make([(4.5, 1.5), (1.0, 3.0)], [body(4.0, 1.0)], walls=room + frame)
    assert in_room(trace.layout, torch.tensor([[[4.5, 1.5], [3.0, 1.5], [4.5, 3.3]]])).tolist() == [
        [True, False, False]
    ]
    assert not door_blocking(trace)
    move(trace, 2, [(3.1, 2.05, None)])
    assert door_blocking(trace)
    trace.pose[:, :, SEEKER, :2] = torch.tensor([1.0, 3.0])
    trace.pose[:, PREPARATION + 2 :, SEEKER, :2] = torch.tensor([5.0, 2.5])
    assert not door_blocking(trace)  # A seeker is in the room.
    trace.pose[:, :, SEEKER, :2] = torch.tensor([1.0, 3.0])
    trace.pose[:, :, [HIDER, SEEKER], :2] = trace.pose[:, :, [SEEKER, HIDER], :2]
    assert not door_blocking(trace)


def test_a_niche_behind_a_box_is_a_shelter_and_blocks_no_door():
    """The door is open, and the hider stands in a niche in the room's corner, which the box closes."""
    room = [(3.1, 0.6, 0.05, 0.6, 0.5), (3.1, 2.6, 0.05, 0.5, 0.5), (4.5, 3.1, 1.4, 0.05, 0.5)]
    niche = [(5.3, 2.85, 0.05, 0.25, 0.5)]
    frame = [(5.95, 3.0, 0.05, 3.0, 4.0), (3.0, 0.05, 3.0, 0.05, 4.0)]
    trace = make([(5.6, 2.8), (1.0, 3.0)], [body(4.0, 1.0, half=(0.3, 0.075, 0.25))], walls=room + niche + frame)
    move(trace, 2, [(5.6, 2.5, None)])
    assert shelter(trace) and not door_blocking(trace)


def test_absent_hiders_need_no_shelter():
    assert shelter(with_absent(close(), team=0)).tolist() == [True]
    assert not shelter(with_absent(close(at=3.5), team=0))
    outside = close()
    outside.pose[:, :, HIDER, :2] = torch.tensor([5.0, 2.0])
    assert not shelter(with_absent(outside, team=0))


def test_absent_seekers_walk_nowhere():
    caged = close()
    caged.pose[:, :, [HIDER, SEEKER], :2] = caged.pose[:, :, [SEEKER, HIDER], :2]
    assert shelter(with_absent(caged, team=1)).tolist() == [True]


def test_cylinders_close_shelters():
    """The opening is 1.9 m wide. A pillar that always stood in it leaves a shelter to nobody."""
    open_to_the_north = close(at=4.5)
    assert not shelter(open_to_the_north)
    assert shelter(with_cylinder(open_to_the_north, 2.0, 3.0, 0.9)).tolist() == [True]
    assert not shelter(with_cylinder(open_to_the_north, 2.0, 3.0, 0.6))
    assert not shelter(with_cylinder(open_to_the_north, 2.0, 3.0, 0.9, fixed=True))
    half_open = close(half=(0.6, 0.075, 0.25))  # 0.35 m on either side
    assert not shelter(half_open)
    beside = with_cylinder(half_open, 1.1, 3.2, 0.2, fixed=True)  # a pillar in the one gap
    assert not shelter(beside)
    both = torch.tensor([[[1.1, 3.2, 0.2, 0.5], [2.9, 3.2, 0.2, 0.5]]])
    assert shelter(dataclasses.replace(beside, layout=dataclasses.replace(beside.layout, pillars=both)))


def test_a_cylinder_is_round():
    terrain = Terrain(with_cylinder(close(at=4.5), 4.0, 4.0, 0.5))
    edge, corner = terrain.ground._cell(torch.tensor([[4.0, 4.55], [4.48, 3.52]])).tolist()  # of the square around it
    regions = terrain.regions(PREPARATION)[0]
    assert regions[*edge] == 0 and regions[*corner] > 0


def test_lasting():
    length = LASTING // 4 + 1
    looks = torch.zeros(3, 30, dtype=torch.bool)
    looks[0, 3 : 3 + length] = True
    looks[1, 3 : 2 + length] = True
    looks[2, ::2] = True
    assert lasting(looks, length).tolist() == [True, False, False]
    assert lasting(torch.ones(1, 2, dtype=torch.bool), length).tolist() == [True]  # shorter than what is asked for
