"""What is kept, what is thrown away, and what is drawn."""

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.starts import Starts
from tests.envs.worlds import small
from train.starts.start_buffer import NEIGHBOUR, OWN, SCRIPTED, StartBuffer


def states(*x):
    """States in which the hider stands at these x, metres; all else is alike."""
    env = BatchEnv(small(), 1)
    env.keep_starts()
    env.reset()
    one = env.capture(torch.zeros(len(x), dtype=torch.int64))
    one.tensors["state.pose"][:] = 0.0
    one.tensors["state.pose"][:, 0, 0] = torch.tensor(x)
    return one


def buffer(size=4):
    return StartBuffer(size, states(0.0), floor_size=10.0, horizon=80)


def places(kept):
    return kept.starts.tensors["state.pose"][: len(kept), 0, 0].tolist()


def test_everything_is_kept_while_there_is_room():
    kept = buffer()
    kept.add(states(1.0, 1.0, 2.0), torch.tensor([0.1, 0.2, 0.3]), OWN, 0)
    assert places(kept) == [1.0, 1.0, 2.0]
    assert kept.numbers(torch.arange(4)).tolist() == [0, 1, 2, -1]


def test_a_full_buffer_replaces_what_is_alike_and_what_taught_least():
    """Gaps when they came: 0 (the first four find nothing), then 0.1 and 0.2 of the floor."""
    kept = buffer()
    for x, priority in ((0.0, 0.5), (1.0, 0.1), (3.0, 0.9), (6.0, 0.3)):
        kept.add(states(x), torch.tensor([priority]), OWN, 0)
    assert kept._gap.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    kept.add(states(6.1), torch.tensor([0.2]), OWN, 1)  # 0.01 from the last, the median is 0.1 or 0.2: replaces it.
    assert places(kept) == pytest.approx([0.0, 1.0, 3.0, 6.1])
    kept.add(states(20.0), torch.tensor([0.2]), OWN, 2)  # Like none: replaces the one of priority 0.1.
    assert places(kept) == pytest.approx([0.0, 20.0, 3.0, 6.1])
    assert kept.numbers(torch.arange(4)).tolist() == [0, 5, 2, 4]


def test_states_of_scripts_stay():
    kept = buffer()
    kept.add(states(0.0, 1.0), torch.tensor([0.0, 0.0]), SCRIPTED, 0)
    kept.add(states(2.0, 3.0), torch.tensor([0.5, 0.6]), OWN, 0)
    for x in (0.0, 5.0, 7.0, 9.0):
        kept.add(states(x, x + 0.01), torch.tensor([0.9, 0.9]), OWN, 1)
    assert places(kept)[:2] == [0.0, 1.0]
    assert len(kept) == 4


def test_more_than_there_is_room_for():
    kept = buffer()
    kept.add(states(*range(10)), torch.arange(10.0), OWN, 0)
    assert len(kept) == 4
    assert len(set(kept.numbers(torch.arange(4)).tolist())) == 4


def shares(kept, how, stale=0.0, count=20_000):
    rows = kept.draw(count, how, stale, torch.Generator().manual_seed(0))
    return (torch.bincount(rows, minlength=len(kept)) / count).tolist()


def test_draws():
    kept = buffer()
    kept.add(states(0.0, 1.0, 2.0), torch.tensor([0.1, 0.3, 0.6]), OWN, 0)
    assert shares(kept, "advantage") == pytest.approx([0.1, 0.3, 0.6], abs=0.02)
    assert shares(kept, "uniform") == pytest.approx([1 / 3] * 3, abs=0.02)
    kept.settle(torch.tensor([0] * 3 + [1]), torch.tensor([True, True, True, False]))
    kept._won[:] = torch.tensor([1.0, 0.5, 0.1, 0.0])  # p (1 - p): 0, 0.25, 0.09
    assert shares(kept, "learnability") == pytest.approx([0.0, 0.25 / 0.34, 0.09 / 0.34], abs=0.02)


def test_what_was_long_not_played_is_drawn_more_often():
    kept = buffer()
    kept.add(states(0.0, 1.0), torch.tensor([1.0, 1.0]), OWN, 0)
    kept.learn(torch.tensor([1]), torch.tensor([1.0]), iteration=10)
    assert shares(kept, "advantage", stale=0.4) == pytest.approx([0.3 + 0.4, 0.3], abs=0.02)


def test_what_was_seen():
    """Two episodes from number 0 in one rollout count as their mean; number 7 is gone."""
    kept = buffer()
    kept.add(states(0.0, 1.0), torch.tensor([9.0, 9.0]), OWN, 0)
    kept.learn(torch.tensor([0, 7, 0]), torch.tensor([0.2, 5.0, 0.4]), iteration=3)
    assert kept._priority[:2].tolist() == pytest.approx([0.3, 9.0])
    kept.settle(torch.tensor([0, 7, 0, 1]), torch.tensor([True, True, False, True]))
    assert kept._won[:2].tolist() == pytest.approx([0.7 * 0.5 + 0.3 * 0.5, 0.7 * 0.5 + 0.3])
    assert kept._plays[:2].tolist() == [2, 1]
    assert kept.ages(torch.tensor([0, 7]), 3).tolist() == [3]


def test_neighbours_are_made_of_what_is_won_neither_always_nor_never():
    kept = buffer()
    kept.add(states(0.0, 1.0, 2.0, 3.0), torch.ones(4), OWN, 0)
    kept.settle(torch.tensor([0, 1, 2]), torch.ones(3, dtype=torch.bool))
    kept._won[:] = torch.tensor([0.1, 0.5, 0.9, 0.5])  # The last was never played.
    assert kept.undecided(4, 0.2, 0.8, torch.Generator()).tolist() == [1]


def test_saved_and_restored():
    kept, other = buffer(), buffer()
    kept.add(states(0.0, 1.0, 2.0), torch.tensor([0.1, 0.3, 0.6]), NEIGHBOUR, 4)
    other.add(states(7.0, 8.0, 9.0, 10.0), torch.ones(4), OWN, 0)
    other.load_state_dict(kept.state_dict())
    assert len(other) == 3 and places(other) == [0.0, 1.0, 2.0]
    for each in (kept, other):
        each.add(states(5.0, 1.01), torch.tensor([0.2, 0.2]), OWN, 5)
    ours, theirs = kept.state_dict(), other.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    assert isinstance(kept.starts, Starts)


def test_every_script_has_a_border_of_its_own():
    """The second script's states are won and its border moves; each script gets half of the starts."""
    kept = buffer(8)
    source = torch.tensor([SCRIPTED, SCRIPTED, SCRIPTED + 1, SCRIPTED + 1, SCRIPTED + 1])
    lead = torch.tensor([2, 5, 2, 3, 5])
    kept.add(states(0.0, 1.0, 2.0, 3.0, 4.0), torch.ones(5), source, 0, lead)
    assert shares(kept, "backwards") == pytest.approx([0.5, 0.0, 0.5, 0.0, 0.0], abs=0.02)
    numbers = kept.numbers(torch.tensor([0] * 30 + [2] * 30))
    kept.settle(numbers, torch.arange(60) >= 30)
    assert [border.reach for border in kept.borders] == [2, 3]
    assert kept.metrics()["reach_2"] == 3 and kept.metrics()["reach"] == 2.5
    assert shares(kept, "backwards") == pytest.approx([0.5, 0.0, 0.25, 0.25, 0.0], abs=0.02)
    again = buffer(8)
    again.load_state_dict(kept.state_dict())
    assert [border.reach for border in again.borders] == [2, 3]
