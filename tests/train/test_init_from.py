"""A new run that starts from the weights of another."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from tests.train.test_trainer import TINY, train
from train.cli import main
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
