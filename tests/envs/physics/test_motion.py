"""What bodies do, for every engine in conftest.ENGINES.

Speeds, ramp outcomes and deflections are those measured with the original rules (environment rules 1.4 and 2.7).
"""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.envs.worlds import Driver, body, small, world

STEP_SECONDS = 0.075


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

    def test_nobody_gets_over_a_low_box_that_is_locked(self, engine_factory):
        """It is as high as an agent's centre, less 2 cm: full force from 1.25 m away, straight and askew."""
        s = small(boxes=(0, 1), box_height=0.13)
        low = (0.25, 0.25, 0.065)
        starts = [(1.5, 3.0), (1.5, 3.1), (1.5, 2.8)]
        driver = Driver(engine_factory(s, [world(s, [start], [body(3.0, 3.0, half=low)]) for start in starts]))
        for i in range(3):
            driver.lock(i, 0)
        poses = driver.drive([[5, 0, 0], [5, -1, 0], [5, 1, 0]], 30)
        assert (poses[:, :, 0, 2] < 0.2).all()
        assert (poses[:, 0, 0, 0] < 2.65).all()
        assert (poses[:, :, 2, :2] - 3.0).abs().max() < 0.05

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
