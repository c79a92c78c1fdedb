"""The training loop with the real environment, as small as it gets."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from envs.physics.cpu import CpuEngine
from policies.teams import parameter_counts
from policies.tower import NetworkConfig
from tests.train.runs.test_checkpoints import full_disk
from train.config.ppo_config import PPOConfig
from train.config.presets import get_preset
from train.evaluation.ratings import Rating
from train.league.league import TEAMS
from train.league.league_ratings import rating_metrics
from train.runs.checkpoints import load_checkpoint
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder
from train.support import files
from train.support.console import TrainingConsole
from train.trainer import Trainer

TINY = dataclasses.replace(
    get_preset("quickstart"),
    scenario=dataclasses.replace(get_preset("quickstart").scenario, horizon=80, preparation_fraction=0.4),
    num_worlds=3,
    iterations=4,
    checkpoint_interval=100,
    network=NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8, lidar_filters=2),
    ppo=PPOConfig(rollout_steps=30, chunk_length=10, epochs=2, minibatches=2, learning_rate=1e-3),
)


def train(folder, config=TINY, stop_after=None):
    """Train a fresh run and return its folder."""
    trainer = Trainer(config)
    trainer.begin()
    run = RunFolder(folder)
    run.create(config)
    trainer.run(run, TrainingConsole(), lambda: trainer.iteration == stop_after)
    trainer.close()
    return run


def resume(run, config=TINY):
    trainer = Trainer(config)
    path, checkpoint = run.checkpoints.load_newest(print)
    trainer.restore(checkpoint, str(path))
    trainer.run(run, TrainingConsole())
    trainer.close()


def numbers(run):
    """Everything of the metrics that must repeat: all but the clock's."""
    return [{k: v for k, v in line.items() if not k.startswith("perf/")} for line in read_metrics(run.metrics_file)]


def final(run):
    return load_checkpoint(run.checkpoints.file(TINY.iterations))


def assert_same(a, b):
    assert numbers(a) == numbers(b)
    first, second = final(a), final(b)
    assert first.tensors.keys() == second.tensors.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name]), name
    clock = "seconds"
    counters = [{k: v for k, v in c.metadata["counters"].items() if k != clock} for c in (first, second)]
    assert counters[0] == counters[1]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "a")


def test_same_seed_same_losses_and_checkpoints(uninterrupted, tmp_path):
    assert_same(uninterrupted, train(tmp_path / "b"))


def test_other_seed_other_losses(uninterrupted, tmp_path):
    other = train(tmp_path / "b", dataclasses.replace(TINY, seed=1, iterations=1))
    assert numbers(other)[0] != numbers(uninterrupted)[0]


def test_physics_threads_change_nothing(uninterrupted, tmp_path):
    run = train(tmp_path / "b", dataclasses.replace(TINY, threads=1))
    assert numbers(run) == numbers(uninterrupted)


@pytest.mark.parametrize("stop_after", [1, 3])
def test_resume_is_exact(uninterrupted, tmp_path, stop_after):
    """Rollouts of 30 steps in episodes of 80: both stops are in the middle of episodes, memories and statistics."""
    run = train(tmp_path / "b", stop_after=stop_after)
    assert run.checkpoints.iterations() == [stop_after]
    resume(run)
    assert_same(uninterrupted, run)


def test_resume_from_the_checkpoint_before_a_damaged_one(uninterrupted, tmp_path, capsys):
    run = train(tmp_path / "b", dataclasses.replace(TINY, checkpoint_interval=2), stop_after=3)
    assert run.checkpoints.iterations() == [2, 3]
    file = run.checkpoints.file(3)
    file.write_bytes(file.read_bytes()[:1000])
    resume(run)
    assert "truncated or damaged" in capsys.readouterr().out
    assert_same(uninterrupted, run)


def test_metrics_are_complete(uninterrupted):
    lines = read_metrics(uninterrupted.metrics_file)
    assert [line["env_steps"] for line in lines] == [90, 180, 270, 360]
    expected = {
        "losses/policy_loss",
        "losses/value_loss",
        "losses/entropy",
        "losses/approx_kl",
        "losses/explained_variance",
        "charts/learning_rate",
        "perf/env_steps_per_second",
        "perf/agent_steps_per_second",
        "perf/rollout_seconds",
        "perf/learning_seconds",
        "perf/environment_seconds",
        "perf/inference_seconds",
    }
    assert all(expected <= set(line) for line in lines)
    ended = [line for line in lines if "charts/episodes" in line]
    assert ended and {
        "charts/episodic_return/hiders",
        "charts/episodic_return/seekers",
        "charts/episodic_length",
        "charts/seen_fraction",
        "stats/max_box_move",
        "stats/num_box_lock_prep",
    } <= set(ended[0])


def test_the_learning_rate_falls_on_a_straight_line(uninterrupted, tmp_path):
    """4 iterations from 1e-3 towards 0; and the optimiser takes smaller steps: the last update moves weights less."""
    ppo = dataclasses.replace(TINY.ppo, final_learning_rate=0.0)
    run = train(tmp_path / "b", dataclasses.replace(TINY, ppo=ppo))
    rates = [line["charts/learning_rate"] for line in read_metrics(run.metrics_file)]
    assert rates == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    constant = [line["charts/learning_rate"] for line in read_metrics(uninterrupted.metrics_file)]
    assert constant == [1e-3] * 4
    kl = [[line["losses/approx_kl"] for line in read_metrics(each.metrics_file)] for each in (run, uninterrupted)]
    assert kl[0][0] == kl[1][0] and kl[0][3] < 0.5 * kl[1][3]


def test_frozen_seekers_have_no_weight():
    """In the first 32 of 80 steps seekers are frozen: without staggering, that is all of a rollout of 30."""
    trainer = Trainer(dataclasses.replace(TINY, stagger=False))
    trainer.begin()
    trainer.collect()
    weights = trainer.buffer.by_step(trainer.buffer.weights).unflatten(1, (3, 2))
    assert (weights[..., 0] == 1).all()
    assert (weights[..., 1] == 0).all()


def test_rollouts_continue_where_the_last_one_ended():
    trainer = Trainer(TINY)
    trainer.begin()
    assert trainer.started.all()
    starts = []
    for _ in range(2):
        trainer.collect()
        starts.append(trainer.buffer.by_step(trainer.buffer.resets).nonzero()[:, 0].tolist())
    # Episodes of worlds 0, 1, 2 first end after a third, two thirds and all of 80 steps: at 27, 54 and 80.
    assert starts[0] == [0] * 6 + [27] * 2
    assert starts[1] == [54 - 30] * 2


def test_checkpoint_of_another_network_is_named(uninterrupted):
    trainer = Trainer(dataclasses.replace(TINY, network=dataclasses.replace(TINY.network, lstm_size=16)))
    with pytest.raises(UserError, match=r"does not fit: tensor '.*' has shape \(.*expected \("):
        trainer.restore(final(uninterrupted), "x")


def test_checkpoint_of_another_scenario_is_named(uninterrupted):
    scenario = dataclasses.replace(TINY.scenario, boxes=(1, 1))
    with pytest.raises(UserError, match=r"does not fit: tensor 'start_pose' has shape .*, expected"):
        Trainer(dataclasses.replace(TINY, scenario=scenario)).restore(final(uninterrupted), "x")


def test_full_disk_keeps_the_earlier_checkpoint(tmp_path, monkeypatch):
    run = train(tmp_path / "b", stop_after=1)
    monkeypatch.setattr(files, "_write_to_disk", full_disk)
    with pytest.raises(UserError, match="no space left"):
        resume(run)
    assert run.checkpoints.iterations() == [1]
    monkeypatch.undo()
    load_checkpoint(run.checkpoints.file(1))


def test_losses_that_are_not_numbers_reach_no_checkpoint(tmp_path):
    trainer = Trainer(TINY)
    trainer.begin()
    run = RunFolder(tmp_path / "b")
    run.create(TINY)
    with torch.no_grad():
        trainer.policy.value_head.bias.fill_(float("nan"))
    with pytest.raises(UserError, match="is nan in iteration 1"):
        trainer.run(run, TrainingConsole())
    assert run.checkpoints.iterations() == []


def test_dropped_contacts_stop_training(tmp_path, monkeypatch):
    """The message has the option with the number to raise it to; the checkpoint before is intact."""
    run = train(tmp_path / "b", stop_after=1)
    line = (
        "physics needed more than max_contacts = 60 in a world and dropped some; raise it: --scenario.max-contacts 90"
    )

    def overflow(engine):
        raise UserError(line)

    monkeypatch.setattr(CpuEngine, "check_overflow", overflow)
    with pytest.raises(UserError, match=rf"--scenario.max-contacts 90; .* of iteration 2 .* --resume {run.path}"):
        resume(run)
    assert run.checkpoints.iterations() == [1]


def test_parameter_counts_of_the_paper():
    """Environment 8: about 0.816 M + 0.807 M for the full scenario."""
    config = dataclasses.replace(get_preset("paper"), num_worlds=1)
    counts = parameter_counts(Trainer(config).policy)
    actor, critic = (int(word.replace(",", "")) for word in counts.split() if word[0].isdigit())
    assert actor == pytest.approx(816_000, rel=0.01)
    assert critic == pytest.approx(807_000, rel=0.01)


def test_the_best_rated_checkpoint_is_kept(tmp_path, monkeypatch):
    """Ratings come every 2 iterations, checkpoints else only at the end."""
    ratings = {2: Rating(20.0, 2.0), 4: Rating(30.0, 2.0), 6: Rating(31.0, 2.0), 8: Rating(31.5, 2.0)}

    def rate(trainer):
        if trainer.iteration in ratings:
            trainer.league.ratings[trainer.iteration] = dict.fromkeys(TEAMS, ratings[trainer.iteration])
        return rating_metrics(trainer.league.ratings, trainer.iteration)

    monkeypatch.setattr(Trainer, "_rate", rate)
    run = train(tmp_path / "b", dataclasses.replace(TINY, iterations=9, keep_checkpoints=1))
    # The mean of two roles of deviation 2 has one of 1.41: 31 is not above 30 by that, and 31.5 is.
    assert run.checkpoints.best() == (8, 31.5)
    assert run.checkpoints.iterations() == [8, 9]
    ratings.pop(8)
    run = train(tmp_path / "c", dataclasses.replace(TINY, iterations=9, keep_checkpoints=1))
    assert run.checkpoints.best() == (4, 30.0)
    assert run.checkpoints.iterations() == [4, 9]
