"""Policies that come with the project: found by name, small, and as good as what they were made of."""

import pytest
import torch

from tests.train.test_trainer import train
from train.cli import main
from train.runs import shipped_policies
from train.runs.checkpoints import load_checkpoint
from train.runs.saved_policy import load_policy
from train.runs.shipped_policies import FOLDER, card_line, ship
from train.viewer.player_choice import PlayerChoice


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs") / "a", stop_after=1)


@pytest.fixture
def shipped(run, tmp_path, monkeypatch):
    """A policy called door-test."""
    folder = tmp_path / "policies"
    folder.mkdir()
    monkeypatch.setattr(shipped_policies, "FOLDER", folder)
    ship(load_checkpoint(run.checkpoints.file(1)), folder / "door-test.safetensors")
    (folder / "door-test.md").write_text("# door-test\n\nBlocks a door now and then.\n\nMore.\n")
    monkeypatch.chdir(tmp_path)
    return folder / "door-test.safetensors"


def test_it_is_the_policy_in_half_precision(run, shipped):
    saved, source = load_policy(shipped.parent / "door-test.safetensors"), load_policy(run.path)
    for name, tensor in saved.policy.state_dict().items():
        original = source.policy.state_dict()[name]
        assert tensor.dtype == original.dtype
        assert torch.allclose(tensor.float(), original.float(), atol=1e-3, rtol=1e-3), name
        if "normalizer" in name:
            assert torch.equal(tensor, original)
    assert saved.config == source.config
    assert shipped.stat().st_size < 0.3 * run.checkpoints.file(1).stat().st_size


def test_its_name_stands_where_a_run_does(shipped, capsys):
    assert main(["evaluate", "door-test", "--episodes", "2", "--num-worlds", "2"]) == 0
    assert str(shipped) in capsys.readouterr().out
    assert main(["record", "door-test", "-o", "x.npz"]) == 0
    assert main(["stages", "door-test", "--episodes", "2", "--num-worlds", "2"]) == 0
    assert "door blocking" in capsys.readouterr().out
    assert PlayerChoice([shipped_policies.Path("door-test")]).names[0] == "door-test"
    words = ["--num-worlds", "2", "--iterations", "1", "--scenario.horizon", "80", "--ppo.rollout-steps", "10"]
    small = [f"--network.{name}={size}" for name, size in (("embedding-size", 8), ("hidden-size", 8))]
    small += ["--network.lstm-size", "8", "--network.lidar-filters", "2", "--ppo.minibatches", "2"]
    assert main(["train", "quickstart", "--init-from", "door-test", "--run-dir", "new", *words, *small]) == 0


def test_a_folder_of_that_name_comes_first(shipped, capsys):
    shipped_policies.Path("door-test").mkdir()
    assert main(["evaluate", "door-test"]) == 2
    assert "no run at door-test: it has no config.json" in capsys.readouterr().err


def test_a_name_that_is_nearly_right(shipped, capsys):
    assert main(["evaluate", "door-tets"]) == 2
    assert "no run or checkpoint at door-tets, did you mean 'door-test'?" in capsys.readouterr().err


def test_it_cannot_be_resumed_but_says_so(shipped, capsys):
    assert main(["train", "--resume", "door-test"]) == 2
    assert "door-test" in capsys.readouterr().err


def test_list_shows_what_it_does(shipped, capsys):
    assert main(["list"]) == 0
    assert "Blocks a door now and then." in capsys.readouterr().out
    assert card_line(shipped) == "Blocks a door now and then."


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.safetensors")), ids=lambda file: file.stem)
def test_shipped_policies_are_small_and_have_a_card(file):
    assert file.stat().st_size < 2e6
    assert card_line(file)
    assert load_policy(file).policy
