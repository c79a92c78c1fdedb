"""Boxes that turn about all three axes, on every engine."""

import math

import torch
from torch.testing import assert_close

from envs.tensors.orientation import tilt_seen_from, to_world
from tests.envs.worlds import CUBE, Driver, body, small, world

SCENARIO = small(seekers=0, boxes=(0, 2), ramps=1, tilting_boxes=True)
LONG = (0.825, 0.075, 0.25)
QUARTER = math.pi / 2
NOTHING = torch.zeros(1, 1, 3)


def released(engine_factory, half, *tilts, rates=None, lift=0.0):
    """One world per (about x, about y): a box with its lowest point ``lift`` above the floor, and an agent at (1,
    1)."""
    layout = world(SCENARIO, [(1.0, 1.0)], [body(3.0, 3.0, half=half)], [body(5.0, 5.0)])
    engine = engine_factory(SCENARIO, [layout] * len(tilts))
    pose, corner = engine.pose, torch.tensor(half, device=engine.device)
    pose[:, 1, 4:] = torch.tensor(tilts, device=engine.device)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], device=engine.device)] * 3)
    corners = to_world((signs * corner).expand(len(tilts), 8, 3), pose[:, 1, None])
    pose[:, 1, 2] = lift - corners[..., 2].amin(1)
    velocity = torch.zeros_like(pose)
    if rates is not None:
        velocity[:, 1, 1:] = torch.tensor(rates, device=engine.device)
    engine.set_bodies(torch.arange(len(tilts), device=engine.device), pose, velocity)
    return engine


def relative_rotation(pose):
    """The box's rotation in the agent's frame as a quaternion (T, 4), from poses (T, E, Q)."""
    w, x, y, z = tilt_seen_from(pose[:, 0, 3], pose[:, 1]).unbind(-1)
    half = (pose[:, 1, 3] - pose[:, 0, 3]) / 2
    cos, sin = half.cos(), half.sin()
    return torch.stack([w * cos - z * sin, x * cos + y * sin, y * cos - x * sin, z * cos + w * sin], -1)


def test_poses_are_read_as_they_were_written(engine_factory):
    engine = released(engine_factory, CUBE, (0.3, -0.4), (-2.0, 1.0))
    pose = engine.pose.cpu()
    assert pose.shape == engine.velocity.shape == (2, 4, 6)
    assert_close(pose[:, 1, 4:], torch.tensor([[0.3, -0.4], [-2.0, 1.0]]))
    assert (pose[:, [0, 2, 3], 4:] == 0).all()
    velocity = torch.rand(2, 4, 6, device=engine.device)
    engine.set_bodies(torch.arange(2, device=engine.device), engine.pose, velocity)
    assert torch.equal(engine.velocity[:, 1], velocity[:, 1])
    assert torch.equal(engine.velocity[:, [0, 3], :4], velocity[:, [0, 3], :4])
    assert (engine.pose[:, 2, 0] < -20).all() and (engine.velocity[:, 2] == 0).all()  # The absent box is parked.


def test_a_cube_falls_back_or_over(engine_factory):
    """From 40 degrees it falls back on its bottom, from 50 on its side, about either axis and either way."""
    back, over = math.radians(40), math.radians(50)
    tilts = [(back, 0.0), (0.0, -back), (over, 0.0), (-over, 0.0), (0.0, over), (0.0, -over)]
    poses = Driver(released(engine_factory, CUBE, *tilts)).drive(NOTHING.expand(6, 1, 3), 40)
    ends = torch.tensor([(0, 0), (0, 0), (QUARTER, 0), (-QUARTER, 0), (0, QUARTER), (0, -QUARTER)])
    assert_close(poses[-1, :, 1, 4:5], ends[:, :1], rtol=0, atol=0.02)
    # On its +-x side the angles about x and z are about one line: only their sum or difference says anything.
    assert_close(poses[-1, :, 1, 5:], ends[:, 1:], rtol=0, atol=0.02)
    assert_close(poses[-1, :, 1, 2], torch.full((6,), 0.25), rtol=0, atol=0.005)
    assert (poses[-1] - poses[-2])[:, :2].abs().max() < 2e-3  # At rest.


def test_a_long_box_that_is_knocked_over_lies_flat(engine_factory):
    """It turns about its lower edge at y = -0.075: slowly it falls back, fast it falls over, from 0.5 m high to 0.15
    m."""
    rates = [[-0.25 * w, 0.075 * w, 0.0, w, 0.0] for w in (2.0, 6.0)]  # vy, vz; about z, x and y.
    engine = released(engine_factory, LONG, (0.0, 0.0), (0.0, 0.0), rates=rates)
    poses = Driver(engine).drive(NOTHING.expand(2, 1, 3), 40)
    assert_close(poses[-1, :, 1, 4], torch.tensor([0.0, QUARTER]), rtol=0, atol=0.02)
    assert_close(poses[-1, :, 1, 2], torch.tensor([0.25, 0.075]), rtol=0, atol=0.005)


def test_a_tilted_box_stays_locked(engine_factory):
    """Nearly balanced on its edge, on a corner, and on its side; unlocked, they all fall flat."""
    tilts = [(0.8, 0.0), (0.5, -0.6), (0.0, QUARTER)]
    driver = Driver(released(engine_factory, CUBE, *tilts))
    for w in range(3):
        driver.lock(w, 0)
    poses = driver.drive(NOTHING.expand(3, 1, 3), 50)[:, :, 1]
    moved = (poses - poses[0]).abs()
    assert moved[..., :3].max() < 1e-3  # Metres.
    assert moved[..., 3:].max() < 2e-3  # Radians; the one on its corner sags by 1.3e-3.
    for w in range(3):
        driver.unlock(w, 0)
    poses = driver.drive(NOTHING.expand(3, 1, 3), 40)[-1, :, 1]
    assert (poses[:, 2] - 0.25).abs().max() < 0.005


def test_a_held_box_keeps_its_orientation_in_the_hand(engine_factory):
    """Picked up tilted about both axes, it turns with the agent by more than half a turn."""
    layout = world(SCENARIO, [(3.0, 3.0)], [body(3.0, 2.5)], [body(5.0, 5.0)])
    engine = engine_factory(SCENARIO, [layout])
    pose = engine.pose
    pose[0, 1] = torch.tensor([3.0, 2.4, 0.45, 0.4, math.pi / 4, 0.3], device=engine.device)
    engine.set_bodies(torch.arange(1, device=engine.device), pose, torch.zeros_like(pose))
    driver = Driver(engine)
    driver.grab(0, 0, 0)
    poses = driver.drive([[0, 0, 2]], 15)[:, 0]
    assert poses[-1, 0, 3] > math.pi
    same = (relative_rotation(poses) * relative_rotation(poses[:1])).sum(-1).abs()
    angle = 2 * same.clamp(max=1).acos()
    assert angle.max() < 0.1
