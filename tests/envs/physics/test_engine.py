"""The physics contract (envs/physics/engine.py), for every engine in conftest.ENGINES.

Speeds, ramp outcomes and deflections are those measured with the original rules (environment rules 1.4 and 2.7).
"""

import math

import pytest
import torch
from torch.testing import assert_close

from envs.layouts import Layout
from tests.envs.worlds import CUBE, Driver, body, small, world

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


class TestFreeMotion:
    """The table of rule 1.4."""

    TRAVEL_PER_STEP = (0.060, 0.195, 0.330, 0.465, 0.602)  # Steady, metres; speeds at one instant ripple by 6 %.
    TRAVEL = (
        (0.018, 0.058, 0.109, 0.164, 0.222),
        (0.060, 0.190, 0.354, 0.533, 0.722),
        (0.102, 0.321, 0.599, 0.904, 1.222),
        (0.143, 0.454, 0.844, 1.273, 1.720),
        (0.185, 0.586, 1.088, 1.643, 2.220),
    )
    YAW_PER_STEP = (0.135, 0.270, 0.405, 0.540, 0.675)

    @pytest.fixture
    def driver(self, engine_factory):
        s = small()
        return Driver(engine_factory(s, [world(s, [(3.0, 3.0)])] * 5))

    @pytest.mark.parametrize("axis", [0, 1])
    def test_speed_and_travel(self, driver, engine_factory, axis):
        bins = torch.zeros(5, 3)
        bins[:, axis] = torch.arange(1, 6)
        poses = driver.drive(bins, 20)[:, :, 0]
        travel = (poses - poses[0])[..., axis]
        # The table's last digit is a millimetre.
        assert_close(travel[1:6].T, torch.tensor(self.TRAVEL), rtol=engine_factory.speed_tolerance, atol=1e-3)
        steady = (travel[20] - travel[10]) / 10
        assert_close(steady, torch.tensor(self.TRAVEL_PER_STEP), rtol=engine_factory.speed_tolerance, atol=0)
        assert (poses - poses[0])[..., [1 - axis, 3]].abs().max() < 1e-4

    def test_turning(self, driver, engine_factory):
        bins = torch.zeros(5, 3)
        bins[:, 2] = torch.arange(1, 6)
        poses = driver.drive(bins, 20)[:, :, 0]
        turned = poses[:, :, 3]
        expected = torch.tensor(self.YAW_PER_STEP)
        assert_close(turned[20] - turned[10], 10 * expected, rtol=engine_factory.speed_tolerance, atol=0)
        assert_close(driver.engine.velocity[:, 0, 3].cpu(), expected / STEP_SECONDS, rtol=0.01, atol=0)
        assert (poses - poses[0])[..., :2].abs().max() < 1e-4

    def test_forces_act_along_world_axes_whatever_the_heading(self, driver):
        poses = driver.drive([[5, 0, 2]] * 5, 10)[:, :, 0]
        assert poses[-1, 0, 3] > 2.0
        assert (poses[-1, :, 1] - 3.0).abs().max() < 1e-3

    def test_diagonal_coasting_and_falling(self, engine_factory):
        s = small()
        driver = Driver(engine_factory(s, [world(s, [(3.0, 3.0)]), world(s, [(3.0, 3.0, 0.0, 2.0)])]))
        driver.drive([[5, 5, 0], [0, 0, 0]], 4)
        assert driver.engine.pose[1, 0, 2] < 0.2
        poses = driver.drive([[5, 5, 0], [0, 0, 0]], 16)[:, 0, 0]
        speed = (poses[16, :2] - poses[6, :2]).norm() / (10 * STEP_SECONDS)
        assert_close(speed, torch.tensor(11.9), rtol=0.02, atol=0)
        driver.drive([[0, 0, 0]] * 2, 4)
        assert driver.engine.velocity[0, 0, :2].norm() < 0.2


class TestPushingAndDragging:
    def test_pushing_a_cube(self, engine_factory):
        """(F - 20 N) / 10: 1.6 m/s at bin 2, 7 m/s at full force; bin 1 hardly moves it."""
        s = small(boxes=(0, 1))
        layouts = [world(s, [(2.5, 3.0, math.pi / 2)], [body(3.0, 3.0)])] * 3
        poses = Driver(engine_factory(s, layouts)).drive([[1, 0, 0], [2, 0, 0], [5, 0, 0]], 15)
        speed = (poses[15] - poses[10])[:, 2, 0] / (5 * STEP_SECONDS)
        assert speed[0] < 0.05
        assert_close(speed[1:], torch.tensor([1.6, 7.0]), rtol=engine_factory.speed_tolerance, atol=0)

    def test_dragging_a_cube(self, engine_factory):
        """7 m/s at full force; the weld gives way a little and holds the yaw."""
        s = small(boxes=(0, 1))
        driver = Driver(engine_factory(s, [world(s, [(3.0, 3.0, math.pi / 2)], [body(3.45, 3.0)])]))
        driver.grab(0, 0, 0)
        poses = driver.drive([[-5, 0, 0]], 17)[:, 0]
        speed = (poses[12] - poses[17])[2, 0] / (5 * STEP_SECONDS)
        assert_close(speed, torch.tensor(7.0), rtol=engine_factory.speed_tolerance, atol=0)
        gap = poses[17, 2] - poses[17, 0]
        assert_close(gap[:2], torch.tensor([0.45, 0.0]), rtol=0, atol=0.03)
        assert_close(gap[3], torch.tensor(-math.pi / 2), rtol=0, atol=0.01)
        driver.release(0, 0)
        poses = driver.drive([[-5, 0, 0]], 10)[:, 0]
        assert poses[-1, 0, 0] < poses[-1, 2, 0] - 1.0

    def test_a_weld_carries_the_object_around(self, engine_factory):
        """Relative position and yaw stay while the holder turns; without the weld the cube stays behind."""
        s = small(boxes=(0, 1))
        layout = world(s, [(3.0, 3.0, math.pi / 2)], [body(3.45, 3.0)])
        driver = Driver(engine_factory(s, [layout, layout]))
        driver.grab(0, 0, 0)
        driver.drive([[0, 0, 2]] * 2, 10)
        poses = driver.drive([[0, 0, 0]] * 2, 5)[-1]
        agent, cube = poses[0, 0], poses[0, 2]
        assert cube[3] > 1.5
        assert abs((cube[3] - agent[3]) + math.pi / 2) < 0.01
        angle = torch.atan2(cube[1] - agent[1], cube[0] - agent[0]) - agent[3]
        assert abs(math.remainder(angle.item() + math.pi / 2, 2 * math.pi)) < 0.02
        assert abs((cube - agent)[:2].norm() - 0.45) < 0.01
        assert (poses[1, 2, :2] - torch.tensor([3.45, 3.0])).norm() < 0.1

    def test_two_agents_hold_one_object(self, engine_factory):
        """A tug of war: both keep it, the stronger one wins."""
        s = small(boxes=(0, 1))
        driver = Driver(
            engine_factory(s, [world(s, [(2.55, 3.0, math.pi / 2), (3.45, 3.0, -math.pi / 2)], [body(3, 3)])])
        )
        driver.grab(0, 0, 0)
        driver.grab(0, 1, 0)
        pose = driver.drive([[[-5, 0, 0], [3, 0, 0]]], 12)[-1, 0]
        assert abs(pose[2, 0] - 2.767) < 0.01
        assert_close((pose[2] - pose[0])[:2], torch.tensor([0.45, 0.0]), rtol=0, atol=0.03)
        assert_close((pose[1] - pose[2])[:2], torch.tensor([0.45, 0.0]), rtol=0, atol=0.03)


class TestRamps:
    """Who gets over, and how high (rule 2.7): agents start 1 m before the ramp's centre and drive at its slope."""

    BINS = (3, 4, 5)
    BACKING = (3.0, 2.7, 1.05, 0.05, 0.5)

    def climb(self, engine_factory, walls=(), locked=False):
        s = small(ramps=1)
        layouts = [world(s, [(3.0, 4.0)], ramps=[body(3.0, 3.0)], walls=walls)] * 3
        driver = Driver(engine_factory(s, layouts))
        if locked:
            for i in range(3):
                driver.lock(i, 0)
        return driver.drive([[0, -b, 0] for b in self.BINS], 14)

    def test_free_ramp_slides_away(self, engine_factory):
        poses = self.climb(engine_factory)
        height = poses[:, :, 0, 2].amax(0)
        assert (height < 0.38).all()
        assert (poses[-1, :, 2, 1] < 1.0).all()
        assert (poses[-1, :, 0, 1] > poses[-1, :, 2, 1]).all()

    def test_ramp_backed_by_a_wall(self, engine_factory):
        poses = self.climb(engine_factory, walls=[self.BACKING])
        height, y = poses[:, :, 0, 2].amax(0), poses[-1, :, 0, 1]
        assert_close(height, torch.tensor([0.600, 0.650, 0.667]), rtol=0, atol=0.01)
        assert abs(y[0] - 2.86) < 0.02, "bin 3 stalls at the top edge"
        assert (y[1:] < 2.0).all(), "bins 4 and 5 get over the ramp and the wall"

    def test_locked_ramp(self, engine_factory):
        poses = self.climb(engine_factory, locked=True)
        height, y = poses[:, :, 0, 2].amax(0), poses[-1, :, 0, 1]
        assert_close(height, torch.tensor([0.649, 0.660, 0.731]), rtol=0, atol=0.015)
        assert (y < 2.7).all(), "all three get over"
        assert (poses[:, :, 2, :2] - 3.0).abs().max() < 0.012


class TestLocks:
    def test_hold_in_mid_air_and_free_when_unlocked(self, engine_factory):
        s = small(boxes=(0, 2))
        driver = Driver(engine_factory(s, [world(s, boxes=[body(3.0, 3.0, z=1.0, yaw=0.4), body(5.0, 5.0, z=1.0)])]))
        driver.lock(0, 0)
        poses = driver.drive([[0, 0, 0]], 10)[:, 0]
        assert (poses[:, 2, 2] - 1.0).abs().max() < 3e-3
        assert abs(poses[-1, 2, 3] - 0.4) < 1e-3
        assert abs(poses[-1, 3, 2] - 0.25) < 3e-3
        driver.unlock(0, 0)
        assert abs(driver.drive([[0, 0, 0]], 10)[-1, 0, 2, 2] - 0.25) < 3e-3

    def test_hold_against_a_push(self, engine_factory):
        """9 mm at the impact, 1.8 mm at rest under 90 N; the same cube unlocked is pushed away."""
        s = small(boxes=(0, 1))
        driver = Driver(engine_factory(s, [world(s, [(2.5, 3.0, math.pi / 2)], [body(3.0, 3.0)])] * 2))
        driver.lock(0, 0)
        poses = driver.drive([[5, 0, 0]] * 2, 15)[:, :, 2]
        moved = poses[:, 0, 0] - 3.0
        assert moved.abs().max() < 0.012
        assert_close(moved[-1], torch.tensor(1.8e-3), rtol=0, atol=4e-4)
        assert poses[-1, 1, 0] > 6.0
        driver.unlock(0, 0)
        assert driver.drive([[5, 0, 0]] * 2, 10)[-1, 0, 2, 0] > 5.0

    def test_a_held_locked_object_tethers_the_agent(self, engine_factory):
        s = small(boxes=(0, 1))
        driver = Driver(engine_factory(s, [world(s, [(3.0, 3.0, math.pi / 2)], [body(3.45, 3.0)])]))
        driver.lock(0, 0)
        driver.grab(0, 0, 0)
        pose = driver.drive([[-5, 0, 0]], 15)[-1, 0]
        assert abs(pose[0, 0] - 2.995) < 3e-3
        assert abs(pose[2, 0] - 3.45) < 3e-3


def cast(engine, origins, directions, exclude=None):
    """Cast the same rays in every world. Returns (W, N) distances and entities on the CPU."""
    n, device = len(origins), engine.device

    def expand(rays):
        return torch.as_tensor(rays, dtype=torch.float32).expand(engine.num_worlds, n, 3).to(device)

    excluded = torch.full((n,), -1) if exclude is None else torch.tensor(exclude)
    worlds = torch.arange(engine.num_worlds, device=device)
    distance, entity = engine.rays(worlds, expand(origins), expand(directions), excluded.to(device))
    assert distance.dtype == torch.float32
    assert entity.dtype == torch.int64
    return distance.cpu(), entity.cpu()


class TestRays:
    RAYS = (
        # origin, direction, distance, entity (0 and 1 agents, 2 cube, 3 long box, 4 ramp), what
        ((1.0, 3.0, 0.25), (1, 0, 0), 1.75, 2, "cube from the west"),
        ((1.0, 3.0, 0.25), (2, 0, 0), 0.875, 2, "distances are in units of the direction's length"),
        ((1.0, 3.0, 0.6), (1, 0, 0), math.inf, -1, "over the cube"),
        ((3.0, 3.0, 2.0), (0, 0, -1), 1.5, 2, "on top of the cube"),
        ((1.0, 1.0, 2.0), (0, 0, -1), 2.0, -1, "the floor"),
        ((1.0, 5.0, 0.25), (1, 0, 0), 2.0 - 0.25 * math.sqrt(2), 3, "corner of a cube turned by 45 degrees"),
        ((6.0, 4.0, 0.15), (0, -1, 0), 0.9, 4, "the slope at height 0.15"),
        ((6.0, 2.0, 0.15), (0, 1, 0), 0.75, 4, "the ramp's vertical face"),
        ((6.0, 4.0, 0.45), (0, -1, 0), 1.2, 4, "the slope near its top"),
        ((6.0, 4.0, 0.51), (0, -1, 0), math.inf, -1, "over the ramp"),
        ((9.0, 5.0, 0.15), (0, -1, 0), 1.85, 0, "an agent's sphere from behind"),
        ((9.13, 1.0, 0.1), (0, 1, 0), 1.875, 0, "an agent's arm, which sticks out at its front"),
        ((9.0, 1.0, 0.15), (0, 1, 0), 1.85, 0, "an agent's sphere between its arms; eyes are transparent"),
        ((1.0, 8.0, 0.4), (1, 0, 0), 1.95, -1, "an inner wall"),
        ((1.0, 8.0, 0.6), (1, 0, 0), 4.95, -1, "over the inner wall, at the outer one"),
    )

    @pytest.fixture
    def engine(self, engine_factory):
        s = small(boxes=(0, 2), ramps=1)
        layout = world(
            s,
            [(9.0, 3.0), (20.0, 20.0)],
            [body(3.0, 3.0), body(3.0, 5.0, yaw=math.pi / 4)],
            [body(6.0, 3.0)],
            [(3.0, 8.0, 0.05, 1.0, 0.5), (6.0, 8.0, 0.05, 1.0, 4.0)],
        )
        return engine_factory(s, [layout])

    @pytest.mark.parametrize("ray", RAYS, ids=lambda ray: ray[-1])
    def test_hand_computed(self, engine, engine_factory, ray):
        origin, direction, expected, entity, _ = ray
        distance, hit = cast(engine, [origin], [direction])
        assert hit.item() == entity
        if math.isinf(expected):
            assert distance.isinf().all()
        else:
            assert abs(distance.item() - expected) < engine_factory.distance_tolerance

    def test_exclude_is_per_ray(self, engine, engine_factory):
        """Through the cube at the ramp behind it; at the cube; out of an agent's own sphere."""
        origins, directions = [(1.0, 2.9, 0.25), (1.0, 2.9, 0.25), (9.0, 3.0, 0.15)], [(1, 0, 0), (1, 0, 0), (0, -1, 0)]
        distance, entity = cast(engine, origins, directions, exclude=[2, -1, 0])
        assert entity.tolist() == [[4, 2, -1]]
        assert_close(distance[0, :2], torch.tensor([4.75, 1.75]), rtol=0, atol=engine_factory.distance_tolerance)
        assert distance[0, 2].isinf()

    def test_some_worlds_only(self, engine_factory):
        s = small(boxes=(0, 1))
        engine = engine_factory(s, [world(s, boxes=[body(3.0 + i, 3.0)]) for i in range(4)])
        rays = torch.tensor([[[1.0, 3.0, 0.25]]]).expand(2, 1, 3).to(engine.device)
        direction = torch.tensor([[[1.0, 0, 0]]]).expand(2, 1, 3).to(engine.device)
        worlds, exclude = torch.tensor([1, 3], device=engine.device), torch.tensor([-1], device=engine.device)
        distance, _ = engine.rays(worlds, rays, direction, exclude)
        assert_close(distance.cpu()[:, 0], torch.tensor([2.75, 4.75]), rtol=0, atol=engine_factory.distance_tolerance)

    def test_see_what_the_last_step_did(self, engine_factory):
        s = small(boxes=(0, 1))
        driver = Driver(engine_factory(s, [world(s, [(2.5, 3.0, math.pi / 2)], [body(3.0, 3.0)])]))
        driver.drive([[5, 0, 0]], 10)
        distance, _ = cast(driver.engine, [(10.0, 3.0, 0.25)], [(-1, 0, 0)])
        assert abs(distance.item() - (10.0 - driver.engine.pose[0, 2, 0].item() - 0.25)) < 1e-4


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
