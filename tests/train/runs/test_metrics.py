import json
import time

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.loggers.tensorboard_logger import TensorBoardLogger
from train.runs.metrics import EpisodeMeans, MetricsLog, read_metrics
from train.support.console import duration


def scalars(folder, tag):
    events = EventAccumulator(str(folder)).Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


class TestEpisodeMeans:
    """Numbers of three worlds; those of worlds that do not count are nonsense."""

    EVERY, NONE = torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)

    def test_mean_is_over_episodes_not_over_steps(self):
        means = EpisodeMeans()
        first, two = torch.tensor([True, False, False]), torch.tensor([False, True, True])
        means.add({"return/hiders": torch.tensor([1.0, 90, 90]), "max_box_move": torch.tensor([0.5, 90, 90])}, first)
        means.add({"return/hiders": torch.tensor([90, 4.0, 7.0]), "max_box_move": torch.tensor([90, 0.5, 2.0])}, two)
        means.add({}, self.NONE)
        assert means.pop() == {"charts/episodic_return/hiders": 4.0, "stats/max_box_move": 1.0, "charts/episodes": 3.0}

    def test_pop_starts_again(self):
        means = EpisodeMeans()
        means.add({"length": torch.tensor([80, 80, 80])}, self.EVERY)
        assert means.pop()["charts/episodic_length"] == 80.0
        assert means.pop() == {}

    def test_steps_without_an_ended_episode(self):
        means = EpisodeMeans()
        means.add({"length": torch.ones(3)}, self.NONE)
        assert means.pop() == {}

    def test_unknown_values_are_left_out(self):
        means = EpisodeMeans()
        means.add({"seen_fraction": torch.tensor([float("nan"), 0.5, float("nan")])}, torch.tensor([True, True, False]))
        assert means.pop() == {"charts/seen_fraction": 0.5, "charts/episodes": 2.0}


class TestMetricsLog:
    def test_writes_both_files_against_env_steps(self, tmp_path):
        log = MetricsLog(tmp_path, 0, 0, [TensorBoardLogger()])
        log.write(1, 640, {"losses/entropy": 1.5})
        log.write(2, 1280, {"losses/entropy": float("nan")})
        log.close()
        assert scalars(tmp_path, "losses/entropy")[0] == (640, 1.5)
        lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
        assert lines == [
            {"iteration": 1, "env_steps": 640, "losses/entropy": 1.5},
            {"iteration": 2, "env_steps": 1280, "losses/entropy": None},
        ]

    def test_resume_drops_what_came_after_the_checkpoint(self, tmp_path):
        log = MetricsLog(tmp_path, 0, 0, [TensorBoardLogger()])
        for i in (1, 2, 3):
            log.write(i, 10 * i, {"x/y": float(i)})
        log.close()
        with open(tmp_path / "metrics.jsonl", "a") as file:
            file.write('{"iteration": 4, "env')
        # TensorBoard reads event files in the order of their names, which hold the second of their making.
        time.sleep(1.1)
        log = MetricsLog(tmp_path, 2, 20, [TensorBoardLogger()])
        log.write(3, 30, {"x/y": 33.0})
        log.close()
        assert [line["x/y"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [1.0, 2.0, 33.0]
        assert scalars(tmp_path, "x/y") == [(10, 1.0), (20, 2.0), (30, 33.0)]


def test_duration_uses_two_units():
    assert [duration(s) for s in (0.4, 45, 59.7, 200, 18120, 183600)] == [
        "0 s",
        "45 s",
        "1m 00s",
        "3m 20s",
        "5h 02m",
        "2d 03h",
    ]


def test_a_run_that_starts_again_drops_the_points_of_before(tmp_path):
    """Killed before its first checkpoint, and resumed from the beginning: every point is there once."""
    for value in (1.0, 2.0):
        log = MetricsLog(tmp_path, 0, 0, [TensorBoardLogger()])
        for iteration in (1, 2, 3):
            log.write(iteration, 100 * iteration, {"charts/seen_fraction": value})
        log.close()
        time.sleep(1.1)  # Event files are sorted by the second in which they begin.
    assert scalars(tmp_path, "charts/seen_fraction") == [(100, 2.0), (200, 2.0), (300, 2.0)]
