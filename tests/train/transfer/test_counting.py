"""Object counting: labels and chance, held-out layouts, what is asked when, and what different memories reach."""

import dataclasses

import numpy as np
import pytest
import torch

from envs import scenarios
from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.observations import spec
from envs.options.scenario_options import CountingOptions
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.envs.worlds import ACTION_BINS
from train.transfer.counting_classifier import Samples
from train.transfer.counting_curves import (
    CountingConfig,
    learn_to_count,
    lstm_states,
    train_classifier,
    train_classifiers,
)
from train.transfer.counting_episodes import CountingWorlds, _vanished, is_held_out, label_distribution
from train.transfer.counting_supervised import CounterConfig, train_counter

SCENARIO = scenarios.get(
    "object-counting/small", horizon=34, counting=CountingOptions(wait_steps=2, drift_per_step=0.2)
)
SMALL = scenarios.get("object-counting/small")
TINY = CountingConfig(
    episodes=32, test_episodes=32, num_worlds=16, curve_points=2, updates=20, batch_size=128, threads=1
)


def make_policy(scenario, seed=0, size=16):
    d = spec(scenario)
    config = NetworkConfig(embedding_size=size, attention_heads=2, hidden_size=size, lstm_size=size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ActorCritic(ObservationSpec.from_dict(d), ACTION_BINS, config)


@pytest.fixture(scope="module")
def episodes():
    with CountingWorlds(SCENARIO, 32, 0, held_out=False, threads=1) as worlds:
        return worlds.record(32)


# --- labels
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ((6, 6), [1 / 7] * 7),
        ((3, 3), [1 / 4] * 4),
        # 2, 3 or 4 boxes: each label of each number is equally likely.
        ((2, 4), [(1 / 3 + 1 / 4 + 1 / 5) / 3] * 3 + [(1 / 4 + 1 / 5) / 3, 1 / 5 / 3]),
    ],
)
def test_label_distribution(boxes, expected):
    scenario = scenarios.get("object-counting", boxes=boxes)
    assert label_distribution(scenario).tolist() == pytest.approx(expected)


def test_labels_are_drawn_from_that_distribution():
    scenario = scenarios.get("object-counting", boxes=(2, 4))
    layout = LayoutStream(scenario, 5, 4000).draw(torch.arange(4000))
    left = (layout.box_present & (layout.box_goal < layout.box_pose[..., 0])).sum(1)
    found, expected = left.bincount(minlength=5) / 4000, label_distribution(scenario)
    assert ((found - expected).abs() < 4 * (expected * (1 - expected) / 4000).sqrt()).all()


def test_chance_is_that_of_the_most_frequent_label():
    scenario = dataclasses.replace(SCENARIO, boxes=(2, 3))
    config = dataclasses.replace(TINY, episodes=8, test_episodes=8, num_worlds=8, updates=1)
    result = learn_to_count({"nothing": nothing}, scenario, config, 0)["nothing"]
    assert result.chance == pytest.approx((1 / 3 + 1 / 4) / 2)


# --- episodes
# ----------------------------------------------------------------------------------------------------------


def arrangements(layout):
    return {tuple(row) for row in (layout.box_pose[..., 1] * 100).round().int().tolist()}


def test_layouts_of_tests_are_never_learned_from():
    stream = LayoutStream(SCENARIO, 0, 2000)
    layout = stream.draw(torch.arange(2000))
    held_out = is_held_out(layout)
    test, train = layout.select(held_out), layout.select(~held_out)
    assert arrangements(test).isdisjoint(arrangements(train))
    assert len(arrangements(test)) + len(arrangements(train)) == 6 * 5 * 4
    assert 0.15 < held_out.float().mean() < 0.35
    for part in (test, train):  # Which are held out does not depend on the label.
        left = (part.box_goal < part.box_pose[..., 0]).sum(1)
        assert (left.bincount(minlength=4) / len(left) - 0.25).abs().max() < 0.07


def test_worlds_record_layouts_of_one_kind(episodes):
    assert not is_held_out(episodes.layout).any()
    with CountingWorlds(SCENARIO, 8, 0, held_out=True, threads=1) as worlds:
        assert is_held_out(worlds.record(8).layout).all()


def test_recorded_labels_and_times(episodes):
    layout = episodes.layout
    assert torch.equal(episodes.labels, (layout.box_goal < layout.box_pose[..., 0]).sum(1))
    visible = episodes.observations["boxes_visible"].any(-1)  # (T, N)
    assert visible.shape == (SCENARIO.horizon, 32)
    assert not (visible & episodes.asked).any()
    before = episodes.vanished - 1
    assert visible[before, torch.arange(32)].all()
    assert torch.equal(episodes.asked.sum(0), SCENARIO.horizon - episodes.vanished)


def test_boxes_vanish_after_the_last_sight_of_any():
    visible = torch.zeros(5, 3, 2, dtype=torch.bool)
    visible[0, 0, 0] = visible[:2, 1, 1] = visible[3, 2, 0] = True  # The third is unseen for a while before that.
    assert _vanished(visible).tolist() == [1, 2, 4]


def test_boxes_that_stay_in_sight_are_refused():
    slow = dataclasses.replace(SCENARIO, counting=CountingOptions(wait_steps=2, drift_per_step=0.02))
    with (
        CountingWorlds(slow, 4, 0, held_out=False, threads=1) as worlds,
        pytest.raises(UserError, match="still in sight at the end of 4 of 4"),
    ):
        worlds.record(4)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [(scenarios.get("shelter"), "game shelter"), (dataclasses.replace(SCENARIO, boxes=(0, 0)), "too few")],
)
def test_impossible_scenarios(scenario, message):
    with (
        pytest.raises(UserError, match=message),
        CountingWorlds(scenario, 2, 0, held_out=False, threads=1) as worlds,
        CountingWorlds(scenario, 2, 0, held_out=True, threads=1) as others,
    ):
        worlds.record(2)
        others.record(2)


# --- what memories reach
# -------------------------------------------------------------------------------------------------


def perfect(episodes):
    """One feature, the label, at every step."""
    return episodes.labels.float().expand(episodes.asked.shape)[..., None]


def nothing(episodes):
    return torch.ones(*episodes.asked.shape, 3)


def noise(episodes):
    return torch.rand(*episodes.asked.shape, 3, generator=torch.Generator().manual_seed(1))


def fading(episodes):
    """The label for 5 steps after the boxes vanished, then nothing."""
    since = torch.arange(SCENARIO.horizon)[:, None] - episodes.vanished
    known = (since < 5).float()[..., None]
    return torch.cat([perfect(episodes) * known, known], dim=-1)


@pytest.fixture(scope="module")
def results():
    memories = {"perfect": perfect, "nothing": nothing, "noise": noise, "fading": fading}
    config = dataclasses.replace(TINY, episodes=128, test_episodes=96, num_worlds=32, updates=60, learning_rate=0.02)
    return learn_to_count(memories, SCENARIO, config, 0)


def test_perfect_memory_answers_everything(results):
    result = results["perfect"]
    assert result.accuracy.value > 0.99
    assert result.accuracy.low > 0.97
    assert result.chance == 0.25
    assert result.confusion.trace() > 0.99 * result.confusion.sum()
    assert [episodes for episodes, _ in result.curve] == [64, 128]
    assert result.curve[-1][1] == pytest.approx(result.accuracy.value)


def test_no_memory_stays_at_chance(results):
    constant, random = results["nothing"], results["noise"]
    # One answer to everything: right in all episodes of one label and wrong in all others.
    assert (constant.confusion.sum(0) > 0).sum() == 1
    assert set(constant.per_episode) == {0.0, 1.0}
    for result in (constant, random):
        assert abs(result.accuracy.value - 0.25) < 0.12
        assert result.accuracy.low < 0.3


def test_accuracy_by_time_shows_when_memory_ends(results):
    times, accuracies = zip(*results["fading"].by_time, strict=True)
    assert times == tuple(range(0, 5 * len(times), 5))
    assert len(times) >= 2
    assert accuracies[0] > 0.97
    assert max(accuracies[1:]) < 0.5


def test_share_of_right_answers_per_episode():
    samples = Samples(torch.zeros(5, 1), torch.tensor([2, 2, 0, 0, 0]), torch.tensor([0, 0, 1, 1, 1]), torch.zeros(5))
    assert samples.per_episode(torch.tensor([2, 1, 0, 0, 3])).tolist() == pytest.approx([1 / 2, 2 / 3])
    joined = Samples.join([samples, samples])
    assert joined.episode.tolist() == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]


# --- policies
# ----------------------------------------------------------------------------------------------------------


def test_states_are_those_of_the_actor(episodes):
    """Step by step, they are what the tower makes of the whole episode at once."""
    policy = make_policy(SCENARIO)
    policy.observation_normalizer.update(episodes.observations)
    states = lstm_states(policy, episodes)
    steps, number = episodes.asked.shape
    assert states.shape == (steps, number, 32)
    resets = torch.zeros(steps, number, dtype=torch.bool)
    start = policy.initial_state(number)
    unrolled = policy.actor.unroll(
        policy.observation_normalizer(episodes.observations), (start.actor_h, start.actor_c), resets
    )
    assert torch.allclose(policy.actor.output_norm(states[..., :16]), unrolled, atol=1e-4)
    assert torch.equal(lstm_states(policy, episodes, "hidden"), states[..., :16])
    assert torch.equal(lstm_states(policy, episodes, "cell"), states[..., 16:])


def test_policy_stays_as_it_is_and_results_repeat():
    policies = {"one": make_policy(SCENARIO, 0), "other": make_policy(SCENARIO, 1)}
    before = {name: value.clone() for name, value in policies["one"].state_dict().items()}
    told = []
    both = train_classifiers(policies, SCENARIO, TINY, 3, lambda done, total: told.append((done, total)))
    assert told == [(16, 64), (32, 64), (48, 64), (64, 64)]
    assert all(torch.equal(value, before[name]) for name, value in policies["one"].state_dict().items())
    torch.rand(7)  # Nothing depends on the global random numbers.
    alone = train_classifier(policies["one"], SCENARIO, TINY, 3)
    assert alone.to_plain() == both["one"].to_plain()
    assert alone.to_plain() != both["other"].to_plain()


def test_can_be_stopped():
    asked = iter([False, True])
    assert train_classifier(make_policy(SCENARIO), SCENARIO, TINY, 0, stop=lambda: next(asked)) is None


def test_policy_from_elsewhere_is_refused():
    with pytest.raises(UserError, match="policy does not fit the scenario"):
        train_classifier(make_policy(scenarios.get("shelter")), SCENARIO, TINY, 0)


@pytest.mark.parametrize("change", [{"episodes": 0}, {"updates": 0}, {"hidden_size": -1}, {"learning_rate": 0.0}])
def test_impossible_numbers(change):
    with pytest.raises(UserError, match=next(iter(change))):
        learn_to_count({"nothing": nothing}, SCENARIO, dataclasses.replace(TINY, **change), 0)


def test_counter_repeats_and_leaves_the_critic_alone():
    network = NetworkConfig(embedding_size=16, attention_heads=2, hidden_size=16, lstm_size=16)
    config = CounterConfig(episodes=16, num_worlds=16, epochs=2, batch_size=8, threads=1)
    told = []
    one = train_counter(SCENARIO, network, config, 0, lambda *values: told.append(values))
    other = train_counter(SCENARIO, network, config, 0)
    assert [values[:2] for values in told] == [(2, 4), (4, 4)]
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = ActorCritic(one.spec, ACTION_BINS, network)
    changed = {k.split(".")[0] for k, v in one.state_dict().items() if not torch.equal(v, fresh.state_dict()[k])}
    assert changed == {"actor", "observation_normalizer"}


@pytest.mark.slow
def test_a_trained_memory_beats_a_random_one_which_beats_chance():
    """What object counting must show, at a third of the usual size."""
    sizes = CountingConfig(episodes=768, test_episodes=256, threads=1)
    network = NetworkConfig(embedding_size=32, attention_heads=2, hidden_size=32, lstm_size=32)
    counter = train_counter(SMALL, network, CounterConfig(episodes=1024, threads=1), 0)
    policies = {"random": make_policy(SMALL, size=32), "trained": counter}
    results = train_classifiers(policies, SMALL, sizes, 0)
    assert results["random"].accuracy.low > 2 * results["random"].chance
    assert results["trained"].accuracy.low > results["random"].accuracy.high + 0.05
    assert results["trained"].by_time[-1][1] > results["random"].by_time[-1][1] + 0.1
    assert np.diag(results["trained"].confusion).sum() > 0.9 * results["trained"].confusion.sum()
