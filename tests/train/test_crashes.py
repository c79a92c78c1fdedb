"""A run that is killed goes on from its last checkpoint and ends as if it had never been killed."""

import csv
import random
import time

import pytest
import torch

from tests.train.processes import Command
from train.runs.checkpoints import load_checkpoint
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder

ITERATIONS = 12
SHORT = [
    *("quickstart", "--torch-threads", "1", "--threads", "1", "--num-worlds", "3", "--iterations", ITERATIONS),
    *("--checkpoint-interval", "2", "--keep-checkpoints", "2", "--ppo.rollout-steps", "20", "--ppo.epochs", "1"),
    *("--league.interval", "2", "--league.fraction", "0.5", "--scenario.horizon", "30", "--ppo.minibatches", "2"),
    # A constant one: where it falls over a run, a run that is made longer later has other rates before that.
    *("--ppo.learning-rate", "1e-3", "--ppo.final-learning-rate", "1e-3", "--network.attention-heads", "2"),
    *("--network.embedding-size", "8", "--network.lstm-size", "8", "--network.hidden-size", "8"),
    *("--logger", "tensorboard", "csv"),
]


def start(folder, **options):
    """Start the run, or continue it if there is one. No other command than a user's."""
    begun = (folder / "config.json").is_file()
    words = ["--resume", folder] if begun else [*SHORT, "--run-dir", folder]
    return Command(["train", *words], folder.parent / f"{folder.name}-output", **options)


def finish(folder):
    """Let the run come to its end."""
    status, _, errors = start(folder).wait()
    assert status == 0, errors


def done(folder):
    return RunFolder(folder).checkpoints.file(ITERATIONS).is_file()


def assert_same(folder, other):
    """Every number of the last checkpoints, and every number of the curves but the clock's."""
    first, second = (load_checkpoint(RunFolder(run).checkpoints.file(ITERATIONS)) for run in (folder, other))
    assert first.tensors.keys() == second.tensors.keys()
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name]), name
    lines, others = (
        [{tag: value for tag, value in line.items() if not tag.startswith("perf/")} for line in read_metrics(path)]
        for path in (RunFolder(run).metrics_file for run in (folder, other))
    )
    assert lines == others
    assert [line["iteration"] for line in lines] == list(range(1, ITERATIONS + 1))
    with open(folder / "metrics.csv", newline="") as file:
        rows = [{tag: float(value) for tag, value in row.items() if value} for row in csv.DictReader(file)]
    kept = read_metrics(RunFolder(folder).metrics_file)
    assert rows == [{tag: value for tag, value in line.items() if value is not None} for line in kept]
    assert RunFolder(folder).checkpoints.iterations() == [ITERATIONS - 2, ITERATIONS]
    assert list(folder.rglob(".*.tmp")) == []


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory):
    """A run that was never killed, and the seconds it took."""
    folder, begun = tmp_path_factory.mktemp("unharmed") / "run", time.monotonic()
    finish(folder)
    return folder, time.monotonic() - begun


def kill_at(folder, moment):
    status, _, errors = start(folder, dies_at=moment).wait()
    assert status == -9, errors


def test_killed_three_times_while_writing(unharmed, tmp_path):
    """The configuration half written; then somewhere among versions, checkpoints and curves."""
    folder = tmp_path / "run"
    for moment in (1, 7, 12):
        kill_at(folder, moment)
    finish(folder)
    assert_same(folder, unharmed[0])


@pytest.mark.slow
def test_killed_once_at_every_change_of_a_file(unharmed, tmp_path):
    for moment in range(1, 21):
        folder = tmp_path / str(moment)
        kill_at(folder, moment)
        finish(folder)
        assert_same(folder, unharmed[0])


@pytest.mark.slow
def test_killed_at_20_random_moments(unharmed, tmp_path):
    """Whenever it comes; a run that was quicker than its killer is compared, too, and replaced by a new one."""
    reference, seconds = unharmed
    moments, kills, runs = random.Random(0), 0, 0
    while kills < 20:
        folder, runs = tmp_path / str(runs), runs + 1
        while kills < 20 and not done(folder):
            command, begun, moment = start(folder), time.monotonic(), moments.uniform(0.0, seconds)
            while command.running and time.monotonic() < begun + moment:
                time.sleep(0.01)
            if command.running:
                kills += 1
            else:  # The machine has less to do now than when the reference ran.
                seconds = min(seconds, time.monotonic() - begun)
            command.kill()
        if not done(folder):
            finish(folder)
        assert_same(folder, reference)


def test_a_truncated_newest_checkpoint_costs_only_itself(unharmed, tmp_path):
    folder = tmp_path / "run"
    status, *_ = Command(["train", *SHORT, "--run-dir", folder, "--iterations", "6"], tmp_path / "output").wait()
    assert status == 0
    newest = RunFolder(folder).checkpoints.file(6)
    newest.write_bytes(newest.read_bytes()[:-100])
    status, out, errors = Command(["train", "--resume", folder, "--iterations", ITERATIONS], tmp_path / "more").wait()
    assert status == 0
    assert errors.startswith("warning: checkpoint") and "truncated or damaged" in errors
    assert "resuming after iteration 4" in out
    assert_same(folder, unharmed[0])
