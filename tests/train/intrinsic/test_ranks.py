"""Two processes count and distill what one does."""

import pytest

from tests.train.processes import run_ranks
from train.runs.metrics import read_metrics

TINY = [
    *("explore", "--torch-threads", "1", "--threads", "1", "--num-worlds", "5", "--iterations", "3"),
    *("--scenario.horizon", "25", "--ppo.rollout-steps", "20", "--ppo.epochs", "1", "--ppo.minibatches", "3"),
    *("--network.embedding-size", "8", "--network.lstm-size", "8", "--network.hidden-size", "8"),
    *("--intrinsic.minibatches", "3"),
]


@pytest.mark.parametrize("method", ["counts", pytest.param("rnd", marks=pytest.mark.slow)])
def test_two_processes_do_what_one_does(tmp_path, method):
    curves = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        words = ["train", *TINY, "--intrinsic", method, "--run-dir", str(folder)]
        results = run_ranks(words, count, tmp_path / "output" / str(count))
        assert all(status == 0 for status, *_ in results), results
        curves.append(read_metrics(folder / "metrics.jsonl"))
    for alone, together in zip(*curves, strict=True):
        tags = [tag for tag in alone if tag.startswith(("intrinsic/", "losses/value", "stats/"))]
        assert len(tags) >= 3
        for tag in tags:
            assert together[tag] == pytest.approx(alone[tag], rel=1e-4, abs=1e-5), tag
