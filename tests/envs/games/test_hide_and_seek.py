import dataclasses
import itertools
import math

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.games.hide_and_seek import behaviour, outside, reward, seeker_sees_hider, visibility_reward
from envs.scenarios import FULL, QUADRANT
from tests.envs.worlds import NO_ACTION, body, small, world

EAST, NORTH, WEST, SOUTH = math.pi / 2, math.pi, -math.pi / 2, 0.0  # Yaw of an agent that looks there.


class TestVisibilityReward:
    """Two hiders, two seekers. ``sees[s][h]``: seeker s sees hider h."""

    NOBODY = ((0, 0), (0, 0))
    FIRST_SEES_SECOND = ((0, 1), (0, 0))
    BOTH_SEE_FIRST = ((1, 0), (1, 0))
    ALL = ((1, 1), (1, 1))

    @pytest.mark.parametrize(
        "reward_type, sees, expected",
        [
            ("selfish", NOBODY, (1, 1, -1, -1)),
            ("selfish", FIRST_SEES_SECOND, (1, -1, 1, -1)),
            ("selfish", BOTH_SEE_FIRST, (-1, 1, 1, 1)),
            ("selfish", ALL, (-1, -1, 1, 1)),
            ("joint_mean", NOBODY, (1, 1, -1, -1)),
            ("joint_mean", FIRST_SEES_SECOND, (0, 0, 0, 0)),
            ("joint_mean", BOTH_SEE_FIRST, (0, 0, 1, 1)),
            ("joint_mean", ALL, (-1, -1, 1, 1)),
            ("joint_zero_sum", NOBODY, (1, 1, -1, -1)),
            ("joint_zero_sum", FIRST_SEES_SECOND, (-1, -1, 1, 1)),
            ("joint_zero_sum", BOTH_SEE_FIRST, (-1, -1, 1, 1)),
            ("joint_zero_sum", ALL, (-1, -1, 1, 1)),
        ],
    )
    def test_hand_computed(self, reward_type, sees, expected):
        assert visibility_reward(torch.tensor([sees]).bool(), reward_type).tolist() == [list(expected)]

    def test_joint_mean_of_unequal_teams(self):
        """Three hiders, one of them seen; one seeker."""
        sees = torch.tensor([[[False, True, False]]])
        assert visibility_reward(sees, "joint_mean")[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])

    def test_zero_sum_always_adds_up_to_zero(self):
        for bits in itertools.product((False, True), repeat=4):
            sees = torch.tensor(bits).view(1, 2, 2)
            assert visibility_reward(sees, "joint_zero_sum").sum() == 0

    def test_only_what_seekers_see_of_hiders_counts(self):
        """Hiders that see seekers, hiders that see hiders and seekers that see boxes change nothing."""
        visible = torch.zeros(1, 4, 6, dtype=torch.bool)
        visible[:, :2] = True
        visible[:, 2:, 2:] = True
        assert not seeker_sees_hider(visible, 2).any()
        visible[0, 3, 1] = True
        assert seeker_sees_hider(visible, 2).tolist() == [[[False, False], [False, True]]]


class TestReward:
    S = small(hiders=2, seekers=2, boxes=(0, 1), ramps=1, bounds=(0.1, 0.1, 5.9, 5.9), reward_type="selfish")

    def reward(self, scenario=S, seen=(), places=None, present=True, live=True):
        """Reward of one step; ``places`` moves entities (4 agents, a box, a ramp) from the middle."""
        visible = torch.zeros(1, 4, 6, dtype=torch.bool)
        for viewer, target in seen:
            visible[0, viewer, target] = True
        pose = torch.full((1, 6, 4), 3.0)
        for entity, place in (places or {}).items():
            pose[0, entity, :2] = torch.tensor(place)
        exists = torch.ones(1, 6, dtype=torch.bool)
        exists[0, 4] = present
        sees = seeker_sees_hider(visible, scenario.hiders)
        return reward(scenario, sees, pose, exists, torch.tensor([live]))[0].tolist()

    def test_inside(self):
        assert self.reward(seen=[(2, 0)]) == [-1, 1, 1, -1]

    @pytest.mark.parametrize("place", [(0.09, 3.0), (5.91, 3.0), (3.0, 0.09), (3.0, 5.91), (-40.0, -40.0)])
    def test_out_of_bounds_replaces_the_reward(self, place):
        assert self.reward(seen=[(2, 0)], places={0: place}) == [-10, 1, 1, -1]
        assert self.reward(seen=[(2, 0)], places={2: place}) == [-1, 1, -10, -1]

    def test_just_inside(self):
        assert self.reward(places={0: (0.11, 5.89), 3: (5.89, 0.11)}) == [1, 1, -1, -1]

    def test_out_of_bounds_comes_after_sharing(self):
        """A team mate outside costs the others nothing."""
        s = dataclasses.replace(self.S, reward_type="joint_zero_sum")
        assert self.reward(s, places={1: (9.0, 3.0)}) == [1, -10, -1, -1]

    @pytest.mark.parametrize("entity", [4, 5])
    def test_objects_out(self, entity):
        """Everybody pays if a box or a ramp is out, when the scenario says so."""
        place = {entity: (6.5, 3.0)}
        assert self.reward(places=place) == [1, 1, -1, -1]
        s = dataclasses.replace(self.S, penalize_objects_out=True)
        assert self.reward(s, places=place) == [-10] * 4
        assert self.reward(s) == [1, 1, -1, -1]

    def test_absent_boxes_are_not_out(self):
        s = dataclasses.replace(self.S, penalize_objects_out=True)
        assert self.reward(s, places={4: (-40.0, -40.0)}, present=False) == [1, 1, -1, -1]

    def test_no_bounds(self):
        s = dataclasses.replace(self.S, bounds=None, penalize_objects_out=True)
        assert self.reward(s, places={0: (99.0, 3.0), 5: (99.0, 3.0)}) == [1, 1, -1, -1]

    def test_preparation_is_free(self):
        s = dataclasses.replace(self.S, penalize_objects_out=True)
        assert self.reward(s, seen=[(2, 0)], places={0: (9.0, 9.0), 5: (9.0, 9.0)}, live=False) == [0] * 4

    def test_outside(self):
        points = torch.tensor([[0.1, 0.1, 9.0], [0.0, 3.0, 0], [3.0, 6.0, 0], [3.0, 3.0, -50.0]])
        assert outside(points, (0.05, 0.05, 5.95, 5.95)).tolist() == [False, True, True, False]


def test_behaviour():
    """Largest distances from the start and number of locks; absent boxes and agents do not count."""
    s = small(boxes=(0, 3), ramps=2)
    start, pose = torch.zeros(1, 7, 4), torch.zeros(1, 7, 4)
    pose[0, 0, 0] = 50.0
    pose[0, 2, :3] = torch.tensor([3.0, 4.0, 0.0])
    pose[0, 3, :3] = torch.tensor([2.0, 3.0, 6.0])
    pose[0, 4, :3] = torch.tensor([90.0, 0.0, 0.0])
    pose[0, 5, 1] = -0.5
    pose[0, 6, 3] = 99.0  # Turning is not moving.
    present = torch.tensor([[True, True, True, True, False, True, True]])
    locked = torch.tensor([[True, True, False, False, True]])
    measured = {name: value.item() for name, value in behaviour(s, pose, start, present, locked).items()}
    assert measured == {"max_box_move": 7.0, "num_box_lock": 2.0, "max_ramp_move": 0.5, "num_ramp_lock": 1.0}


def rest(env):
    return torch.tensor(NO_ACTION).expand(env.num_worlds, env.num_agents, 5).contiguous()


class TestTimeline:
    """In the environment, from hand-made layouts."""

    def test_quadrant(self):
        """32 steps without reward in which seekers are frozen, then 48 live ones."""
        env = BatchEnv(QUADRANT, 1, threads=1)
        agents = [(2.0, 1.0), (2.5, 1.0), (1.0, 3.0), (1.5, 3.0)]
        boxes, ramps = [body(5.0, 5.0), body(5.0, 4.0)], [body(4.0, 1.0)]
        obs = env.reset(world(QUADRANT, agents, boxes, ramps))
        start = obs["self"][0, :, :4].clone()
        actions = rest(env)
        actions[0, 2:, 0] = 7
        actions[0, 2:, 2] = 6
        for step in range(1, 80):
            assert env.frozen_agents[0].tolist() == [False, False, step <= 32, step <= 32]
            result = env.step(actions if step < 36 else rest(env))
            now = result.obs["self"][0, :, :4]
            assert result.live.item() == (step > 32)
            assert not result.done.item()
            if step <= 32:
                assert (result.reward == 0).all()
                assert (now - start)[:, :2].abs().max() < 1e-3
                assert (now - start)[:, 3].abs().max() < 1e-3
            else:
                assert result.reward[0].abs().tolist() == [1.0] * 4
                assert (now - start)[2:, 3].min() > 0.1
        assert (now - start)[2:, 0].min() > 0.1
        assert env.step(rest(env)).done.item()

    @pytest.mark.parametrize("scenario, limit", [(QUADRANT, 48), (FULL, 144)], ids=["quadrant", "full"])
    @pytest.mark.parametrize("seen", [True, False])
    def test_returns_are_limited(self, scenario, limit, seen):
        """Seekers that see a hider from first to last, or never."""
        env = BatchEnv(scenario, 1, threads=1)
        hiders = [(2.0, 1.0), (2.5, 1.0)] if seen else [(2.0, 5.0), (2.5, 5.0)]
        agents = [*hiders, (2.0, 3.0), (2.5, 3.0)]
        boxes = [body(5.0, 5.0), body(5.0, 4.0)]
        env.reset(world(scenario, agents, boxes, [body(5.0, 1.0), body(5.0, 2.0)][: scenario.ramps]))
        total = torch.zeros(4)
        for step in range(1, scenario.horizon + 1):
            result = env.step(rest(env))
            total += result.reward[0]
            assert result.hiders_seen.item() == seen
            assert result.done.item() == (step == scenario.horizon)
        sign = -1.0 if seen else 1.0
        assert total.tolist() == [sign * limit] * 2 + [-sign * limit] * 2
        statistics = {name: value.tolist() for name, value in result.statistics.items()}
        assert statistics["return/hiders"] == [sign * limit]
        assert statistics["return/seekers"] == [-sign * limit]
        assert statistics["seen_fraction"] == [float(seen)]
        assert statistics["length"] == [float(scenario.horizon)]


class TestStatistics:
    def test_of_what_happened_in_and_after_preparation(self):
        """The hider locks box 0 and pushes box 1 in the preparation phase, then unlocks and pushes on."""
        s = small(name="statistics", boxes=(0, 3), horizon=20, preparation_fraction=0.5, ramps=1)
        env = BatchEnv(s, 1, threads=1)
        layout = world(s, [(2.0, 3.0, EAST)], [body(2.4, 3.4), body(2.6, 3.0), None], [body(9.0, 9.0)])
        env.reset(layout)
        actions = rest(env)
        seen_steps = 0.0
        for step in range(1, 21):
            actions[0, 0, 4] = step <= 14
            actions[0, 0, 0] = 5 if step == 1 else 7
            before = env.get_state(torch.tensor([0]))
            result = env.step(actions)
            seen_steps += float(result.hiders_seen and result.live)
            if step == 11:
                prepared = env.get_state(torch.tensor([0]))
        statistics = {name: value.item() for name, value in result.statistics.items()}
        start = layout.box_pose[0, :2]

        def moved(state):
            return (state.pose[0, 2:4, :3] - start[:, :3]).norm(dim=-1).max().item()

        assert statistics["max_box_move_prep"] == pytest.approx(moved(prepared), abs=1e-4)
        assert statistics["num_box_lock_prep"] == prepared.locks.locked.sum() >= 1
        assert statistics["max_box_move"] >= moved(before) - 1e-3
        assert statistics["max_ramp_move"] < 1e-2
        assert statistics["num_ramp_lock"] == 0
        assert statistics["seen_fraction"] == pytest.approx(seen_steps / 10)
        assert set(statistics) == {
            *("return/hiders", "return/seekers", "seen_fraction", "length"),
            *("max_box_move", "num_box_lock", "max_ramp_move", "num_ramp_lock"),
            *("max_box_move_prep", "num_box_lock_prep", "max_ramp_move_prep", "num_ramp_lock_prep"),
        }

    def test_end_with_the_episode(self):
        """The next episode starts from zero."""
        s = small(name="two episodes", horizon=4, preparation_fraction=0.0)
        env = BatchEnv(s, 3, threads=1)
        env.reset()
        for _ in range(2):
            for step in range(1, 5):
                result = env.step(rest(env))
                assert bool(result.statistics) == (step == 4)
            assert result.statistics["length"].tolist() == [4.0] * 3
            assert (result.statistics["return/hiders"].abs() <= 4).all()
