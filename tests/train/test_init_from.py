"""A new run that starts from the weights of another."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from policies.teams import members
from tests.train.test_trainer import TINY, train
from train.cli import main
from train.config.train_config import validate
from train.runs.checkpoints import load_checkpoint
from train.runs.run_folder import RunFolder
from train.trainer import Trainer


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "a", dataclasses.replace(TINY, iterations=2))


def begin(**changes):
    trainer = Trainer(dataclasses.replace(TINY, seed=5, **changes))
    trainer.begin()
    return trainer


@pytest.mark.parametrize("what", ["run", "checkpoint"])
def test_only_weights_and_normalisers_are_taken(source, what):
    file = source.checkpoints.file(2)
    trainer, new = begin(init_from=str(source.path if what == "run" else file)), begin()
    taken = load_checkpoint(file).group("policy")
    for name, tensor in trainer.policy.state_dict().items():
        assert torch.equal(tensor, taken[name]), name
    assert any(not torch.equal(tensor, taken[name]) for name, tensor in new.policy.state_dict().items())
    assert (trainer.iteration, trainer.env_steps, trainer.seconds) == (0, 0, 0.0)
    assert trainer.learners.tensors() == {"optimizer": {}}
    for name in trainer.obs:
        assert torch.equal(trainer.obs[name], new.obs[name])
    assert torch.equal(trainer.action_generator.get_state(), new.action_generator.get_state())


def test_another_network_is_named(source):
    network = dataclasses.replace(TINY.network, lstm_size=16)
    with pytest.raises(UserError, match=r"--init-from .* tensor '.*' has shape \(.*expected \("):
        begin(init_from=str(source.path), network=network)


def test_another_world_is_named(source):
    scenario = dataclasses.replace(TINY.scenario, boxes=(1, 1), ramps=0)
    with pytest.raises(UserError, match=r"--init-from .* does not fit: "):
        begin(init_from=str(source.path), scenario=scenario)


def test_teams_of_two_runs_meet(source, tmp_path):
    other = train(tmp_path / "other", dataclasses.replace(TINY, iterations=1, seed=7))
    trainer = begin(separate_policies=True, init_from=str(source.path), init_seekers_from=str(other.path))
    assert [agents for _, agents in members(trainer.policy)] == [
        slice(0, TINY.scenario.hiders),
        slice(TINY.scenario.hiders, TINY.scenario.num_agents),
    ]
    for (member, _), run, iterations in zip(members(trainer.policy), (source, other), (2, 1), strict=True):
        taken = load_checkpoint(run.checkpoints.file(iterations)).group("policy")
        for name, tensor in member.state_dict().items():
            assert torch.equal(tensor, taken[name]), name


def test_seekers_alone_are_taken(source):
    trainer, new = begin(separate_policies=True, init_seekers_from=str(source.path)), begin(separate_policies=True)
    taken = load_checkpoint(source.checkpoints.file(2)).group("policy")
    for name, tensor in trainer.policy.member(0).state_dict().items():
        assert torch.equal(tensor, new.policy.member(0).state_dict()[name]), name
    for name, tensor in trainer.policy.member(1).state_dict().items():
        assert torch.equal(tensor, taken[name]), name


def test_seekers_of_a_run_with_two_networks_are_taken(source, tmp_path):
    two = train(tmp_path / "two", dataclasses.replace(TINY, iterations=1, separate_policies=True))
    trainer = begin(separate_policies=True, init_from=str(source.path), init_seekers_from=str(two.path))
    taken = load_checkpoint(two.checkpoints.file(1)).group("policy")
    for name, tensor in trainer.policy.member(1).state_dict().items():
        assert torch.equal(tensor, taken[f"teams.1.{name}"]), name


def test_seekers_without_a_network_of_their_own_are_refused(source):
    with pytest.raises(UserError, match=r"--init-seekers-from .* add --separate-policies"):
        validate(dataclasses.replace(TINY, init_seekers_from=str(source.path)))


def test_command(source, tmp_path, capsys):
    words = ["--num-worlds", "3", "--iterations", "1", "--ppo.rollout-steps", "20", "--ppo.minibatches", "2"]
    words += ["--run-dir", str(tmp_path / "b")]
    sizes = [f"--network.{name} {value}".split() for name, value in (("embedding-size", 8), ("attention-heads", 2))]
    sizes += [f"--network.{name} 8".split() for name in ("hidden-size", "lstm-size")] + [
        ["--network.lidar-filters", "2"]
    ]
    words += [word for pair in sizes for word in pair]
    assert main(["train", "quickstart", *words, "--init-from", str(tmp_path / "none")]) == 2
    assert "no run or checkpoint at" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
    assert main(["train", "quickstart", *words, "--init-from", str(source.path)]) == 0
    assert RunFolder(tmp_path / "b").read_config()["init_from"] == str(source.path.resolve())
