"""Fixed and movable cylinders, and absent agents, on every engine."""

from dataclasses import replace

import pytest
import torch

from envs.options.scenario_options import CylinderOptions
from tests.envs.worlds import CUBE, Driver, body, small, world

FIXED = small(boxes=(0, 1), cylinders=CylinderOptions(fixed=1, diameter=(0.4, 2.0)))
MOVABLE = small(seekers=0, cylinders=CylinderOptions(movable=1, diameter=(0.4, 1.0)))
EASTWARD = torch.tensor([[5.0, 0.0, 0.0]])


def pillars(*rows):
    """Layouts of FIXED, one per (x, y, radius, height), with a hider at (1, 3) and a box at (5, 5)."""
    layout = world(FIXED, [(1.0, 3.0)], [body(5.0, 5.0, half=CUBE)])
    return [replace(layout, pillars=torch.tensor([[row]])) for row in rows]


def cylinders(*rows):
    """Layouts of MOVABLE, one per (x, y, radius, height), with the hider at (1, 3)."""
    layout = world(MOVABLE, [(1.0, 3.0)])
    return [
        replace(
            layout,
            cylinder_pose=torch.tensor([[[x, y, height / 2, 0.0]]]),
            cylinder_half_size=torch.tensor([[[radius, radius, height / 2]]]),
        )
        for x, y, radius, height in rows
    ]


def cast_east(engine, z):
    """Distances and hits of a ray along x from above the hider's place at height z, one per world."""
    worlds = torch.arange(engine.num_worlds, device=engine.device)
    origin = torch.tensor([0.0, 3.0, z], device=engine.device).expand(engine.num_worlds, 1, 3)
    direction = torch.tensor([1.0, 0.0, 0.0], device=engine.device).expand_as(origin)
    exclude = torch.zeros(1, dtype=torch.int64, device=engine.device)
    distance, hit = engine.rays(worlds, origin, direction, exclude)
    return distance[:, 0].tolist(), hit[:, 0].tolist()


def test_rays_tell_a_pillar_of_its_size(engine_factory):
    engine = engine_factory(FIXED, pillars((3.0, 3.0, 0.5, 0.5), (4.0, 3.0, 1.0, 0.2)))
    entities = engine.scene.num_entities
    assert cast_east(engine, 0.1) == (pytest.approx([2.5, 3.0], abs=1e-4), [entities, entities])
    distance, hit = cast_east(engine, 0.3)
    assert distance == [pytest.approx(2.5, abs=1e-4), float("inf")] and hit == [entities, -1]


def test_a_pillar_stops_agents_and_stays(engine_factory):
    engine = engine_factory(FIXED, pillars((3.0, 3.0, 0.5, 0.5), (4.0, 3.0, 1.0, 0.5), (5.0, 1.0, 0.5, 0.5)))
    poses = Driver(engine).drive(EASTWARD.expand(3, 3), 6)
    x = poses[-1, :, 0, 0].tolist()
    assert x[:2] == [pytest.approx(2.35, abs=0.06), pytest.approx(2.85, abs=0.06)]
    assert x[2] > 3.5
    assert cast_east(engine, 0.45)[0][:2] == pytest.approx([2.5, 3.0], abs=1e-4)


def test_the_next_episode_has_another_pillar(engine_factory):
    engine = engine_factory(FIXED, pillars((3.0, 3.0, 0.5, 0.5), (3.0, 3.0, 0.5, 0.5)))
    engine.reset(torch.tensor([1], device=engine.device), pillars((4.0, 3.0, 0.25, 0.5))[0].to(engine.device))
    assert cast_east(engine, 0.1)[0] == pytest.approx([2.5, 3.75], abs=1e-4)


def test_a_movable_cylinder_is_pushed(engine_factory):
    engine = engine_factory(MOVABLE, cylinders((2.0, 3.0, 0.3, 0.5), (2.0, 5.0, 0.3, 0.5)))
    poses = Driver(engine).drive(EASTWARD.expand(2, 3), 10)
    assert poses[-1, 0, 1, 0] > 3.0
    assert poses[-1, 1, 1, :3].tolist() == pytest.approx([2.0, 5.0, 0.25], abs=2e-3)


def test_a_movable_cylinder_has_its_episodes_size(engine_factory):
    engine = engine_factory(MOVABLE, cylinders((3.0, 3.0, 0.5, 0.5), (3.0, 3.0, 0.2, 0.3)))
    assert cast_east(engine, 0.1) == (pytest.approx([2.5, 2.8], abs=1e-4), [1, 1])
    assert cast_east(engine, 0.4)[1] == [1, -1]


def test_absent_agents_wait_where_nothing_meets_them(engine_factory):
    s = small(hiders=2, seekers=2)
    layout = world(s, [(1.0, 3.0), (2.0, 3.0), (3.0, 3.0), (4.0, 3.0)])
    some = replace(layout, agent_present=torch.tensor([[True, False, True, False]]))
    engine = engine_factory(s, [some, layout])
    poses = Driver(engine).drive(EASTWARD.expand(2, 3), 5)
    away = poses[:, 0, [1, 3]]
    assert (away[..., 0] < -20).all()
    assert (away - away[0]).abs().max() < 1e-2  # They stand on the floor.
    assert poses[-1, 0, 0, 0] > poses[-1, 1, 0, 0] + 0.3  # World 1 has an agent in the way.
    engine.reset(torch.tensor([0], device=engine.device), layout.to(engine.device))
    assert engine.pose[0, :, 0].tolist() == pytest.approx([1, 2, 3, 4])
