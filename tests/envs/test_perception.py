import math

import pytest
import torch
from torch.testing import assert_close

from envs.perception import Perception, in_cone
from envs.physics.cpu import CpuEngine
from envs.tensors.orientation import rotate
from tests.envs.worlds import body, build_scene, small, world

HALF_CONE = math.radians(67.5)
EAST, NORTH, WEST, SOUTH = math.pi / 2, math.pi, -math.pi / 2, 0.0  # Yaw of an agent that looks there.
EPSILON = math.radians(0.05)


def look(scenario, agents, boxes=(), ramps=(), walls=()):
    """Visible (A, E) and lidar (A, L) of a hand-made world."""
    engine = CpuEngine(build_scene(scenario), 1, 1)
    layout = world(scenario, agents, boxes, ramps, walls)
    engine.reset(torch.tensor([0]), layout)
    present = torch.ones(1, engine.scene.num_entities, dtype=torch.bool)
    present[:, scenario.num_agents : scenario.num_agents + scenario.max_boxes] = layout.box_present
    visible, lidar = Perception(scenario, engine).sense(torch.tensor([0]), engine.pose, present)
    return visible[0], lidar[0]


def test_rotate():
    turned = rotate(torch.tensor([[1.0, 0.0, 5.0], [0.0, 2.0, 5.0]]), torch.tensor([math.pi / 2, math.pi]))
    assert_close(turned, torch.tensor([[0.0, 1.0, 5.0], [0.0, -2.0, 5.0]]), rtol=0, atol=1e-6)


class TestCone:
    def cone(self, yaw, angle, distance=2.0):
        """Is a target in the cone of an agent of this yaw, in the direction of this world angle?"""
        agent = torch.tensor([[[1.0, 2.0, 0.15, yaw]]])
        target = torch.tensor([[[1.0 + distance * math.cos(angle), 2.0 + distance * math.sin(angle), 0.7]]])
        return in_cone(agent, target, 2 * HALF_CONE).item()

    @pytest.mark.parametrize("yaw", [0.0, 0.3, math.pi / 2, -2.0, 7.5, -40.0])
    @pytest.mark.parametrize("distance", [0.3, 2.0, 30.0])
    def test_edges_at_67_5_degrees(self, yaw, distance):
        heading = yaw - math.pi / 2
        for side in (-1, 1):
            assert self.cone(yaw, heading + side * (HALF_CONE - EPSILON), distance)
            assert not self.cone(yaw, heading + side * (HALF_CONE + EPSILON), distance)
        assert self.cone(yaw, heading, distance)
        assert not self.cone(yaw, heading + math.pi, distance)

    def test_looks_to_minus_y_at_yaw_0(self):
        assert self.cone(0.0, -math.pi / 2)
        assert not self.cone(0.0, math.pi / 2)

    def test_all_pairs_of_a_batch(self):
        agents = torch.tensor([[[0.0, 0, 0, EAST], [0.0, 0, 0, WEST]], [[0.0, 0, 0, NORTH], [0.0, 0, 0, SOUTH]]])
        targets = torch.tensor([[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]]).expand(2, 4, 3)
        expected = torch.eye(4, dtype=torch.bool).view(2, 2, 4)
        assert torch.equal(in_cone(agents, targets, 2 * HALF_CONE), expected)

    def test_a_wider_angle(self):
        agent, target = torch.tensor([[[0.0, 0, 0, EAST]]]), torch.tensor([[[-1.0, 0.1, 0]]])
        assert not in_cone(agent, target, math.radians(300)).item()
        assert in_cone(agent, target, math.radians(359)).item()


class TestVisibility:
    PAIR = small(boxes=(0, 2))
    WALL = (3.0, 3.0, 0.05, 1.0, 0.5)

    def sees(self, agents, boxes=(), walls=(), scenario=PAIR):
        """(agent 0 sees agent 1, agent 1 sees agent 0)."""
        visible, _ = look(scenario, agents, boxes, walls=walls)
        assert not visible.diagonal().any(), "nobody sees itself"
        return visible[0, 1].item(), visible[1, 0].item()

    def test_face_to_face(self):
        assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)]) == (True, True)

    def test_one_looks_away(self):
        assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, EAST)]) == (True, False)

    def test_cone_edge(self):
        for offset, expected in ((-EPSILON, True), (EPSILON, False)):
            yaw = EAST + HALF_CONE + offset  # Turned to the left of the other agent.
            assert self.sees([(2.0, 3.0, yaw), (4.0, 3.0, EAST)]) == (expected, False)

    def test_wall_in_between(self):
        assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)], walls=[self.WALL]) == (False, False)

    def test_wall_that_ends_before_the_line_of_sight(self):
        for end, expected in ((2.98, True), (3.02, False)):
            wall = (3.0, end - 1.0, 0.05, 1.0, 0.5)
            assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)], walls=[wall]) == (expected, expected)

    def test_a_box_hides_and_is_seen(self):
        visible, _ = look(self.PAIR, [(2.0, 3.0, EAST), (4.0, 3.0, WEST)], [body(3.0, 3.0), None])
        assert visible.tolist() == [[False, False, True, False], [False, False, True, False]]

    def test_only_the_line_between_centres_counts(self):
        """A box that covers half of the other agent, but not its centre, hides nothing; 2 cm more hide it."""
        assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)], [body(3.0, 3.26)]) == (True, True)
        assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)], [body(3.0, 3.24)]) == (False, False)

    def test_a_low_box_is_seen_over(self):
        """Eyes and centres are 0.15 m above the floor."""
        for height, expected in ((0.14, True), (0.16, False)):
            box = body(3.0, 3.0, half=(0.25, 0.25, height / 2))
            assert self.sees([(2.0, 3.0, EAST), (4.0, 3.0, WEST)], [box]) == (expected, expected)

    def test_absent_boxes_are_never_visible(self):
        visible, _ = look(self.PAIR, [(2.0, 3.0, -0.3), (4.0, 3.0, -0.7)], [None, None])
        assert not visible[:, 2:].any()

    def test_agents_hide_each_other(self):
        s = small(hiders=1, seekers=2)
        visible, _ = look(s, [(2.0, 3.0, EAST), (3.0, 3.0, EAST), (4.0, 3.0, WEST)])
        assert visible.tolist() == [[False, True, False], [False, False, True], [False, True, False]]

    def test_a_ramp_is_looked_at_in_its_centre_of_mass(self):
        """The centre of the bounding box lies on the slope; from the open side a low wall hides only the lower part.

        The ramp stands at (3, 3), its centre of mass at (3, 2.917, 0.167).
        """
        s = small(ramps=1)
        for height, expected in ((0.155, True), (0.162, False)):
            # Eye at height 0.15, target at 0.167, wall halfway: the ray passes at 0.158.
            wall = (3.0, 3.96, 1.0, 0.01, height)
            visible, _ = look(s, [(3.0, 5.0, SOUTH)], ramps=[body(3.0, 3.0)], walls=[wall])
            assert visible[0, 2].item() == expected

    def test_a_turned_ramp(self):
        """Turned by 90 degrees its centre of mass lies to the east of (3, 3): a thin wall at x = 3.083 hides it."""
        s = small(ramps=1)
        for x, expected in ((3.083, False), (2.917, True)):
            wall = (x, 4.0, 0.005, 0.05, 0.5)
            visible, _ = look(s, [(3.083, 5.0, SOUTH)], ramps=[body(3.0, 3.0, yaw=math.pi / 2)], walls=[wall])
            assert visible[0, 2].item() == expected

    def test_on_top_of_a_box_sees_over_low_walls(self):
        """At z = 0.65 the line to an agent on the floor 0.6 m behind a 0.5 m wall passes at 0.52; outer walls hide."""
        box = body(2.0, 3.0)
        for height, expected in ((0.5, True), (4.0, False)):
            wall = (2.5, 3.0, 0.05, 1.0, height)
            visible, _ = look(self.PAIR, [(2.0, 3.0, EAST, 0.65), (4.0, 3.0, WEST)], [box], walls=[wall])
            assert visible[0, 1].item() == expected
            assert visible[1, 0].item() == expected
        # On the floor beside the box the same wall hides.
        assert self.sees([(2.0, 3.6, EAST), (4.0, 3.0, WEST)], walls=[(2.5, 3.0, 0.05, 1.0, 0.5)]) == (False, False)

    def test_too_close_behind_the_wall(self):
        """From z = 0.65 the line to an agent right behind the wall is cut by it."""
        wall = (3.6, 3.0, 0.05, 1.0, 0.5)
        visible, _ = look(self.PAIR, [(2.0, 3.0, EAST, 0.65), (4.0, 3.0, WEST)], [body(2.0, 3.0)], walls=[wall])
        assert not visible[0, 1].item()


class TestLidar:
    S = small(boxes=(0, 1))

    def test_misses_are_6_metres(self):
        _, lidar = look(self.S, [(3.0, 3.0)])
        assert (lidar[0] == 6.0).all()

    def test_hits_beyond_the_range_are_not_clipped(self):
        _, lidar = look(self.S, [(3.0, 3.0)], [body(11.0, 3.0)])
        assert abs(lidar[0, 0].item() - 7.75) < 1e-4

    @pytest.mark.parametrize("yaw", [0.0, 0.7, -3.0, 20.0])
    def test_directions_are_fixed_in_the_world(self, yaw):
        """Ray 0 along +x, then counter-clockwise in steps of 12 degrees, at the agent's height, own arms left out."""
        walls = [(4.05, 3.0, 0.05, 2.0, 0.5), (3.0, 5.05, 2.0, 0.05, 0.5)]
        _, lidar = look(self.S, [(3.0, 3.0, yaw)], walls=walls)
        twelve = math.radians(12)
        assert abs(lidar[0, 0].item() - 1.0) < 1e-4
        assert abs(lidar[0, 1].item() - 1.0 / math.cos(twelve)) < 1e-4
        assert abs(lidar[0, 29].item() - 1.0 / math.cos(twelve)) < 1e-4
        assert abs(lidar[0, 7].item() - 2.0 / math.sin(7 * twelve)) < 1e-4
        assert (lidar[0, 15:23] == 6.0).all()

    def test_sees_boxes_ramps_and_agents(self):
        s = small(boxes=(0, 1), ramps=1)
        _, lidar = look(s, [(3.0, 3.0), (1.0, 3.0, SOUTH)], [body(5.0, 3.0)], [body(3.0, 9.0)])
        assert abs(lidar[0, 0].item() - 1.75) < 1e-4
        assert abs(lidar[0, 15].item() - 1.85) < 1e-4
        assert abs(lidar[1, 0].item() - 1.85) < 1e-4

    def test_on_top_of_a_box_it_passes_over_low_walls(self):
        walls = [(4.05, 3.0, 0.05, 2.0, 0.5)]
        _, low = look(self.S, [(3.0, 3.0)], walls=walls)
        _, high = look(self.S, [(3.0, 3.0, 0.0, 0.65)], [body(3.0, 3.0)], walls=walls)
        assert abs(low[0, 0].item() - 1.0) < 1e-4
        assert high[0, 0].item() == 6.0

    def test_can_be_switched_off(self):
        _, lidar = look(small(lidar_rays=0), [(2.0, 3.0, EAST), (4.0, 3.0, WEST)])
        assert lidar.shape == (2, 0)


def test_some_worlds_only():
    s = small()
    engine = CpuEngine(build_scene(s), 3, 1)
    layouts = [world(s, [(2.0, 3.0, yaw), (4.0, 3.0, WEST)]) for yaw in (EAST, WEST, EAST)]
    for i, layout in enumerate(layouts):
        engine.reset(torch.tensor([i]), layout)
    perception, chosen = Perception(s, engine), torch.tensor([1, 2])
    visible, lidar = perception.sense(chosen, engine.pose[chosen], torch.ones(2, 2, dtype=torch.bool))
    assert visible[:, 0, 1].tolist() == [False, True]
    assert lidar.shape == (2, 2, s.lidar_rays)
