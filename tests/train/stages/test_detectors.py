"""Near misses: what looks like a strategy and is none. Hand-made motion, without physics."""

import dataclasses
import math

import pytest
import torch

from envs import scenarios
from envs.options.scenario_options import CylinderOptions
from tests.envs.worlds import body, small, world
from train.stages import shelter_building
from train.stages.chasing import APPROACH, chasing
from train.stages.enclosure import Terrain
from train.stages.ramp_defence import ramp_defence, ramp_defence_in_room
from train.stages.ramp_use import ramp_use
from train.stages.rooms import in_room
from train.stages.shelter_building import door_blocking, lasting, shelter
from train.stages.strategies import strategies_of
from train.stages.surfing import RIDE, box_surfing, surf_defence
from train.stages.trace import Trace

STEPS, PREPARATION = 60, 20
STEP = 0.075  # Seconds.
LASTING = round(shelter_building.LASTING / STEP)
HIDER, SEEKER = 0, 1  # Entities; objects follow.


def make(agents, boxes=(), ramps=(), walls=(), **options):
    """One hider and one seeker in a world in which nothing happens, seen by nobody."""
    s = small(
        boxes=(len(boxes), len(boxes)),
        ramps=len(ramps),
        layout="quadrant",  # for its slots of walls
        horizon=STEPS,
        preparation_fraction=PREPARATION / STEPS + 1e-6,
        **options,
    )
    layout = world(s, agents, boxes, ramps, walls)
    start = torch.cat([layout.agent_pose, layout.box_pose, layout.ramp_pose], dim=1)
    times = STEPS + 1
    objects = torch.zeros(1, times, s.num_objects, dtype=torch.int64)
    return Trace(
        s,
        layout,
        pose=start[:, None].repeat(1, times, 1, 1),
        visible=torch.zeros(1, times, 2, start.shape[1], dtype=torch.bool),
        holding=torch.full((1, times, 2), -1),
        locked=objects.bool(),
        locker=objects,
        score=torch.zeros(1, times),
        broken=torch.zeros(1, dtype=torch.bool),
    )


def move(trace, entity, points, start=PREPARATION):
    """Put an entity at points (x, y, z or None) one step after the other, and leave it at the last one."""
    for i, point in enumerate(points):
        for axis, value in enumerate(point):
            if value is not None:
                trace.pose[:, start + i :, entity, axis] = value


def line(x0, x1, y, z, steps):
    return [(x0 + (x1 - x0) * i / steps, y, z) for i in range(steps + 1)]


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


# --- shelters ------------------------------------------------------------------------------------------------------

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
    trace.pose[:, :, [HIDER, SEEKER], :2] = trace.pose[:, :, [SEEKER, HIDER], :2]
    assert not door_blocking(trace)


def with_absent(trace, team):
    """The same episode in a scenario with one more hider (0) or seeker (1), which takes no part and is
    parked far away."""
    s = trace.scenario
    place = s.hiders if team == 0 else s.num_agents
    more = {"hiders": s.hiders + 1} if team == 0 else {"seekers": s.seekers + 1}

    def put(tensor, dim, value):
        before, after = tensor.split([place, tensor.shape[dim] - place], dim)
        return torch.cat([before, torch.full_like(tensor.narrow(dim, 0, 1), value), after], dim)

    layout = dataclasses.replace(
        trace.layout,
        agent_pose=put(trace.layout.agent_pose, 1, 0.0),
        agent_present=put(trace.layout.agent_present, 1, False),
    )
    return dataclasses.replace(
        trace,
        scenario=dataclasses.replace(s, random_team_sizes=True, **more),
        layout=layout,
        pose=put(trace.pose, 2, -40.0),
        visible=put(put(trace.visible, 2, False), 3, False),
        holding=put(trace.holding, 2, -1),
    )


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


def with_cylinder(trace, x, y, radius, fixed=False):
    """The same episode with a cylinder that stands at (x, y) from the end of preparation on, or always if it
    is fixed."""
    s, layout = trace.scenario, trace.layout
    if fixed:
        layout = dataclasses.replace(layout, pillars=torch.tensor([[[x, y, radius, 0.5]]]))
        s = dataclasses.replace(s, cylinders=CylinderOptions(fixed=1))
        return dataclasses.replace(trace, scenario=s, layout=layout)
    start = torch.tensor([[[5.0, 1.0, 0.25, 0.0]]])
    half_size = torch.tensor([[[radius, radius, 0.25]]])
    layout = dataclasses.replace(layout, cylinder_pose=start, cylinder_half_size=half_size)

    def longer(tensor, value):
        return torch.cat([tensor, torch.full_like(tensor[..., :1], value)], -1)

    pose = torch.cat([trace.pose, start[:, None].repeat(1, trace.pose.shape[1], 1, 1)], dim=2)
    pose[:, PREPARATION:, -1, :2] = torch.tensor([x, y])
    return dataclasses.replace(
        trace,
        scenario=dataclasses.replace(s, cylinders=CylinderOptions(movable=1)),
        layout=layout,
        pose=pose,
        visible=longer(trace.visible, False),
        locked=longer(trace.locked, False),
        locker=longer(trace.locker, 0),
    )


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


def test_a_cylinder_is_no_ramp():
    trace = ramps()
    trace.locked[:, PREPARATION:] = True
    assert ramp_defence(with_cylinder(trace, 3.0, 3.0, 0.3)).tolist() == [True]
    assert ramp_use(with_cylinder(climb(), 5.0, 3.0, 0.3)).tolist() == [True]


def test_lasting():
    length = LASTING // 4 + 1
    looks = torch.zeros(3, 30, dtype=torch.bool)
    looks[0, 3 : 3 + length] = True
    looks[1, 3 : 2 + length] = True
    looks[2, ::2] = True
    assert lasting(looks, length).tolist() == [True, False, False]
    assert lasting(torch.ones(1, 2, dtype=torch.bool), length).tolist() == [True]  # shorter than what is asked for


# --- ramps ---------------------------------------------------------------------------------------------------------

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
        ("quadrant", ["chasing", "door blocking", "ramp use", "ramp defence"]),
    ],
)
def test_strategies_by_scenario(scenario, names):
    assert list(strategies_of(scenarios.get(f"hide-and-seek/{scenario}"))) == names


def test_a_world_without_objects_has_nothing_but_chasing():
    assert list(strategies_of(small())) == ["chasing"]
