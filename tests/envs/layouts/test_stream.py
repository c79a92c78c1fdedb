"""The stream of layouts: reproducible whatever the grouping, and resumable."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from envs.errors import UserError
from envs.layouts import JUDGING, TRAINING, Layout, LayoutBank, LayoutStream, generate
from envs.layouts.stream import episode_seeds
from envs.scenarios import FULL, SCENARIOS

SEEDS, NUMBERS = st.integers(0, 2**32 - 1), st.integers(0, 10**6)
EPISODES = st.tuples(SEEDS, NUMBERS, NUMBERS)


def equal(first, second):
    """Whether two layouts are the same to the bit."""
    return all(torch.equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(Layout))


def test_layout_depends_on_seed_world_and_episode_only():
    few, many = LayoutStream(FULL, seed=7, num_worlds=3), LayoutStream(FULL, seed=7, num_worlds=20)
    first = few.draw(torch.arange(3))
    second = few.draw(torch.arange(3))
    everything = many.draw(torch.arange(19, -1, -1))
    assert equal(first, everything.select([19, 18, 17]))
    assert equal(second.select([1]), many.draw(torch.tensor([1])))
    assert equal(second.select([2]), many.draw(torch.tensor([5, 2])).select([1]))


def test_worlds_episodes_and_seeds_differ():
    stream = LayoutStream(FULL, seed=7, num_worlds=2)
    first, second = stream.draw(torch.tensor([0, 1])), stream.draw(torch.tensor([0, 1]))
    other = LayoutStream(FULL, seed=8, num_worlds=2).draw(torch.tensor([0, 1]))
    starts = torch.cat([x.agent_pose[:, 0, :2] for x in (first, second, other)])
    assert len(starts.unique(dim=0)) == 6


def test_repeated_world_gets_consecutive_episodes():
    twice = LayoutStream(FULL, seed=1, num_worlds=2).draw(torch.tensor([1, 1]))
    stream = LayoutStream(FULL, seed=1, num_worlds=2)
    assert equal(twice, Layout.stack([stream.draw(torch.tensor([1])) for _ in range(2)]))


@pytest.mark.parametrize("name", SCENARIOS)
def test_layouts_of_no_world_have_the_shapes_of_others(name):
    one, none = (LayoutStream(SCENARIOS[name], 0, num_worlds=1).draw(torch.arange(n)) for n in (1, 0))
    for f in fields(Layout):
        assert getattr(none, f.name).shape == (0, *getattr(one, f.name).shape[1:]), f.name


def test_resumed_stream_continues():
    stream = LayoutStream(FULL, seed=3, num_worlds=4)
    stream.draw(torch.tensor([0, 1, 2, 3]))
    stream.draw(torch.tensor([2, 2]))
    resumed = LayoutStream(FULL, seed=3, num_worlds=4)
    resumed.load_state_dict(stream.state_dict())
    assert resumed.state_dict()["episodes"].tolist() == [1, 1, 3, 1]
    assert equal(stream.draw(torch.arange(4)), resumed.draw(torch.arange(4)))


def test_no_world_is_an_empty_layout():
    layout = LayoutStream(FULL, seed=3, num_worlds=4).draw(torch.tensor([], dtype=torch.int64))
    assert layout.walls.shape == (0, 10, 5)
    assert layout.wall_present.shape == (0, 10)
    assert layout.box_present.shape == (0, 9)


def test_mistakes_are_refused():
    stream = LayoutStream(FULL, seed=3, num_worlds=4)
    with pytest.raises(UserError, match="of 2 worlds but there are 4"):
        stream.load_state_dict(LayoutStream(FULL, seed=3, num_worlds=2).state_dict())
    with pytest.raises(UserError, match="seed is -1"):
        LayoutStream(FULL, seed=-1, num_worlds=4)
    with pytest.raises(IndexError):
        stream.draw(torch.tensor([4]))


def test_a_part_of_the_worlds_has_the_layouts_of_the_whole():
    whole, part = LayoutStream(FULL, seed=3, num_worlds=5), LayoutStream(FULL, seed=3, num_worlds=2, first_world=3)
    for _ in range(2):
        expected, found = whole.draw(torch.tensor([3, 4])), part.draw(torch.tensor([0, 1]))
        assert torch.equal(expected.agent_pose, found.agent_pose)
        assert torch.equal(expected.walls, found.walls)


def test_training_layouts_are_drawn_from_seed_world_and_episode():
    """What a seed's training layouts are never changes: runs are repeated and resumed by it."""
    stream = LayoutStream(FULL, seed=7, num_worlds=2)
    stream.draw(torch.tensor([1, 1]))
    expected = generate(FULL, np.random.default_rng(np.random.SeedSequence(7, spawn_key=(1, 2))))
    assert equal(stream.draw(torch.tensor([1])), expected)


@given(EPISODES, EPISODES)
def test_no_judging_layout_is_one_of_training(judged, learned):
    first, second = episode_seeds(JUDGING, *judged), episode_seeds(TRAINING, *learned)
    assert first.generate_state(4).tolist() != second.generate_state(4).tolist()


@given(EPISODES, EPISODES)
def test_judging_layouts_differ_among_themselves(first, second):
    assume(first != second)
    states = [episode_seeds(JUDGING, *episode).generate_state(4).tolist() for episode in (first, second)]
    assert states[0] != states[1]


def test_the_same_seed_judges_on_other_layouts():
    worlds = torch.arange(3)
    training, judging = (LayoutStream(FULL, 7, 3, domain=domain) for domain in (TRAINING, JUDGING))
    learned, judged = (Layout.stack([stream.draw(worlds) for _ in range(5)]) for stream in (training, judging))
    starts = torch.cat([learned.agent_pose, judged.agent_pose]).flatten(1)
    assert len(starts.unique(dim=0)) == 30
    bank = LayoutBank(FULL, 7, 3, domain=JUDGING)
    assert equal(bank.next(torch.ones(3, dtype=torch.bool)), judged.select([0, 1, 2]))
