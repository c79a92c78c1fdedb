"""A teacher: what it says of a rollout, how it pulls, and that a run with one goes on exactly."""

import dataclasses
import math

import pytest
import torch

from envs.errors import UserError
from policies.heads import IMPOSSIBLE
from tests.train.test_trainer import TINY, assert_same, resume, train
from train.config.ppo_config import PPOConfig
from train.learning.teacher import divergence
from train.runs.checkpoints import load_checkpoint, save_checkpoint
from train.runs.metrics import read_metrics
from train.trainer import Trainer


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A policy that often pushes one way, with other sizes than those that it teaches."""
    network = dataclasses.replace(TINY.network, lstm_size=4)
    run = train(tmp_path_factory.mktemp("teacher") / "a", dataclasses.replace(TINY, iterations=1, network=network))
    checkpoint = load_checkpoint(run.checkpoints.file(1))
    checkpoint.tensors["policy.action_head.linear.bias"][0] += 3.0
    save_checkpoint(run.checkpoints.file(1), checkpoint)
    return run


def taught(path, **changes):
    options = {"teacher": str(path), "teacher_iterations": 8, **changes}
    return dataclasses.replace(TINY, threads=1, ppo=dataclasses.replace(TINY.ppo, **options))


def test_divergence_by_hand():
    """Two actions of two bins; the second has one bin, and padding."""
    theirs = torch.tensor([[math.log(0.25), math.log(0.75)], [0.0, IMPOSSIBLE]])
    ours = torch.tensor([[math.log(0.5), math.log(0.5)], [0.0, IMPOSSIBLE]])
    assert float(divergence(theirs, ours)) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    assert float(divergence(torch.full((2, 2), IMPOSSIBLE), ours)) == 0.0  # Who is not taught.


def test_weight_falls_on_a_straight_line():
    config = PPOConfig(teacher="x", teacher_coefficient=2.0, teacher_iterations=4)
    assert [config.teacher_coefficient_after(n) for n in (0, 1, 4, 9)] == [2.0, 1.5, 0.0, 0.0]
    assert PPOConfig().teacher_coefficient_after(0) == 0.0


@pytest.mark.parametrize("separate", [False, True])
def test_it_says_what_it_would_have_done_also_over_rollouts(tmp_path, separate):
    """The policy that acts, as its own teacher: the probabilities of what was done are those of acting."""
    run = train(tmp_path / "a", dataclasses.replace(TINY, iterations=1, separate_policies=separate))
    config = dataclasses.replace(taught(run.path), init_from=str(run.path), separate_policies=separate)
    trainer = Trainer(config)
    trainer.begin()
    for _ in range(3):  # 30 steps each: the memory goes on from one rollout to the next, and episodes of 80 end.
        trainer.collect()
        trainer.teacher.see(trainer.buffer)
        chosen = trainer.buffer.teacher.gather(-1, trainer.buffer.actions[..., None])[..., 0].sum(-1)
        assert torch.allclose(chosen, trainer.buffer.log_probs, atol=1e-5)
    trainer.close()


def test_only_its_team_is_taught(teacher):
    trainer = Trainer(taught(teacher.path, teacher_team="seekers"))
    trainer.begin()
    trainer.collect()
    trainer.teacher.see(trainer.buffer)
    trainer.close()
    by_agent = (trainer.buffer.teacher > IMPOSSIBLE).flatten(0, 1).unflatten(1, (3, 2)).any(-1).any(-1).all(0).all(0)
    assert by_agent.tolist() == [False, True]


def test_it_pulls_until_its_time_is_over(teacher, tmp_path):
    """With a weight that outweighs everything else, the policy comes nearer; then it is heard no more."""
    config = taught(teacher.path, teacher_coefficient=30.0, teacher_iterations=6, learning_rate=1e-2)
    run = train(tmp_path / "b", dataclasses.replace(config, iterations=8))
    kl = [line.get("losses/teacher_kl") for line in read_metrics(run.metrics_file)]
    assert kl[6:] == [None, None]
    assert 0 < kl[5] < 0.5 * kl[0]


def test_a_taught_run_goes_on_exactly(teacher, tmp_path):
    config = taught(teacher.path)
    whole = train(tmp_path / "a", config)
    halves = train(tmp_path / "b", config, stop_after=3)
    resume(halves, config)
    assert_same(whole, halves)
    assert load_checkpoint(whole.checkpoints.file(4)).tensors["teacher.actor_h"].abs().sum() > 0


def test_a_teacher_of_another_world_is_refused(teacher):
    scenario = dataclasses.replace(TINY.scenario, lidar_rays=10)
    with pytest.raises(UserError, match="input 'lidar' has 10 features"):
        Trainer(dataclasses.replace(taught(teacher.path), scenario=scenario))
    with pytest.raises(UserError, match="no run or checkpoint at /nowhere"):
        Trainer(taught("/nowhere"))
