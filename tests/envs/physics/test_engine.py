"""The physics contract (envs/physics/engine.py), for every engine in conftest.ENGINES.

What bodies do is in test_motion.py, what rays hit in test_rays.py.
"""

import math

import pytest
import torch
from torch.testing import assert_close

from envs.layouts import Layout
from tests.envs.worlds import CUBE, Driver, body, cast, small, world

STEP_SECONDS = 0.075


def busy_layouts(scenario):
    """Four different worlds in which something happens: pushes, a wall, a fall, a climb."""
    ramps = [body(3.0, 5.0)]
    return [
        world(scenario, [(2.5, 3.0, math.pi / 2), (3.0, 6.0)], [body(3.0, 3.0)], ramps),
        world(
            scenario, [(2.0, 3.0), (3.0, 5.6)], [body(4.0, 3.0, z=1.0), body(5.0, 3.0)], ramps, [(3, 3, 0.05, 1, 0.5)]
        ),
        world(scenario, [(1.0, 3.0), (2.0, 3.02)], [None, body(3.0, 3.0, yaw=0.3)], ramps),
        world(scenario, [(2.5, 3.0), (3.5, 3.0)], [body(3.0, 3.0, half=(0.075, 0.825, 0.25))], ramps),
    ]


BUSY = small(boxes=(0, 2), ramps=1)
BUSY_BINS = [[[5, 0, 1], [-4, -4, 0]]] * 4


class TestSubsteps:
    def test_two_parts_of_a_step_are_a_step(self, engine_factory):
        whole, parts = (Driver(engine_factory(BUSY, busy_layouts(BUSY))) for _ in range(2))
        command = torch.tensor(BUSY_BINS, dtype=torch.float32, device=whole.engine.device) * 0.18
        for driver in (whole, parts):
            driver.lock(0, 2)
            driver.grab(3, 0, 0)
            driver.engine.set_grabs(driver.holding, driver.offset, driver.yaw, driver.tilt)
            driver.engine.set_locks(driver.locked, driver.lock_pose)
        for _ in range(4):
            whole.engine.step(command)
            for substeps in (5, 10):
                parts.engine.step(command, substeps)
        engine_factory.assert_same(whole.engine.pose, parts.engine.pose)
        engine_factory.assert_same(whole.engine.velocity, parts.engine.velocity)


class TestReset:
    def test_starts_at_rest_where_the_layout_says(self, engine_factory):
        layouts = Layout.stack(busy_layouts(BUSY))
        engine = engine_factory(BUSY, busy_layouts(BUSY))
        pose = torch.cat([layouts.agent_pose, layouts.box_pose, layouts.ramp_pose], dim=1)
        present = torch.cat([torch.ones(4, 2).bool(), layouts.box_present, torch.ones(4, 1).bool()], dim=1)
        assert_close(engine.pose.cpu()[present], pose[present], rtol=0, atol=1e-6)
        assert engine.velocity.abs().max() == 0
        assert engine.pose.dtype == engine.velocity.dtype == torch.float32

    def test_walls_are_those_of_the_layout(self, engine_factory):
        scenario = small(layout="quadrant")
        given = [(3.1, 1.6, 0.05, 1.45, 0.5), (0.1, 3.0, 0.05, 2.85, 4.0)]
        walls = engine_factory(scenario, [world(scenario, walls=given), world(scenario)]).walls.cpu()
        assert walls.dtype == torch.float32 and (walls[0, 2:, 2] < -1).all() and (walls[1, :, 2] < -1).all()
        expected = torch.tensor(
            [(x, y, height / 2, half_x, half_y, height / 2) for x, y, half_x, half_y, height in given]
        )
        assert_close(walls[0, :2], expected)

    def test_any_subset_leaves_the_others_alone(self, engine_factory):
        layouts = busy_layouts(BUSY)
        touched, alone = (Driver(engine_factory(BUSY, layouts)) for _ in range(2))
        for driver in (touched, alone):
            driver.lock(0, 2)
            driver.grab(3, 0, 0)
            driver.drive(BUSY_BINS, 6)
        chosen, others = torch.tensor([1, 3]), [0, 2]
        device = touched.engine.device
        touched.engine.reset(chosen.to(device), Layout.stack([layouts[0], layouts[2]]).to(device))
        touched.holding[chosen] = -1
        engine_factory.assert_same(touched.engine.pose[others], alone.engine.pose[others])
        engine_factory.assert_same(touched.engine.velocity[others], alone.engine.velocity[others])
        touched.drive(BUSY_BINS, 6)
        alone.drive(BUSY_BINS, 6)
        engine_factory.assert_same(touched.engine.pose[others], alone.engine.pose[others])
        fresh = Driver(engine_factory(BUSY, layouts))
        fresh.drive(BUSY_BINS, 6)
        engine_factory.assert_same(touched.engine.pose[chosen], fresh.engine.pose[[0, 2]])

    def test_forgets_grabs_and_locks(self, engine_factory):
        s = small(boxes=(0, 2))
        layout = world(s, [(3.0, 3.0, math.pi / 2)], [body(3.45, 3.0), body(5.0, 5.0, z=1.0)])
        driver = Driver(engine_factory(s, [layout]))
        driver.grab(0, 0, 0)
        driver.lock(0, 1)
        driver.drive([[0, 0, 0]], 2)
        driver.engine.reset(torch.arange(1, device=driver.engine.device), layout.to(driver.engine.device))
        for _ in range(5):  # No set_grabs or set_locks in between.
            driver.engine.step(torch.tensor([[[-0.9, 0, 0], [0, 0, 0]]], device=driver.engine.device))
        pose = driver.engine.pose[0]
        assert pose[0, 0] < 1.0
        assert abs(pose[2, 0] - 3.45) < 1e-3
        assert abs(pose[3, 2] - 0.25) < 5e-3

    def test_reads_are_copies(self, engine_factory):
        driver = Driver(engine_factory(BUSY, busy_layouts(BUSY)))
        pose, velocity = driver.engine.pose, driver.engine.velocity
        before = pose.clone(), velocity.clone()
        driver.drive(BUSY_BINS, 2)
        assert torch.equal(pose, before[0])
        assert torch.equal(velocity, before[1])


class TestPerWorldModel:
    def test_walls_stop_agents_where_each_layout_says(self, engine_factory):
        s = small()
        walls = [[(4.1, 3.0, 0.05, 1.05, 0.5)], [(5.1, 3.0, 0.05, 1.05, 0.5)], [(4.1, 6.0, 0.05, 1.05, 0.5)]]
        driver = Driver(engine_factory(s, [world(s, [(2.5, 3.0, math.pi / 2)], walls=w) for w in walls]))
        x = driver.drive([[2, 0, 0]] * 3, 25)[-1, :, 0, 0]
        assert_close(x[:2], torch.tensor([4.05 - 0.15, 5.05 - 0.15]), rtol=0, atol=3e-3)
        assert x[2] > 6.0

    def test_hard_impact_on_a_wall(self, engine_factory):
        """Full speed: at most 3.3 cm deep in the wall, 1.8 mm at rest."""
        s = small()
        driver = Driver(engine_factory(s, [world(s, [(2.5, 3.0, math.pi)], walls=[(4.1, 3.0, 0.05, 1.05, 0.5)])]))
        x = driver.drive([[5, 0, 0]], 15)[:, 0, 0, 0]
        assert 3.9 < x.max() < 3.9 + 0.035
        assert abs(x[-1] - 3.9018) < 1e-3

    def test_box_sizes_differ_between_worlds(self, engine_factory):
        s = small(boxes=(0, 1))
        halves = [CUBE, (0.825, 0.075, 0.25), (0.075, 0.825, 0.25)]
        layouts = [world(s, boxes=[body(3.0, 3.0, half=half)]) for half in halves]
        engine = engine_factory(s, layouts)
        distance, entity = cast(engine, [(5.0, 3.0, 0.25), (3.0, 5.0, 0.25)], [(-1, 0, 0), (0, -1, 0)])
        expected = torch.tensor([[1.75, 1.75], [1.175, 1.925], [1.925, 1.175]])
        assert_close(distance, expected, rtol=0, atol=engine_factory.distance_tolerance)
        assert (entity == 2).all()

    def test_inertia_follows_the_size(self, engine_factory):
        """A spun long box turns on longer than a spun cube: yaw damping is the same, inertia 5.5 times as large."""
        s = small(boxes=(0, 1))
        layouts = [world(s, boxes=[body(3.0, 3.0, z=5.0, half=half)]) for half in (CUBE, (0.825, 0.075, 0.25))]
        engine = engine_factory(s, layouts)
        velocity = torch.zeros(2, 3, 4)
        velocity[:, 2, 0] = velocity[:, 2, 3] = 5.0
        engine.set_bodies(torch.arange(2, device=engine.device), engine.pose, velocity.to(engine.device))
        Driver(engine).drive([[0, 0, 0]] * 2, 4)
        inertia = torch.tensor([(0.25**2 + 0.25**2) / 3, (0.825**2 + 0.075**2) / 3])
        expected = 5.0 * torch.exp(-0.01 / inertia * 4 * STEP_SECONDS)
        assert_close(engine.velocity[:, 2, 3].cpu(), expected, rtol=1e-3, atol=0)
        along = torch.full((2,), 5.0 * math.exp(-0.01 * 4 * STEP_SECONDS))
        assert_close(engine.velocity[:, 2, 0].cpu(), along, rtol=1e-3, atol=0)

    def test_host_copies_show_the_world_as_it_is(self, engine_factory):
        driver = Driver(engine_factory(BUSY, busy_layouts(BUSY)))
        driver.drive(BUSY_BINS, 3)
        engine = driver.engine
        model, data = engine.world_model(3), engine.world_data(3)
        assert model.geom_size[engine.scene.box_geom[0]].tolist() == pytest.approx([0.075, 0.825, 0.25])
        bodies = torch.from_numpy(data.xpos[engine.scene.entity_body[[0, 1, 2, 4]]]).float()
        assert_close(bodies, engine.pose[3, [0, 1, 2, 4], :3].cpu(), rtol=0, atol=1e-5)
        assert engine.bytes_per_world > 1000


class TestAbsentBoxes:
    def test_nothing_meets_them(self, engine_factory):
        """Their rows in the layout are zeros; an agent crosses that spot as freely as any other."""
        s = small(boxes=(0, 9))
        driver = Driver(engine_factory(s, [world(s, [(-1.0, 0.0)]), world(s, [(1.0, 7.0)])]))
        poses = driver.drive([[5, 0, 0]] * 2, 20)
        travelled = poses[:, :, 0, :2] - poses[:1, :, 0, :2]
        assert_close(travelled[:, 0], travelled[:, 1], rtol=0, atol=1e-5)
        assert torch.equal(poses[:, :, 2:], poses[:1, :, 2:].expand_as(poses[:, :, 2:]))

    def test_set_bodies_ignores_their_rows(self, engine_factory):
        s = small(boxes=(0, 2))
        engine = engine_factory(s, [world(s, [(3.0, 3.0)], [None, body(5.0, 5.0)])])
        pose = engine.pose
        parked = pose[:, 2].clone()
        pose[:, 2] = torch.tensor([3.0, 3.0, 0.25, 0.0])
        pose[:, 3, 0] = 4.0
        engine.set_bodies(torch.arange(1, device=engine.device), pose, torch.ones_like(pose))
        assert torch.equal(engine.pose[:, 2], parked)
        assert engine.pose[0, 3, 0] == 4.0
        assert engine.velocity[0, 2].abs().max() == 0

    def test_rays_in_the_arena_miss_them(self, engine_factory):
        s = small(boxes=(0, 9))
        engine = engine_factory(s, [world(s)])
        angles = torch.arange(60) * math.pi / 30
        origin = torch.tensor([3.0, 3.0, 0.15]).expand(60, 3)
        for z in (0.15, 0.5, 1.0):
            direction = torch.stack([angles.cos(), angles.sin(), torch.zeros(60)], dim=-1)
            distance, entity = cast(engine, origin + torch.tensor([0, 0, z - 0.15]), direction)
            assert distance.isinf().all()
            assert (entity == -1).all()


class TestStateDict:
    def test_restart_is_exact(self, engine_factory):
        """In the middle of pushes, with a grab and locks; into an engine that has done something else."""
        layouts = busy_layouts(BUSY)
        original = Driver(engine_factory(BUSY, layouts))
        original.lock(0, 2)
        original.grab(3, 0, 0)
        original.drive(BUSY_BINS, 7)
        restored = Driver(engine_factory(BUSY, layouts[::-1]))
        restored.drive(BUSY_BINS, 3)
        saved = {name: value.clone() for name, value in original.engine.state_dict().items()}
        for name in ("holding", "offset", "yaw", "locked", "lock_pose"):
            setattr(restored, name, getattr(original, name).clone())
        expected = original.drive(BUSY_BINS, 8)
        restored.engine.load_state_dict(saved)
        engine_factory.assert_same(restored.drive(BUSY_BINS, 8), expected)
        everything = torch.arange(4, device=original.engine.device)
        rays = ([(1.0, 3.0, 0.25)] * 3, [(1, 0, 0), (0, 1, 0), (1, 0.5, 0)])
        engine_factory.assert_same(cast(restored.engine, *rays)[0], cast(original.engine, *rays)[0])
        for driver, other in ((original, restored), (restored, original)):
            driver.engine.reset(everything[1:2], layouts[2].to(driver.engine.device))
            other.unlock(0, 2)
        engine_factory.assert_same(restored.drive(BUSY_BINS, 5), original.drive(BUSY_BINS, 5))

    def test_holds_copies(self, engine_factory):
        driver = Driver(engine_factory(BUSY, busy_layouts(BUSY)))
        saved = driver.engine.state_dict()
        before = {name: value.clone() for name, value in saved.items()}
        driver.drive(BUSY_BINS, 3)
        assert all(torch.equal(saved[name], before[name]) for name in saved)


class TestDivergence:
    @pytest.mark.parametrize("broken", ["nan position", "nan velocity", "thrown away"])
    def test_only_the_broken_world_is_flagged(self, engine_factory, broken):
        layouts = busy_layouts(BUSY)
        driver, sane = (Driver(engine_factory(BUSY, layouts)) for _ in range(2))
        for d in (driver, sane):
            d.drive(BUSY_BINS, 3)
            assert not d.engine.diverged.any()
        worlds = torch.tensor([2], device=driver.engine.device)
        pose, velocity = driver.engine.pose[worlds], driver.engine.velocity[worlds]
        if broken == "nan position":
            pose[0, 0, 0] = math.nan
        else:
            velocity[0, 3, 0] = math.nan if broken == "nan velocity" else 3000.0
        driver.engine.set_bodies(worlds, pose, velocity)
        driver.drive(BUSY_BINS, 1)
        sane.drive(BUSY_BINS, 1)
        assert driver.engine.diverged.tolist() == [False, False, True, False]
        others = [0, 1, 3]
        engine_factory.assert_same(driver.engine.pose[others], sane.engine.pose[others])

        driver.engine.reset(worlds, layouts[2].to(driver.engine.device))
        assert not driver.engine.diverged.any()
        fresh = Driver(engine_factory(BUSY, layouts))
        after, expected = driver.drive(BUSY_BINS, 4), fresh.drive(BUSY_BINS, 4)
        assert not driver.engine.diverged.any()
        engine_factory.assert_same(after[:, 2], expected[:, 2])
