"""Whatever judges, judges on layouts that were never trained on, though the seeds are the same."""

import contextlib
import dataclasses

import pytest
import torch

from envs.layouts import LayoutStream
from tests.train.transfer.small import SOURCE, shrink, train
from train.cli import main
from train.config.league_config import LeagueConfig
from train.evaluation.judging import JUDGING_SEED
from train.league.past_versions import VersionFolder
from train.trainer import Trainer

SHORT = dataclasses.replace(SOURCE, scenario=dataclasses.replace(SOURCE.scenario, horizon=8))
FEW = ["--episodes", "4", "--threads", "1", "--seed"]


def rows(layout):
    """One hashable row for every world: where everything starts."""
    parts = [layout.walls, layout.agent_pose, layout.box_pose, layout.ramp_pose, layout.pillars]
    return set(map(tuple, torch.cat([part.flatten(1) for part in parts], dim=1).tolist()))


@contextlib.contextmanager
def watched(monkeypatch):
    """Collect (stream, rows) of every layout that is drawn."""
    drawn = []
    draw = LayoutStream.draw

    def noted(stream, worlds):
        layout = draw(stream, worlds)
        drawn.append((stream, rows(layout)))
        return layout

    with monkeypatch.context() as patch:
        patch.setattr(LayoutStream, "draw", noted)
        yield drawn


def trained_on(scenario, seed, episodes=5, worlds=50):
    stream = LayoutStream(scenario, seed, worlds)
    return set().union(*(rows(stream.draw(torch.arange(worlds))) for _ in range(episodes)))


def check(drawn, ours=None):
    """Nothing of what was drawn, but for our own stream of training, is what a run with that seed is trained on."""
    judged = [(stream, found) for stream, found in drawn if stream is not ours]
    assert judged
    for stream, found in judged:
        assert found and not found & trained_on(stream.scenario, stream.seed), stream.seed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("run") / "run", scenario=SHORT.scenario).path


@pytest.fixture(scope="module")
def lone_run(tmp_path_factory):
    """Of a game for one team."""
    folder = tmp_path_factory.mktemp("lone") / "run"
    words = ["--iterations", "1", "--num-worlds", "4", "--threads", "1", "--scenario.horizon", "8"]
    words += ["--ppo.epochs", "1", "--ppo.minibatches", "1", "--ppo.rollout-steps", "20", "--ppo.chunk-length", "10"]
    assert main(["train", "shelter/small", "--run-dir", str(folder), *words]) == 0
    return folder


def test_training_does_not_pass(monkeypatch, tmp_path):
    with watched(monkeypatch) as drawn:
        train(tmp_path / "run", scenario=SHORT.scenario)
    with pytest.raises(AssertionError):
        check(drawn)


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "RUN", *FEW, "0"],
        ["evaluate", "RUN", "random", *FEW, "0"],
        ["stages", "RUN", "--no-videos", *FEW, "0"],
        ["record", "RUN", "-o", "FOLDER/a.npz", "--episodes", "2"],
    ],
    ids=" ".join,
)
def test_commands(run, command, monkeypatch, tmp_path):
    words = [word.replace("RUN", str(run)).replace("FOLDER", str(tmp_path)) for word in command]
    with watched(monkeypatch) as drawn:
        assert main(words) == 0
    check(drawn)


def test_evaluation_of_one_team(lone_run, monkeypatch):
    with watched(monkeypatch) as drawn:
        assert main(["evaluate", str(lone_run), *FEW, "0"]) == 0
    check(drawn)


def test_ratings_of_the_league(monkeypatch, tmp_path):
    league = LeagueConfig(interval=1, rating_interval=1, rating_episodes=4, rating_opponents=1)
    trainer = Trainer(dataclasses.replace(SHORT, league=league))
    trainer.league.open(VersionFolder(tmp_path, 1, 5, print))
    trainer.begin()
    for iteration in (1, 2):
        trainer.iteration = iteration
        trainer._keep_version()
    with watched(monkeypatch) as drawn:
        assert trainer._rate()
    trainer.close()
    check(drawn)


def test_final_policies_of_transfer(run, monkeypatch, tmp_path):
    shrink(monkeypatch)
    monkeypatch.setattr("train.transfer.study_runs._train", lambda *_: False)  # Only random play is judged.
    with watched(monkeypatch) as drawn:
        words = ["--run-dir", str(tmp_path / "study"), "--tasks", "shelter", "--episodes", "6", "--jobs", "1"]
        main(["transfer", str(run), *words])
    check([(stream, found) for stream, found in drawn if stream.seed == JUDGING_SEED])
