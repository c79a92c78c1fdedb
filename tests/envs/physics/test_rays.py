"""What rays hit, for every engine in conftest.ENGINES."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.envs.worlds import Driver, body, cast, small, world


class TestRays:
    RAYS = (
        # origin, direction, distance, entity (0 and 1 agents, 2 cube, 3 long box, 4 ramp), what
        ((1.0, 3.0, 0.25), (1, 0, 0), 1.75, 2, "cube from the west"),
        ((1.0, 3.0, 0.25), (2, 0, 0), 0.875, 2, "distances are in units of the direction's length"),
        ((1.0, 3.0, 0.6), (1, 0, 0), math.inf, -1, "over the cube"),
        ((3.0, 3.0, 2.0), (0, 0, -1), 1.5, 2, "on top of the cube"),
        ((1.0, 1.0, 2.0), (0, 0, -1), 2.0, -1, "the floor"),
        # Not its edge itself: on a GPU float32 lets a ray slip between the two faces.
        ((1.0, 5.01, 0.25), (1, 0, 0), 2.01 - 0.25 * math.sqrt(2), 3, "beside the edge of a cube turned by 45 degrees"),
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
