"""Random network distillation."""

import dataclasses

import pytest
import torch

from policies.observation import ObservationSpec
from train.config.intrinsic_config import IntrinsicConfig
from train.intrinsic.bonus import Arrival
from train.intrinsic.distillation import DistillationBonus
from train.learning.rollouts import RolloutBuffer

SPEC = ObservationSpec(4, 3, {"boxes": (2, 5)})
CONFIG = IntrinsicConfig(method="rnd", learning_rate=1e-2, hidden_size=32, features=16, minibatches=2)
STEPS, SEQUENCES = 20, 6


def distillation(seed=0, **options):
    return DistillationBonus(dataclasses.replace(CONFIG, **options), SPEC, seed, torch.device("cpu"))


def random_observation(*leading, centre=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    result = {}
    for key, shape in SPEC.shapes.items():
        drawn = torch.rand(*leading, *shape, generator=generator)
        result[key] = drawn < 0.7 if key in SPEC.masks else drawn + centre
    return result


def rollout(bonus, seed=0, own=None, noise=0.0):
    """Let the bonus see a rollout of random observations, then return what it gives.

    ``own`` (STEPS, SEQUENCES): whose are the learning policy's, all by default; ``noise`` is added to what others
    observe.
    """
    own = torch.ones(STEPS, SEQUENCES, dtype=torch.bool) if own is None else own
    buffer = RolloutBuffer(STEPS, SEQUENCES, SPEC, 5, 4)
    for step in range(STEPS):
        obs = random_observation(SEQUENCES, seed=seed * 1000 + step)
        obs["self"] += noise * ~own[step, :, None]
        see = {key: tensor[:, None] for key, tensor in obs.items()}
        bonus.see(Arrival(None, lambda see=see: see, own[step, :, None]))
        for key, tensor in buffer.observation.items():
            tensor[step % 10, step // 10] = obs[key]
    buffer.set_by_step(buffer.own, own)
    return bonus.finish(buffer)


def test_what_others_observe_teaches_nothing():
    """A third of the steps are of past versions or absent agents: with noise in them all that is learned
    stays the same."""
    own = torch.rand(STEPS, SEQUENCES, generator=torch.Generator().manual_seed(1)) < 0.66
    results = []
    for noise in (0.0, 100.0):
        bonus = distillation()
        bonuses = [rollout(bonus, number, own, noise) for number in range(3)]
        results.append((bonuses, bonus.tensors(), bonus.metrics()))
    (bonuses, tensors, metrics), (others, noisy, same) = results
    assert metrics == same
    assert all(torch.equal(tensor, noisy[name]) for name, tensor in tensors.items())
    assert all(torch.equal(one[own], other[own]) for one, other in zip(bonuses, others, strict=True))
    assert float(tensors["moments"][0]) == 3 * own.sum()


def test_a_rollout_of_others_alone_is_harmless():
    bonus = distillation()
    nobody = torch.zeros(STEPS, SEQUENCES, dtype=torch.bool)
    for number in range(2):
        assert rollout(bonus, number, nobody).isfinite().all()
    rollout(bonus)
    before = {name: tensor.clone() for name, tensor in bonus.tensors().items()}
    assert rollout(bonus, 1, nobody).isfinite().all()
    assert all(torch.equal(tensor, before[name]) for name, tensor in bonus.tensors().items())


def test_the_scale_of_observations_is_known_before_the_first_rollout():
    """By a rollout of anyone's play, in which half of the steps are of agents that are not there. It earns
    at once then."""
    bonus, buffer = distillation(), RolloutBuffer(STEPS, SEQUENCES, SPEC, 5, 4)
    buffer.observation["self"][..., 0] = 3.0
    buffer.own[:, :, ::2] = True
    buffer.observation["self"][:, :, 1::2] = 99.0
    assert not bonus.fitted
    bonus.fit_normalizer(buffer)
    assert bonus.fitted
    assert bonus.tensors()["normalizer.normalizers.of_self.mean"].tolist() == [3.0, 0.0, 0.0, 0.0]
    first = rollout(bonus)
    assert first.shape == (STEPS, SEQUENCES) and (first > 0).all()


def test_errors_fall_where_it_has_been_and_stay_high_elsewhere():
    bonus = distillation()
    rollout(bonus)
    known, new = random_observation(50, seed=5), random_observation(50, centre=1.0, seed=6)
    before = bonus.errors(known).mean(), bonus.errors(new).mean()
    for number in range(30):
        rollout(bonus, number)
    after = bonus.errors(known).mean(), bonus.errors(new).mean()
    assert after[0] < 0.4 * before[0]
    assert after[1] > 3 * after[0]


def test_bonuses_are_errors_over_the_deviation_of_all_errors_so_far():
    bonus = distillation(learning_rate=1e-30)
    seen = []
    for number in (1, 2):
        obs = [random_observation(SEQUENCES, seed=number * 1000 + step) for step in range(STEPS)]
        errors = torch.stack([bonus.errors(each) for each in obs])
        seen.append(errors)
        expected = errors / torch.stack(seen).double().std(correction=0).float()
        torch.testing.assert_close(rollout(bonus, number), expected)


def test_only_the_predictor_learns():
    bonus = distillation()
    rollout(bonus)
    before = {name: tensor.clone() for name, tensor in bonus.tensors().items()}
    rollout(bonus, 1)
    for name, tensor in bonus.tensors().items():
        if name.startswith("networks."):
            assert torch.equal(tensor, before[name]) == name.startswith("networks.target"), name


def test_goes_on_exactly_after_a_restart():
    first, second = distillation(), distillation(seed=7)
    rollout(first)
    rollout(first, 1)
    second.load({name: tensor.clone() for name, tensor in first.tensors().items()})
    for number in (2, 3):
        assert torch.equal(rollout(first, number), rollout(second, number))
    assert first.metrics() == second.metrics()
    mine, theirs = first.tensors(), second.tensors()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("minibatches", [1, 3, 12])
def test_every_step_is_learned_from_once(minibatches):
    """Without learning, the mean error over all minibatches is the error on the rollout, however it is dealt."""
    bonus = distillation(learning_rate=1e-30, minibatches=minibatches)
    rollout(bonus)
    rollout(bonus, 1)
    obs = [random_observation(SEQUENCES, seed=1000 + step) for step in range(STEPS)]
    # Measured after the rollout has changed the normaliser, as in learning.
    expected = torch.stack([bonus.errors(each) for each in obs]).mean()
    assert bonus.metrics()["prediction_error"] == pytest.approx(float(expected), rel=1e-5)
