"""Rotations of poses, by hand and against matrices; reach, grabs and corners of tilted boxes."""

import math

import pytest
import torch
from torch.testing import assert_close

from envs.games.blueprint import POINT_SIGNS, box_points
from envs.manipulation import Grabs, distance_to_objects, update_grabs
from envs.tensors.orientation import tilt_seen_from, to_body, to_world

EIGHTH, QUARTER = math.pi / 4, math.pi / 2
CUBE = torch.full((1, 1, 3), 0.25)


def matrices(pose):
    """Rx Ry Rz written out, (N, 3, 3) double."""
    yaw, x, y = pose[:, 3:].double().unbind(-1)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    about_x = torch.stack([one, zero, zero, zero, x.cos(), -x.sin(), zero, x.sin(), x.cos()], -1).view(-1, 3, 3)
    about_y = torch.stack([y.cos(), zero, y.sin(), zero, one, zero, -y.sin(), zero, y.cos()], -1).view(-1, 3, 3)
    about_z = torch.stack([yaw.cos(), -yaw.sin(), zero, yaw.sin(), yaw.cos(), zero, zero, zero, one], -1).view(-1, 3, 3)
    return about_x @ about_y @ about_z


def random_poses(number):
    return torch.rand(number, 6, generator=torch.Generator().manual_seed(0)) * 8 - 4


@pytest.mark.parametrize(
    "pose, expected",
    [
        ((0, 0, 0, QUARTER, 0, 0), (-2.0, 1.0, 3.0)),
        ((0, 0, 0, 0, QUARTER, 0), (1.0, -3.0, 2.0)),
        ((0, 0, 0, 0, 0, QUARTER), (3.0, 2.0, -1.0)),
        ((0, 0, 0, QUARTER, QUARTER, 0), (-2.0, -3.0, 1.0)),  # First about z, then about x.
        ((9, 9, 9, QUARTER), (-2.0, 1.0, 3.0)),
    ],
)
def test_hand_computed(pose, expected):
    vector, pose = torch.tensor([1.0, 2.0, 3.0]), torch.tensor(pose, dtype=torch.float32)
    assert_close(to_world(vector, pose), torch.tensor(expected), rtol=0, atol=1e-6)
    assert_close(to_body(torch.tensor(expected), pose), vector, rtol=0, atol=1e-6)


def test_against_matrices():
    pose = random_poses(50)
    vector = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    turned = (matrices(pose) @ vector.double()[..., None])[..., 0].float()
    assert_close(to_world(vector, pose), turned, rtol=0, atol=1e-6)
    assert_close(to_body(turned, pose), vector, rtol=0, atol=1e-6)


def test_tilt_and_yaws_make_the_relative_rotation():
    """tilt Rz(yaw difference) = Rz(-agent yaw) Rx Ry Rz, as matrices."""
    pose, agent_yaw = random_poses(50), torch.linspace(-3, 3, 50)
    w, x, y, z = tilt_seen_from(agent_yaw, pose).double().unbind(-1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    rows += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    tilt = torch.stack(rows, -1).view(-1, 3, 3)
    only_yaw = torch.zeros(50, 6)
    only_yaw[:, 3] = pose[:, 3] - agent_yaw
    back = torch.zeros(50, 6)
    back[:, 3] = -agent_yaw
    assert_close(tilt @ matrices(only_yaw), matrices(back) @ matrices(pose), rtol=0, atol=1e-5)


def test_upright_is_the_identity():
    pose = random_poses(5)
    pose[:, 4:] = 0.0
    assert_close(tilt_seen_from(pose[:, 0], pose), torch.tensor([1.0, 0, 0, 0]).expand(5, 4), rtol=0, atol=0)


@pytest.mark.parametrize(
    "agent, tilt, expected",
    [
        # The cube stands on an edge: its corner towards +y is 0.25 sqrt 2 away, at the height of its centre.
        ((0.0, 1.0, 0.0), (EIGHTH, 0.0), 1.0 - 0.25 * math.sqrt(2)),
        # Along x its face is where it was.
        ((1.0, 0.0, 0.0), (EIGHTH, 0.0), 0.75),
        # On the normal of a face that looks up at 45 degrees.
        ((0.0, 0.5, 0.5), (EIGHTH, 0.0), math.sqrt(0.5) - 0.25),
        ((1.0, 0.0, 0.0), (0.0, EIGHTH), 1.0 - 0.25 * math.sqrt(2)),
    ],
)
def test_reach_to_a_tilted_cube(agent, tilt, expected):
    pose = torch.tensor([[[0.0, 0.0, 0.0, 0.0, *tilt]]])
    assert distance_to_objects(torch.tensor([[agent]]), pose, CUBE).item() == pytest.approx(expected, abs=1e-6)


def test_reach_to_a_long_box_on_its_end():
    """1.65 m along x, tipped about y by 90 degrees: it now reaches 0.825 m up, and 0.25 m along x."""
    pose = torch.tensor([[[0.0, 0.0, 0.825, 0.0, 0.0, QUARTER]]])
    agents = torch.tensor([[[0.0, 0.0, 2.0], [1.0, 0.0, 0.15], [0.0, 0.5, 1.6]]])
    distance = distance_to_objects(agents, pose, torch.tensor([[[0.825, 0.075, 0.25]]]))
    assert_close(distance[0, :, 0], torch.tensor([0.35, 0.75, 0.425]), rtol=0, atol=1e-6)


def test_a_grab_keeps_the_tilt_until_the_held_object_changes():
    agent, box = torch.tensor([0.0, 0.0, 0.15, QUARTER, 0, 0]), torch.tensor([0.45, 0.0, 0.3, 0.2, EIGHTH, 0.0])
    true = torch.ones(1, 1, dtype=torch.bool)
    near, distance = true[..., None], torch.zeros(1, 1, 1)
    pose = torch.stack([agent, box])[None]
    first = update_grabs(Grabs.none(1, 1, torch.device("cpu")), true, near, distance, pose)
    # A tilt about the world's x axis is one about -y for an agent that is turned by 90 degrees.
    half = EIGHTH / 2
    assert_close(first.tilt, torch.tensor([[[math.cos(half), 0.0, -math.sin(half), 0.0]]]), rtol=0, atol=1e-6)
    moved = pose.clone()
    moved[0, 1, 4] = 0.3
    assert torch.equal(update_grabs(first, true, near, distance, moved).tilt, first.tilt)
    released = update_grabs(first, ~true, near, distance, moved)
    again = update_grabs(released, true, near, distance, moved)
    assert again.tilt[0, 0, 2].item() == pytest.approx(-math.sin(0.15), abs=1e-6)


def test_corners_of_a_box_tilt_with_it():
    """On its +y side, the corners at mid-height lie in the plane y = centre."""
    pose, half = torch.tensor([[[1.0, 2.0, 0.25, 0.0, QUARTER, 0.0]]]), torch.tensor([[[0.3, 0.2, 0.25]]])
    points = box_points(pose, half, torch.tensor(POINT_SIGNS))[0, 0]
    expected = [(1.0, 2.0, 0.25), (0.7, 2.0, 0.05), (0.7, 2.0, 0.45), (1.3, 2.0, 0.05), (1.3, 2.0, 0.45)]
    assert_close(points, torch.tensor(expected), rtol=0, atol=1e-6)
