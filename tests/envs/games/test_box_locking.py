"""Lock tasks (rule 7.3), with hand-computed rewards."""

import math

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.options.scenario_options import LockTaskOptions
from envs.scenarios import get
from tests.envs.worlds import NO_ACTION, body, small, world

EAST = math.pi / 2
PRESS = 4  # The lock component of an action.


def start(boxes, agents=((2.0, 3.0, EAST),), **options):
    s = small(
        game="box_locking",
        hiders=len(agents),
        seekers=0,
        boxes=(len(boxes), len(boxes)),
        horizon=40,
        lock_task=LockTaskOptions(**options),
    )
    env = BatchEnv(s, 1, threads=1)
    env.reset(world(s, agents, [body(x, y) for x, y in boxes]))
    return env


def step(env, **components):
    """Reward (A,) of one step in which every agent does the same."""
    action = list(NO_ACTION)
    for name, value in components.items():
        action[{"x": 0, "y": 1, "turn": 2, "grab": 3, "lock": 4}[name]] = value
    return env.step(torch.tensor(action).expand(1, env.num_agents, 5).contiguous()).reward[0]


def position(env):
    return env.observe()["self"][0, 0, :2]


class TestRewards:
    def test_coming_closer(self):
        """Half a point per metre, away as well as towards."""
        env = start([(4.0, 3.0)])
        for bin_x in (9, 9, 1):
            before = position(env)
            reward = step(env, x=bin_x)[0]
            assert reward == pytest.approx(0.5 * (position(env) - before)[0].item(), abs=1e-5)

    def test_a_lock_pays_the_rest_of_the_way(self):
        """Five for the lock and half the 0.45 m to the box; home is where it stands, so the task is done at once."""
        env = start([(2.45, 3.0)])
        assert step(env, lock=1)[0] == pytest.approx(5 + 0.5 * 0.45 + 1, abs=0.01)
        assert step(env, lock=1)[0] == pytest.approx(1, abs=0.01)

    def test_an_unlock_costs_the_way_back_to_the_box(self):
        env = start([(2.45, 3.0)])
        step(env, lock=1)
        assert step(env)[0] == pytest.approx(-5 - 0.5 * 0.45, abs=0.01)
        assert step(env)[0] == pytest.approx(0, abs=0.01)

    def test_success_needs_the_way_home(self):
        env = start([(2.45, 3.0)])
        for _ in range(3):
            step(env, y=9)
        away = position(env)
        assert (away - torch.tensor([2.0, 3.0])).norm() > 0.3
        env = start([(2.45, 3.0)])
        step(env, lock=1)
        rewards = [step(env, x=1, lock=1)[0].item() for _ in range(4)]
        assert rewards[-1] < 0  # On the way out, too far from home for success.

    def test_without_return_success_is_locking_alone(self):
        env = start([(2.45, 3.0)], and_return=False)
        assert step(env, lock=1)[0] == pytest.approx(5 + 0.5 * 0.45 + 1, abs=0.01)
        assert step(env, x=2, lock=1)[0] == pytest.approx(1, abs=1e-6)

    def test_options_are_the_numbers(self):
        env = start([(2.45, 3.0)], lock_reward=2.0, unlock_penalty=3.0, shaping=0.0, success_reward=0.25)
        assert step(env, lock=1)[0] == pytest.approx(2.25)
        assert step(env)[0] == pytest.approx(-3.0)


class TestOrder:
    BOXES = ((5.0, 5.0), (2.45, 3.0))

    def test_only_the_next_box_can_be_locked(self):
        env = start(self.BOXES, task="order", and_return=False)
        step(env, lock=1)
        assert not env.get_state(torch.tensor([0])).locks.locked.any()

    def test_any_box_can_be_locked_in_any_order(self):
        env = start(self.BOXES, task="all", and_return=False)
        step(env, lock=1)
        assert env.get_state(torch.tensor([0])).locks.locked.tolist() == [[False, True]]

    def test_lockable(self):
        game = start([(5.0, 5.0)] * 3, task="order").game
        locked = torch.tensor([[False, False, True], [True, False, False], [True, True, False], [True, True, True]])
        expected = [[1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 1, 1]]
        assert game.lockable(locked).int().tolist() == expected

    def test_aims_at_the_first_box_or_the_nearest(self):
        for task, target, distance in (("order", 0, math.hypot(3, 2)), ("all", 1, 0.45)):
            state = start(self.BOXES, task=task).game.state
            assert state["lock/target"].item() == target
            assert state["lock/distance"].item() == pytest.approx(distance, abs=1e-5)


def test_the_original_measured_between_corners():
    s = small(game="box_locking", seekers=0, boxes=(1, 1), corner_distances=True)
    env = BatchEnv(s, 1, threads=1)
    env.reset(world(s, [(2.0, 3.0)], [body(4.0, 3.0)]))
    assert env.game.state["lock/distance"].item() == pytest.approx(math.hypot(1.9, 0.1), abs=1e-5)


def test_several_agents_share_locks_and_walk_alone():
    env = start([(2.45, 3.0)], agents=((2.0, 3.0, EAST), (1.0, 1.0, EAST)))
    reward = step(env, lock=1)
    assert reward[0] == pytest.approx(6.225, abs=0.01)
    assert reward[1] == pytest.approx(6 + 0.5 * math.hypot(1.45, 2.0), abs=0.01)


def test_statistics_and_state():
    env = start([(2.45, 3.0)])
    step(env, lock=1)
    world_0 = torch.tensor([0])
    state = env.get_state(world_0)
    expected = [step(env, x=2, lock=1) for _ in range(3)]
    env.set_state(world_0, state)
    assert [r.item() for r in expected] == pytest.approx([step(env, x=2, lock=1).item() for _ in range(3)], abs=1e-4)
    for _ in range(35):
        step(env, lock=1)
    result = env.step(torch.tensor([[[*NO_ACTION[:4], 1]]]))
    assert result.done.all()
    assert result.statistics["boxes_locked"].item() == 1
    assert result.statistics["success_steps"].item() > 0


def test_completed_and_locked_at_end():
    """Forty steps at home: lock, open, then lock again and stay. Away from home, the box alone does not complete the
    task."""
    env = start([(2.45, 3.0)])
    step(env, lock=1)
    step(env)
    for _ in range(37):
        step(env, lock=1)
    numbers = env.step(torch.tensor([[[*NO_ACTION[:4], 1]]])).statistics
    assert [numbers[k].item() for k in ("boxes_locked", "boxes_unlocked", "locked_at_end")] == [2, 1, 1]
    assert (numbers["completed"].item(), numbers["success_steps"].item()) == (1, 39)
    env = start([(2.45, 3.0)])
    for _ in range(4):
        step(env, x=1)
    for _ in range(35):
        step(env, lock=1)
    numbers = env.step(torch.tensor([[[*NO_ACTION[:4], 1]]])).statistics
    assert (numbers["completed"].item(), numbers["locked_at_end"].item()) == (0, 0)


@pytest.mark.parametrize("changes", [{"boxes": (0, 1)}, {"lock_boxes": False}])
def test_impossible(changes):
    with pytest.raises(UserError, match="box_locking"):
        get("lock-and-return", **changes)
