"""A policy that learned with other bins, directions and step lengths plays as it learned to."""

import dataclasses

import numpy as np
import pytest
import torch

from envs.errors import UserError
from tests.train.test_trainer import TINY, train
from train.cli import main
from train.play.episode_files import load_episodes
from train.play.episodes import replay_actions
from train.runs.checkpoints import load_checkpoint
from train.runs.saved_policy import load_policy
from train.trainer import Trainer

OTHER = dict(movement_bins=3, heading_forces=True, substeps=30, horizon=40)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """With the original's actions, and with others."""
    folder, short = tmp_path_factory.mktemp("runs"), dataclasses.replace(TINY, iterations=2)
    other = dataclasses.replace(short, scenario=dataclasses.replace(short.scenario, **OTHER))
    return train(folder / "usual", short), train(folder / "other", other)


def record(run, tmp_path, *words):
    path = tmp_path / "a.npz"
    assert main(["record", str(run.path), "-o", str(path), *words]) == 0
    return load_episodes(path)[0]


def test_the_checkpoint_says_what_actions_mean(runs):
    usual, other = runs
    assert load_checkpoint(usual.checkpoints.file(2)).metadata["action_bins"] == [11, 11, 11, 2, 2]
    assert load_checkpoint(other.checkpoints.file(2)).metadata["action_bins"] == [3, 3, 3, 2, 2]
    scenario = load_policy(other.path).config.scenario
    assert {name: getattr(scenario, name) for name in OTHER} == OTHER


def test_it_plays_as_it_learned_to_and_replays(runs, tmp_path):
    episode = record(runs[1], tmp_path)
    assert {name: getattr(episode.scenario, name) for name in OTHER} == OTHER
    assert episode.actions[..., :3].max() == 2 and episode.steps == 40
    again = replay_actions(episode)
    assert np.array_equal(again.states["pose"], episode.states["pose"])


def test_in_another_scenario_it_keeps_its_actions(runs, tmp_path):
    scenario = record(runs[1], tmp_path, "--scenario", "hide-and-seek/quickstart").scenario
    assert (scenario.movement_bins, scenario.heading_forces) == (3, True)
    assert (scenario.substeps, scenario.horizon) == (15, 160)


@pytest.mark.parametrize("words", [["{0}", "--against", "{1}"], ["{1}", "--against", "{0}"], ["{0}", "{1}", "random"]])
def test_policies_that_act_in_different_ways_do_not_meet(runs, capsys, words):
    paths = [str(run.path) for run in runs]
    assert main(["evaluate", *(word.format(*paths) for word in words), "--episodes", "2"]) == 2
    error = capsys.readouterr().err
    assert "does not fit scenario" in error and "movement_bins is" in error and error.count("\n") == 1


def test_it_meets_random_play(runs, tmp_path):
    assert main(["evaluate", str(runs[1].path), "--episodes", "2", "--json", str(tmp_path / "a.json")]) == 0


@pytest.mark.parametrize(
    ("change", "said"), [({}, "movement_bins is 11"), ({"movement_bins": 3}, "heading_forces is False")]
)
def test_weights_for_other_actions_are_refused(runs, change, said):
    """Forces along the heading change no tensor: nothing else would tell."""
    scenario = dataclasses.replace(TINY.scenario, **change)
    with pytest.raises(UserError, match=f"--init-from .* does not fit scenario '{scenario.name}': {said}"):
        Trainer(dataclasses.replace(TINY, scenario=scenario, init_from=str(runs[1].path))).begin()


def test_weights_for_the_same_actions_are_taken(runs):
    scenario = dataclasses.replace(TINY.scenario, movement_bins=3, heading_forces=True)
    trainer = Trainer(dataclasses.replace(TINY, scenario=scenario, init_from=str(runs[1].path)))
    trainer.begin()
    taken = load_policy(runs[1].path).policy.state_dict()
    assert all(torch.equal(tensor, taken[name]) for name, tensor in trainer.policy.state_dict().items())
