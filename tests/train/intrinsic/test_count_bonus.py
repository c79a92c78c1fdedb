"""Count-based exploration: bonuses from states."""

import dataclasses
from collections import Counter

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.games import View
from envs.scenarios import get
from train.config.intrinsic_config import IntrinsicConfig
from train.intrinsic.bonus import Arrival
from train.intrinsic.count_bonus import CountBonus

SCENARIO = get("explore/small", hiders=2)
COUNTS = IntrinsicConfig(method="counts")


@pytest.fixture(scope="module")
def env():
    return BatchEnv(SCENARIO, 3, threads=1)


def count_bonus(env, **options):
    config = dataclasses.replace(COUNTS, **options)
    return CountBonus(config, SCENARIO, env.observation_spec, 0, torch.device("cpu"))


def view_of(boxes):
    """The rules' view of worlds whose two boxes are at the given places (W, 2, 2); agents and the ramp anywhere."""
    boxes = torch.tensor(boxes)
    pose = torch.rand(len(boxes), 5, 4)
    pose[:, 2:4, :2] = boxes
    rest = dict.fromkeys(field.name for field in dataclasses.fields(View))
    return View(**(rest | {"pose": pose, "present": torch.ones(len(boxes), 5, dtype=torch.bool)}))


def no_observation():
    raise AssertionError("box positions need no observation")


def see(bonus, places, own=((True, True),) * 3):
    """Let the bonus see boxes at places (3, 2, 2); ``own`` (3, 2): agents that the learning policy plays."""
    bonus.see(Arrival(view_of(places), no_observation, torch.tensor(own)))


HERE, THERE, ELSEWHERE = [[1.0, 1.0], [3.0, 2.0]], [[2.0, 3.0], [0.5, 0.5]], [[3.5, 0.3], [0.4, 3.4]]


def test_by_hand(env):
    """Two steps of three worlds with two agents, whose boxes stand in three ways."""
    bonus = count_bonus(env)
    for places in ([HERE, THERE, HERE], [HERE, THERE, ELSEWHERE]):
        see(bonus, places)
    half, less = 2**-0.5, 3**-0.5
    expected = [[less, less, half, half, less, less], [less, less, half, half, 1.0, 1.0]]
    assert bonus.finish(None).tolist() == [pytest.approx(row) for row in expected]
    assert bonus.metrics() == {"new_states": pytest.approx(1 / 6), "known_states": 3.0}
    see(bonus, [ELSEWHERE, ELSEWHERE, HERE])
    assert bonus.finish(None).tolist() == [pytest.approx([less] * 4 + [0.5] * 2)]


def test_states_that_the_policy_did_not_reach_do_not_count(env):
    """Agent 1 of world 0 is absent or a past version, and nobody of world 2 is the learning policy's."""
    bonus = count_bonus(env)
    see(bonus, [HERE, THERE, HERE], ((True, False), (True, True), (False, False)))
    assert bonus.finish(None).tolist() == [[1.0, 1.0, 1.0, 1.0, 0.0, 0.0]]
    assert bonus.metrics() == {"new_states": 1.0, "known_states": 2.0}
    see(bonus, [HERE, HERE, ELSEWHERE], ((False, False),) * 3)
    assert bonus.finish(None).tolist() == [[0.0] * 6]
    assert bonus.metrics() == {"new_states": 0.0, "known_states": 2.0}


def test_what_others_observe_is_not_part_of_the_state(env):
    """Agent 1 is not the learning policy's: wherever it looks, the state is what agent 0 observes. Without
    agent 0 none."""
    bonus = count_bonus(env, representation="observation", agents=2)
    obs = env.reset()
    noisy = {key: tensor.clone() for key, tensor in obs.items()}
    for tensor in noisy.values():
        tensor[:, 1] = ~tensor[:, 1] if tensor.dtype == torch.bool else 9.0
    view, own = view_of([HERE, HERE, HERE]), torch.tensor([[True, False], [True, False], [False, False]])
    for each in (obs, noisy):
        bonus.see(Arrival(view, lambda each=each: each, own))
    half = 2**-0.5
    assert bonus.finish(None).tolist() == [pytest.approx([half] * 4 + [0.0] * 2)] * 2
    assert bonus.metrics()["known_states"] == 2.0


def test_boxes_that_change_places_are_nothing_new(env):
    bonus = count_bonus(env)
    see(bonus, [HERE, HERE[::-1], HERE])
    assert bonus.finish(None).tolist() == [pytest.approx([3**-0.5] * 6)]


def test_as_a_dictionary_counts(env):
    """States drawn from 30 arrangements, against a dictionary of arrangements as sets."""
    generator = torch.Generator().manual_seed(1)
    places, plain = (4 * torch.rand(30, 2, 2, generator=generator)).tolist(), Counter()
    bonus = count_bonus(env, hash_bits=62)
    for _ in range(3):
        drawn = torch.randint(0, 30, (8, 3), generator=generator).tolist()
        for step in drawn:
            swapped = [places[i][::-1] if i % 2 else places[i] for i in step]
            see(bonus, swapped)
            plain.update(frozenset(map(tuple, places[i])) for i in step)
        expected = [[plain[frozenset(map(tuple, places[i]))] ** -0.5 for i in step for _ in range(2)] for step in drawn]
        torch.testing.assert_close(bonus.finish(None), torch.tensor(expected))


def test_what_was_counted_comes_back(env):
    first, second, other = (count_bonus(env) for _ in range(3))
    see(first, [HERE, THERE, HERE])
    first.finish(None)
    second.load(first.tensors())
    for bonus in (first, second, other):
        see(bonus, [HERE, THERE, ELSEWHERE])
    a, b, c = (bonus.finish(None) for bonus in (first, second, other))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_observations_of_resting_worlds_are_one_state_each(env):
    """Three worlds of three states in which nobody moves: step by step the same codes, whatever is observed."""
    bonus = count_bonus(env, representation="observation", agents=2)
    env.reset()
    still = torch.tensor([5, 5, 5, 0, 0]).expand(3, 2, 5)
    for _ in range(20):
        env.advance(still)  # Bodies settle on the floor.
    for _ in range(4):
        view = env.advance(still).view
        bonus.see(Arrival(view, env.observe, torch.ones(3, 2, dtype=torch.bool)))
    bonuses = bonus.finish(None)
    assert bonuses[0].tolist() == pytest.approx([0.5] * 6)
    assert bonus.metrics()["known_states"] == 3.0
