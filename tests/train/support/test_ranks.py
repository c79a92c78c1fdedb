"""Several processes that train one run do what one process does."""

import math
import subprocess
import sys
import time

import pytest
import torch

from tests.train.processes import run_ranks
from train.runs.checkpoints import load_checkpoint
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder
from train.support.ranks import Ranks

# Five worlds cannot be halved, 20 chunks not dealt to three minibatches, and seekers are frozen: no sum is a mean of
# means.
TINY = tuple(
    word
    for option in (
        "quickstart --torch-threads 1 --num-worlds 5 --iterations 5 --scenario.horizon 30",
        "--ppo.rollout-steps 20 --ppo.epochs 2 --ppo.minibatches 3 --league.interval 1 --league.fraction 0.6",
        "--network.embedding-size 8 --network.lstm-size 8 --network.hidden-size 8",
        "--ppo.learning-rate 1e-3 --ppo.final-learning-rate 1e-3",
    )
    for word in option.split()
)
TOLERANCE = 1e-5
ROUGHER = {"losses/grad_norm": 1e-3, "losses/explained_variance": 1e-4}
"""Where rounding is magnified: a gradient jumps where a rectifier switches. With frozen weights both agree to 1e-6."""


def train(folder, processes, *words):
    """Run the command, which must succeed everywhere; return what rank 0 printed."""
    results = run_ranks(["train", *words], processes, folder.parent / "output" / folder.name)
    assert all(status == 0 for status, *_ in results), results
    assert all(out == "" for _, out, _ in results[1:])
    return results[0][1]


def assert_same_curves(run, other):
    """Same losses and same episodes, number for number."""
    lines, others = (
        [
            {tag: value for tag, value in line.items() if not tag.startswith("perf/") or tag == "perf/diverged_worlds"}
            for line in read_metrics(RunFolder(folder).metrics_file)
        ]
        for folder in (run, other)
    )
    assert len(lines) == len(others) == 5
    for line, expected in zip(lines, others, strict=True):
        assert line.keys() == expected.keys()
        for name, value in line.items():
            tolerance = ROUGHER.get(name, TOLERANCE)
            assert value == pytest.approx(expected[name], abs=tolerance), (line["iteration"], name)


def assert_same_end(run, other):
    """Same weights but for rounding; same episodes, and the same draws to come."""
    first, second = (load_checkpoint(RunFolder(folder).checkpoints.file(5)) for folder in (run, other))
    assert first.tensors.keys() == second.tensors.keys()
    for name, tensor in first.tensors.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, second.tensors[name], rtol=1e-3, atol=1e-4, msg=name)
        else:
            assert torch.equal(tensor, second.tensors[name]), name


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "run"
    train(folder, 1, *TINY, "--run-dir", str(folder))
    return folder


def test_two_processes_train_what_one_trains(alone, tmp_path):
    folder = tmp_path / "run"
    out = train(folder, 2, *TINY, "--run-dir", str(folder))
    assert "in 2 processes" in out and out.count("5/5") == 1
    assert_same_curves(folder, alone)
    assert_same_end(folder, alone)
    assert len(list(folder.glob("events*"))) == 1
    episodes = [line.get("charts/episodes", 0) for line in read_metrics(folder / "metrics.jsonl")]
    assert sum(episodes) > 5
    assert any(line.get("selfplay/league_fraction", 0) > 0 for line in read_metrics(folder / "metrics.jsonl"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 2), pytest.param(2, 1, marks=pytest.mark.slow), pytest.param(2, 3, marks=pytest.mark.slow)],
)
def test_a_run_goes_on_with_another_number_of_processes(alone, tmp_path, before, after):
    """After 3 iterations of 20 steps, worlds are in the middle of episodes of 30."""
    folder = tmp_path / "run"
    train(folder, before, *TINY, "--run-dir", str(folder), "--iterations", "3")
    assert "resuming after iteration 3" in train(folder, after, "--resume", str(folder), "--iterations", "5")
    assert_same_curves(folder, alone)
    assert_same_end(folder, alone)


def test_a_mistake_is_told_once(alone, tmp_path):
    """Rank 0 finds it; the others leave silently and do not hang."""
    results = run_ranks(["train", *TINY, "--run-dir", str(alone)], 2, tmp_path)
    assert [status for status, *_ in results] == [2, 2]
    assert "already exists" in results[0][2]
    assert [line for line in results[1][2].splitlines() if "rror" in line] == []


@pytest.mark.slow
def test_with_frozen_weights_gradients_are_the_same(tmp_path):
    """17 minibatches of 20 chunks: many have one chunk only, of which one process has none."""
    norms = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        words = [
            "--run-dir",
            str(folder),
            "--ppo.minibatches",
            "17",
            "--ppo.learning-rate",
            "1e-12",
            "--iterations",
            "2",
        ]
        train(folder, count, *TINY, *words)
        norms.append([line["losses/grad_norm"] for line in read_metrics(folder / "metrics.jsonl")])
    assert norms[0] == pytest.approx(norms[1], rel=1e-6)


@pytest.mark.slow
def test_torchrun_stops_with_a_checkpoint(tmp_path):
    """SIGTERM to torchrun reaches every process; the run goes on without torchrun."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    command += ["-m", "train.cli", "train", *TINY, "--iterations", "100000", "--run-dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics, deadline = folder / "metrics.jsonl", time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    out, err = process.communicate(timeout=120)
    assert out.count("stopped after iteration") == 1, err
    (done,) = RunFolder(folder).checkpoints.iterations()
    assert f"resuming after iteration {done}" in train(folder, 1, "--resume", folder, "--iterations", str(done + 1))


@pytest.mark.parametrize(("total", "size"), [(5, 2), (7, 3), (8, 4), (3, 3), (2, 3)])
def test_shares_are_even_and_complete(total, size):
    shares = [Ranks(rank, size).share(total) for rank in range(size)]
    items = [item for first, count in shares for item in range(first, first + count)]
    assert items == list(range(total))
    assert {count for _, count in shares} <= {math.floor(total / size), math.ceil(total / size)}


def test_scattered_rows_are_those_of_the_share():
    """Rows of one item stay together: five worlds of two agents are shared out as 4 and 6 sequences."""
    tensors = {"rows": torch.arange(20).view(10, 2), "other": torch.zeros(3)}
    parts = [Ranks(rank, 2).scatter(tensors, 5, each=2) for rank in range(2)]
    assert [len(part["rows"]) for part in parts] == [4, 6]
    assert torch.equal(torch.cat([part["rows"] for part in parts]), tensors["rows"])
    assert all(part["other"].shape == (3,) for part in parts)
