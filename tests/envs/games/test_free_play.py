"""Free play: how far agents and boxes move."""

import dataclasses
import itertools

import pytest
import torch

from envs.batch_env import BatchEnv
from tests.envs.worlds import body, small, world


def scenario(**changes):
    return small(game="free_play", seekers=0, hiders=2, boxes=(0, 3), horizon=20, **changes)


def test_movement_is_that_of_the_states():
    """Random play, against sums over the states one after the other in plain Python."""
    s = scenario()
    env = BatchEnv(s, 1, threads=1)
    env.reset(world(s, [(2.5, 3.0), (4.0, 3.0)], [body(3.0, 3.0), body(3.4, 3.6)]))
    only = torch.tensor([0])
    generator = torch.Generator().manual_seed(0)
    states = [env.get_state(only).pose[0, :, :2].tolist()]
    for _ in range(s.horizon):
        step = env.advance(torch.randint(0, 11, (1, 2, 5), generator=generator) // torch.tensor([1, 1, 1, 6, 6]))
        states.append(env.get_state(only).pose[0, :, :2].tolist())
    statistics = env.restart(step)

    def distance(a, b, entities):
        return sum(((a[e][0] - b[e][0]) ** 2 + (a[e][1] - b[e][1]) ** 2) ** 0.5 for e in entities)

    for kind, entities in (("agent", (0, 1)), ("box", (2, 3))):
        path = sum(distance(a, b, entities) for a, b in itertools.pairwise(states))
        assert statistics[f"{kind}_path"].item() == pytest.approx(path, rel=1e-4)
        moved = distance(states[0], states[-1], entities)
        assert statistics[f"{kind}_displacement"].item() == pytest.approx(moved, rel=1e-4)
        assert statistics[f"{kind}_path"] > statistics[f"{kind}_displacement"] > 0.01


def test_a_new_episode_begins_with_nothing():
    """The way from the end of one episode to the start of the next is nobody's."""
    env = BatchEnv(dataclasses.replace(scenario(), hiders=1), 2, threads=1)
    env.reset()
    push = torch.tensor([10, 5, 5, 0, 0]).expand(2, 1, 5)
    still = torch.tensor([5, 5, 5, 0, 0]).expand(2, 1, 5)
    for _ in range(20):
        moved = env.step(push)
    assert (moved.statistics["agent_path"] > 0.1).all()
    for _ in range(20):
        rested = env.step(still)
    assert (rested.statistics["agent_path"] < 0.01).all()
    assert (rested.statistics["box_path"] < 0.01).all()
