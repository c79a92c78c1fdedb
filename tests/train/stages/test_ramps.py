"""Near misses of ramp use and ramp defence. Hand-made motion, without physics."""

import math

import torch

from tests.envs.worlds import body
from tests.train.stages.motion import PREPARATION, SEEKER, make, move, with_cylinder
from train.stages.ramp_defence import ramp_defence, ramp_defence_in_room
from train.stages.ramp_use import ramp_use

# x, z up a ramp at 2.5
OVER = [(1.8, 0.15), (2.3, 0.25), (2.6, 0.5), (3.0, 0.66), (3.4, 0.5), (3.8, 0.15), (4.2, 0.15)]


def climb(path=OVER, wall=3.05, start=PREPARATION):
    trace = make(
        [(5.0, 5.0), (1.5, 2.0)], [body(5.0, 1.0)], [body(2.5, 2.0, math.pi / 2)], [(wall, 2.0, 0.05, 2.0, 0.5)]
    )
    move(trace, SEEKER, [(x, 2.0, z) for x, z in path], start)
    return trace


def test_ramp_use():
    assert ramp_use(climb()).tolist() == [True]
    assert not ramp_use(climb(start=5))  # before anything is live
    assert not ramp_use(climb(wall=5.5))  # over nothing
    assert not ramp_use(climb([(x, 0.15) for x, _ in OVER]))  # through it
    assert not ramp_use(climb([*OVER[:4], (2.3, 0.25), (1.8, 0.15)]))  # down again where it came from
    assert not ramp_use(climb([*OVER[:4], *[(3.05, 0.65)] * 25, *OVER[4:]]))  # it stays on the wall for long


def test_over_a_wall_without_a_ramp_or_with_a_box_in_hand_is_not_ramp_use():
    beside, carrying = climb(), climb()
    beside.pose[:, :, 3, 1] = 4.0
    carrying.holding[:, :, SEEKER] = 0
    assert not ramp_use(beside) and not ramp_use(carrying)


def ramps(first=(2.0, 2.0), second=(4.0, 4.0), walls=()):
    return make([(1.0, 5.0), (5.0, 1.0)], [], [body(*first), body(*second)], walls)


def test_ramp_defence():
    assert not ramp_defence(ramps())
    trace = ramps()
    trace.locked[:, PREPARATION:, 0] = True
    assert not ramp_defence(trace)
    trace.locked[:, PREPARATION:, 1] = True
    assert ramp_defence(trace).tolist() == [True]
    trace.locked[:, PREPARATION + 1 :, 1] = False
    assert not ramp_defence(trace)
    late = ramps()
    late.locked[:, PREPARATION + 1 :] = True
    assert not ramp_defence(late)


def test_a_ramp_behind_walls_is_out_of_reach_and_somebody_must_have_brought_it():
    ring = [(1, 2, 0.05, 1.05, 0.5), (3, 2, 0.05, 1.05, 0.5), (2, 1, 0.95, 0.05, 0.5), (2, 3, 0.95, 0.05, 0.5)]
    inside = ramps((2.0, 1.5), (2.0, 2.7), ring)
    assert not ramp_defence(inside)  # they started there
    inside.pose[:, 0, 2, :2] = torch.tensor([4.5, 4.5])
    assert ramp_defence(inside)
    outside = ramps((2.0, 1.5), (2.0, 3.3), ring)
    outside.pose[:, 0, 2, :2] = torch.tensor([4.5, 4.5])
    assert not ramp_defence(outside)  # the other one stands at the outside of the wall


def test_in_the_quadrant_bringing_the_ramp_into_the_room_is_enough():
    room = [(3.1, 0.85, 0.05, 0.85, 0.5), (3.1, 2.75, 0.05, 0.35, 0.5), (4.5, 3.1, 1.4, 0.05, 0.5)]
    trace = make([(4.5, 1.5), (1.0, 3.0)], [], [body(2.0, 2.0)], room)
    assert not ramp_defence_in_room(trace)
    move(trace, 2, [(4.0, 1.0, None)], start=10)
    assert ramp_defence_in_room(trace) and not ramp_defence(trace)
    trace.pose[:, :10, 2, :2] = torch.tensor([4.0, 1.0])
    assert not ramp_defence_in_room(trace)  # it was there


def test_a_cylinder_is_no_ramp():
    trace = ramps()
    trace.locked[:, PREPARATION:] = True
    assert ramp_defence(with_cylinder(trace, 3.0, 3.0, 0.3)).tolist() == [True]
    assert ramp_use(with_cylinder(climb(), 5.0, 3.0, 0.3)).tolist() == [True]
