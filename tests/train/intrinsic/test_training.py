"""Intrinsic motivation in the training loop."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from envs.scenarios import get
from train.cli import main
from train.config.intrinsic_config import IntrinsicConfig
from train.config.presets import choose, get_preset
from train.config.train_config import validate
from train.runs.checkpoints import load_checkpoint
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder
from train.support.console import TrainingConsole
from train.trainer import Trainer

TINY = dataclasses.replace(
    get_preset("explore"),
    scenario=get("explore/small", horizon=25),
    num_worlds=3,
    iterations=4,
    network=dataclasses.replace(get_preset("explore").network, embedding_size=8, hidden_size=8, lstm_size=8),
    ppo=dataclasses.replace(get_preset("explore").ppo, rollout_steps=20, epochs=1, minibatches=2),
)
METHODS = {
    "box_positions": IntrinsicConfig(method="counts"),
    "box_states": IntrinsicConfig(method="counts", representation="box_states"),
    "observation": IntrinsicConfig(method="counts", representation="observation"),
    "rnd": IntrinsicConfig(method="rnd", minibatches=2),
}


def train(folder, config, stop_after=None):
    trainer = Trainer(config)
    trainer.begin()
    run = RunFolder(folder)
    run.create(config)
    trainer.run(run, TrainingConsole(silent=True), lambda: trainer.iteration == stop_after)
    trainer.close()
    return run


def numbers(run):
    return [{k: v for k, v in line.items() if not k.startswith("perf/")} for line in read_metrics(run.metrics_file)]


@pytest.mark.parametrize("name", METHODS)
def test_resume_is_exact(tmp_path, name):
    """Stopped in the middle of episodes, after two of four rollouts."""
    config = dataclasses.replace(TINY, intrinsic=METHODS[name])
    whole, parts = train(tmp_path / "whole", config), train(tmp_path / "parts", config, stop_after=2)
    trainer = Trainer(config)
    path, checkpoint = parts.checkpoints.load_newest(print)
    trainer.restore(checkpoint, str(path))
    trainer.run(parts, TrainingConsole(silent=True))
    trainer.close()
    assert numbers(whole) == numbers(parts)
    assert all("intrinsic/bonus" in line for line in numbers(whole))
    first, second = (load_checkpoint(run.checkpoints.file(4)).tensors for run in (whole, parts))
    assert first.keys() == second.keys() and any(key.startswith("intrinsic.") for key in first)
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key


def test_the_reward_of_an_episodes_last_step_is_that_of_its_last_state():
    """Boxes at rest have one state in an episode, and another in the next: as many visits to each as steps in
    between."""
    fine = dataclasses.replace(METHODS["box_positions"], hash_bits=62, resolution=0.1)
    trainer = Trainer(dataclasses.replace(TINY, intrinsic=fine, stagger=False))
    trainer.begin()
    still = torch.tensor([5, 5, 5, 0, 0]).expand(3, 5)
    act = trainer.policy.act
    trainer.policy.act = lambda *args, **named: (still, *act(*args, **named)[1:])
    codes = []
    for _ in range(2):
        trainer.collect()
        codes.append(trainer.buffer.by_step(trainer.buffer.rewards))
    # Steps 1 to 20 of 25, then 21 to 25 and 1 to 15: the first state has 20 visits, then 25; the second one 15.
    assert codes[0].flatten().tolist() == pytest.approx([20**-0.5] * 60)
    assert codes[1][:5].flatten().tolist() == pytest.approx([25**-0.5] * 15)
    assert codes[1][5:].flatten().tolist() == pytest.approx([15**-0.5] * 45)


def test_scales_of_bonus_and_reward():
    """In hide-and-seek, whose own rewards are -1 and 1, after a preparation phase of zeros."""
    rewards = []
    for scales in (
        {"extrinsic_scale": 1.0, "scale": 0.0},
        {"extrinsic_scale": 0.0},
        {"extrinsic_scale": 3.0, "scale": 10.0},
    ):
        scenario = get("hide-and-seek/quickstart", horizon=25)
        intrinsic = dataclasses.replace(METHODS["box_positions"], **scales)
        trainer = Trainer(dataclasses.replace(TINY, scenario=scenario, intrinsic=intrinsic))
        trainer.begin()
        trainer.collect()
        rewards.append(trainer.buffer.rewards.clone())
    own, bonus, both = rewards
    assert set(own.unique().tolist()) <= {-10.0, -1.0, 0.0, 1.0} and len(own.unique()) >= 2
    assert (bonus > 0).all()
    torch.testing.assert_close(both, 3 * own + 10 * bonus)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--intrinsic.representation", "observation", "--intrinsic.agents", "3"], "has 1 agent"),
        (["--intrinsic.agents", "0"], "--intrinsic.agents is 0"),
        (["--scenario.boxes", "0", "0"], "needs boxes"),
        (["--intrinsic.hash-bits", "63"], "from 1 to 62"),
        (["--intrinsic.table-bits", "0"], "from 1 to 28"),
        (["--intrinsic.resolution", "0"], "--intrinsic.resolution is 0"),
        (["--intrinsic.scale", "-1"], "must not be negative"),
        (["--intrinsic.minibatches", "100000"], "chunks"),
    ],
)
def test_impossible_options(capsys, tmp_path, options, message):
    assert main(["train", "explore", "--intrinsic", "counts", *options, "--run-dir", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [["--intrinsic", "count"], ["--intrinsic.representation", "pixels"]])
def test_unknown_names(capsys, tmp_path, words):
    assert main(["train", "explore", *words, "--run-dir", str(tmp_path / "run")]) == 2
    assert words[1] in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_method_cannot_change_on_resume(capsys, tmp_path):
    run = train(tmp_path / "run", dataclasses.replace(TINY, intrinsic=METHODS["box_positions"]), stop_after=1)
    assert main(["train", "--resume", str(run.path), "--intrinsic", "rnd"]) == 2
    assert "--intrinsic cannot change" in capsys.readouterr().err


def test_the_preset():
    config = choose("explore", None)
    assert config.scenario.name == "explore/small"
    assert config.network == get_preset("quickstart").network
    assert choose("explore", "laptop").scenario.name == "explore"
    empty = get("lock-and-return", boxes=(0, 0), game="free_play")
    with pytest.raises(UserError, match="needs boxes"):
        validate(dataclasses.replace(config, scenario=empty, intrinsic=METHODS["box_states"]))


@pytest.mark.slow
def test_counting_box_positions_moves_boxes(tmp_path):
    """24 iterations: boxes travel farther than at the start, which is nearly random play."""
    config = dataclasses.replace(get_preset("explore"), intrinsic=METHODS["box_positions"], iterations=24)
    lines = read_metrics(train(tmp_path / "run", config).metrics_file)
    paths = [line["stats/box_path"] for line in lines if "stats/box_path" in line]
    assert sum(paths[-4:]) > 1.7 * sum(paths[:4])
