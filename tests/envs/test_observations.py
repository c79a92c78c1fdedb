import dataclasses
import math

import pytest
import torch
from torch.testing import assert_close

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.manipulation import Locks
from envs.observations import Observer, others_index, spec
from envs.options.scenario_options import PaddingOptions
from envs.scenarios import FULL, QUADRANT, QUICKSTART, SCENARIOS, get
from tests.envs.worlds import small

CPU = torch.device("cpu")


class Made:
    """Random but known inputs of an observer: two worlds of a scenario; the last box of world 1 is absent."""

    def __init__(self, scenario):
        generator = torch.Generator().manual_seed(0)
        a, b, o = scenario.num_agents, scenario.max_boxes, scenario.num_objects
        random = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
        self.pose = random(2, a + o, scenario.pose_size) * 10 - 5
        self.velocity = random(2, a + o, scenario.pose_size)
        self.half = random(2, b, 3)
        self.present = torch.ones(2, a + o, dtype=torch.bool)
        self.present[1, a + b - 1] = False
        self.locks = Locks(
            random(2, o) > 0.5, torch.randint(a, (2, o), generator=generator), random(2, o, scenario.pose_size)
        )
        self.visible = (random(2, a, a + o) > 0.5) & self.present[:, None]
        self.lidar = random(2, a, scenario.lidar_rays)
        self.steps = torch.tensor([0, 48])
        self.inputs = [
            *(self.pose, self.velocity, self.half, self.present, self.locks, self.visible, self.lidar, self.steps)
        ]
        self.observation = Observer(scenario, CPU).observe(*self.inputs)


@pytest.fixture(scope="module")
def full():
    return Made(FULL)


def test_others_come_in_circulant_order():
    assert others_index(4, CPU).tolist() == [[3, 2, 1], [0, 3, 2], [1, 0, 3], [2, 1, 0]]
    assert others_index(2, CPU).tolist() == [[1], [0]]


class TestFeatures:
    def test_self(self, full):
        """x, y, z, raw yaw, velocities, hider flag, share of the preparation phase that is over."""
        for w, prepared in ((0, 0.0), (1, 48 / 96)):
            for i in range(4):
                hider = [1.0, 1.0, 0.0, 0.0][i]
                expected = [*full.pose[w, i].tolist(), *full.velocity[w, i].tolist(), hider, prepared]
                assert full.observation["self"][w, i].tolist() == pytest.approx(expected, abs=1e-5)

    def test_others(self, full):
        for w in range(2):
            for i in range(4):
                for k in range(3):
                    other = (i - 1 - k) % 4
                    assert torch.equal(full.observation["agents"][w, i, k], full.observation["self"][w, other])
                    assert full.observation["agents_visible"][w, i, k] == full.visible[w, i, other]
        assert full.observation["agents_present"].all()

    def test_boxes(self, full):
        """x, y, z, cos and sin of yaw, velocities, full sizes, locks; all agents are told the same but for the
        locks."""
        boxes = full.observation["boxes"]
        assert boxes.shape == (2, 4, 9, 15)
        for w, b in ((0, 0), (0, 8), (1, 3)):
            x, y, z, yaw = full.pose[w, 4 + b].tolist()
            size = (2 * full.half[w, b]).tolist()
            expected = [x, y, z, math.cos(yaw), math.sin(yaw), *full.velocity[w, 4 + b].tolist(), *size]
            for i in range(4):
                assert boxes[w, i, b, :12].tolist() == pytest.approx(expected, abs=1e-5)

    def test_lock_flags(self, full):
        """you_lock, team_lock, obj_lock."""
        flags = torch.cat([full.observation["boxes"][..., 12:], full.observation["ramps"][..., 12:]], dim=2)
        for w in range(2):
            for o in range(11):
                locked, locker = full.locks.locked[w, o].item(), full.locks.locker[w, o].item()
                for i in range(4):
                    expected = [locked and i == locker, locked and i // 2 == locker // 2, locked]
                    if (w, o) == (1, 8):
                        expected = [False] * 3  # The absent box.
                    assert flags[w, i, o].bool().tolist() == expected

    def test_ramps(self, full):
        ramps = full.observation["ramps"]
        assert ramps.shape == (2, 4, 2, 15)
        x, y, z, yaw = full.pose[1, 14].tolist()
        expected = [x, y, z, math.cos(yaw), math.sin(yaw), *full.velocity[1, 14].tolist(), 0.0, 0.0, 0.0]
        assert ramps[1, 2, 1, :12].tolist() == pytest.approx(expected, abs=1e-5)

    def test_absent_boxes_are_zeros_and_masked(self, full):
        o = full.observation
        assert o["boxes"][1, :, 8].abs().max() == 0
        assert not o["boxes_visible"][1, :, 8].any()
        assert not o["boxes_present"][1, :, 8].any()
        assert o["boxes_present"].sum() == 4 * (9 + 8)
        assert o["boxes"][0, :, 8].abs().max() > 0

    def test_masks(self, full):
        assert torch.equal(full.observation["boxes_visible"], full.visible[..., 4:13])
        assert torch.equal(full.observation["ramps_visible"], full.visible[..., 13:])
        assert full.observation["ramps_present"].all()
        assert torch.equal(full.observation["lidar"], full.lidar)

    def test_scenarios_without_sizes_and_ramp_locks(self):
        made = Made(QUADRANT)
        assert made.observation["boxes"].shape == (2, 4, 2, 12)
        assert made.observation["ramps"].shape == (2, 4, 1, 9)
        locked = made.locks.locked[:, None, :2].expand(-1, 4, -1)
        expected = locked & made.observation["boxes_present"]
        assert torch.equal(made.observation["boxes"][..., -1].bool(), expected)

    def test_cosine_and_sine_of_the_heading(self):
        made = Made(QUICKSTART)
        yaw = made.pose[:, :2, 3]
        assert made.observation["self"].shape == (2, 2, 11)
        assert_close(made.observation["self"][..., 3], yaw.cos())
        assert_close(made.observation["self"][..., 4], yaw.sin())

    def test_tilting_boxes(self):
        """x, y, z, cosines and sines about x, y, z, velocities, rates about x, y, z, sizes, locks; others as always."""
        made = Made(dataclasses.replace(FULL, tilting_boxes=True))
        boxes = made.observation["boxes"]
        assert boxes.shape == (2, 4, 9, 21)
        x, y, z, yaw, about_x, about_y = made.pose[0, 6].tolist()
        vx, vy, vz, yaw_rate, rate_x, rate_y = made.velocity[0, 6].tolist()
        angles = (about_x, about_y, yaw)
        expected = [x, y, z, *map(math.cos, angles), *map(math.sin, angles), vx, vy, vz, rate_x, rate_y, yaw_rate]
        expected += (2 * made.half[0, 2]).tolist()
        assert boxes[0, 1, 2, :18].tolist() == pytest.approx(expected, abs=1e-5)
        assert boxes[1, :, 8].abs().max() == 0  # Absent.
        assert made.observation["self"].shape == (2, 4, 10) and made.observation["ramps"].shape == (2, 4, 2, 15)
        x, y, z, yaw = made.pose[1, 14, :4].tolist()
        expected = [x, y, z, math.cos(yaw), math.sin(yaw), *made.velocity[1, 14, :4].tolist()]
        assert made.observation["ramps"][1, 2, 1, :9].tolist() == pytest.approx(expected, abs=1e-5)

    def test_preparation_counts_up_to_one(self):
        made = Made(FULL)
        made.inputs[-1] = torch.tensor([96, 200])
        progress = Observer(FULL, CPU).observe(*made.inputs)["self"][..., 9]
        assert_close(progress, torch.ones(2, 4), rtol=0, atol=1e-6)


VARIANTS = [
    *SCENARIOS.values(),
    dataclasses.replace(FULL, name="3v3", hiders=3, seekers=3),
    dataclasses.replace(FULL, name="without ramp locks", lock_ramps=False, box_size_features=False),
    small(name="nothing but agents", layout="empty"),
    dataclasses.replace(FULL, name="tilting boxes", tilting_boxes=True, bearing_features=True),
    small(name="boxes only, no lidar", boxes=(2, 3), lidar_rays=0, lock_boxes=False),
    small(name="ramps only", ramps=2),
]


@pytest.mark.parametrize("scenario", VARIANTS, ids=lambda s: s.name)
def test_spec_tells_the_shapes(scenario):
    env = BatchEnv(scenario, 2, threads=1)
    described = env.observation_spec
    assert described == spec(scenario)
    a = scenario.num_agents
    expected = {"self": (2, a, described["self_features"])}
    if described["lidar_rays"]:
        expected["lidar"] = (2, a, described["lidar_rays"])
    for kind, (number, features) in described["entities"].items():
        expected[kind] = (2, a, number, features)
        expected[f"{kind}_visible"] = expected[f"{kind}_present"] = (2, a, number)
    for observation in (env.reset(), env.step(torch.ones(2, a, len(scenario.action_bins), dtype=torch.int64)).obs):
        assert {name: tuple(value.shape) for name, value in observation.items()} == expected
        for name, value in observation.items():
            assert value.dtype == (torch.bool if name.endswith(("_visible", "_present")) else torch.float32)
            assert value.device == env.device


@pytest.mark.parametrize("scenario", [FULL, QUADRANT], ids=lambda s: s.name)
def test_earlier_observations_stay_as_they_were(scenario):
    """Nothing shares memory with the environment, whether the world goes on, is reset or is set."""
    scenario = dataclasses.replace(scenario, horizon=12)
    env = BatchEnv(scenario, 3, threads=1)
    generator = torch.Generator().manual_seed(0)
    kept = [env.reset()]
    copies = [{name: value.clone() for name, value in kept[0].items()}]
    for _ in range(14):
        actions = torch.stack([torch.randint(n, (3, 4), generator=generator) for n in env.action_bins], dim=-1)
        step = env.step(actions)
        extra = {"reward": step.reward, "done": step.done, "live": step.live, "hiders_seen": step.hiders_seen}
        kept.append(step.obs | step.statistics | extra)
        copies.append({name: value.clone() for name, value in kept[-1].items()})
    kept.append(env.set_state(torch.arange(3), env.get_state(torch.arange(3))))
    copies.append({name: value.clone() for name, value in kept[-1].items()})
    env.reset()
    for before, now in zip(copies, kept, strict=True):
        for name, value in before.items():
            assert torch.equal(value, now[name]), name


@pytest.mark.parametrize("scenario", [FULL, QUADRANT], ids=lambda s: s.name)
def test_writing_into_an_observation_does_not_change_the_world(scenario):
    disturbed, alone = (BatchEnv(scenario, 2, threads=1) for _ in range(2))
    seen, expected = disturbed.reset(), alone.reset()
    actions = torch.tensor([8, 3, 6, 1, 1]).expand(2, 4, 5).contiguous()
    for _ in range(4):
        for value in seen.values():
            value.zero_()
        seen, expected = disturbed.step(actions).obs, alone.step(actions).obs
        for name, value in expected.items():
            assert torch.equal(seen[name], value), name


def test_bearing_is_relative_to_the_heading():
    """An entity straight ahead has (1, 0), one to the left (0, 1), one behind (-1, 0), whatever the yaw."""
    scenario = QUICKSTART
    env = BatchEnv(scenario, 1, threads=1)
    env.reset()
    yaw = 0.7
    ahead = torch.tensor([math.sin(yaw), -math.cos(yaw)])
    left = torch.tensor([math.cos(yaw), math.sin(yaw)])
    state = env.get_state(torch.tensor([0]))
    state.pose[0, 0] = torch.tensor([3.0, 3.0, 0.15, yaw])
    for entity, offset in ((1, -ahead), (2, ahead), (3, left)):
        state.pose[0, entity, :2] = state.pose[0, 0, :2] + offset
    observation = env.set_state(torch.tensor([0]), state)
    expected = {"agents": [[-1.0, 0.0]], "boxes": [[1.0, 0.0], [0.0, 1.0]]}
    for kind, bearings in expected.items():
        assert_close(observation[kind][0, 0, :, -2:], torch.tensor(bearings), atol=1e-5, rtol=0)


class TestPadding:
    """Rule 6.5: fake agents of zeros, of which the first is visible, and ramps of zeros that never are."""

    def test_by_hand(self):
        """Heading as cosine and sine, bearings, no sizes: 13 features of an agent; a ramp has 9, 2 and 3 lock flags."""
        options = {"heading_features": "cos_sin", "bearing_features": True, "box_size_features": False}
        env = BatchEnv(get("lock-and-return", padding=PaddingOptions(agents=2, ramps=1), **options), 3, threads=1)
        obs = env.reset()
        assert env.observation_spec["entities"] == {"agents": (2, 13), "boxes": (1, 14), "ramps": (1, 14)}
        assert torch.equal(obs["agents"], torch.zeros(3, 1, 2, 13))
        assert torch.equal(obs["ramps"], torch.zeros(3, 1, 1, 14))
        for mask in ("visible", "present"):
            assert obs[f"agents_{mask}"].tolist() == [[[True, False]]] * 3
            assert obs[f"ramps_{mask}"].tolist() == [[[False]]] * 3

    def test_the_rest_stays(self):
        """The world, and what is seen of it, does not know of stand-ins."""
        padded = BatchEnv(get("lock-and-return", padding=PaddingOptions(agents=1, ramps=1)), 2, threads=1)
        plain = BatchEnv(get("lock-and-return"), 2, threads=1)
        expected, seen = plain.reset(), padded.reset()
        for _ in range(3):
            for name, value in expected.items():
                assert torch.equal(value, seen[name]), name
            actions = torch.tensor([8, 3, 6, 1, 1]).expand(2, 1, 5).contiguous()
            expected, seen = plain.step(actions).obs, padded.step(actions).obs
        assert seen.keys() - expected.keys() == {
            *("agents", "agents_visible", "agents_present", "ramps", "ramps_visible", "ramps_present")
        }

    @pytest.mark.parametrize(
        "name, padding, words",
        [
            ("hide-and-seek/quadrant", PaddingOptions(agents=1), "padding.agents is 1; it is for scenarios with one"),
            ("sequential-lock", PaddingOptions(ramps=2), "padding.ramps is 2; it is for scenarios without ramps"),
            ("lock-and-return", PaddingOptions(agents=-1), "must not be negative"),
        ],
    )
    def test_impossible(self, name, padding, words):
        with pytest.raises(UserError, match=words):
            get(name, padding=padding)
