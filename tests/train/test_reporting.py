"""Alarms on the console, videos where there is OpenGL, and silence where there is none."""

import dataclasses

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from envs.errors import UserError
from envs.rendering.opengl import make_context
from tests.train.runs.test_alarms import UNIFORM
from tests.train.test_trainer import TINY, Trainer
from train import reporting
from train.loggers.tensorboard_logger import TensorBoardLogger
from train.reporting import Reporter, TrainingVideos
from train.runs.metrics import MetricsLog, read_metrics
from train.runs.run_folder import RunFolder
from train.support.console import TrainingConsole

BINS = (11, 11, 11, 2, 2)


def new_run(path):
    run = RunFolder(path)
    run.create(TINY)
    return run


def test_alarms_reach_the_console_and_the_curves(tmp_path, capsys):
    run = new_run(tmp_path / "a")
    report = Reporter(run, TrainingConsole(), 0, 0, BINS)
    for iteration in range(1, 6):
        metrics = {"losses/entropy": UNIFORM if iteration < 3 else 0.01, "perf/diverged_worlds": 2.0 * (iteration > 1)}
        report.metrics(iteration, 5, 10 * iteration, 0.0, metrics)
    report.close()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "warning: physics became NaN in 2 worlds; they were reset"
    assert len(said) == 2 and said[1].startswith("warning: alarm in iteration 5: entropy collapse: ")
    assert [line["alarms/active"] for line in read_metrics(run.metrics_file)] == [0, 0, 0, 0, 1]


def test_a_resumed_run_does_not_repeat_its_alarm(tmp_path, capsys):
    run = new_run(tmp_path / "a")
    for first in (0, 4):
        report = Reporter(run, TrainingConsole(), first, 10 * first, BINS)
        for iteration in range(first + 1, first + 5):
            report.metrics(iteration, 8, 10 * iteration, 0.0, {"losses/entropy": 0.01, "perf/diverged_worlds": 1.0})
        report.close()
    assert capsys.readouterr().err.count("entropy collapse") == 1


def test_videos_go_to_the_folder_and_to_tensorboard(tmp_path):
    try:
        make_context(64, 64).free()
    except UserError as error:
        pytest.skip(str(error))
    run, trainer = new_run(tmp_path / "a"), Trainer(TINY)
    log = MetricsLog(run.path, 0, 0, [TensorBoardLogger()])
    scenario = dataclasses.replace(TINY.scenario, horizon=4)
    TrainingVideos(run, TrainingConsole()).record(trainer.policy, scenario, 7, 0, log, 70)
    log.close()
    trainer.close()
    assert (run.videos / "train-0000007.gif").is_file()
    (image,) = EventAccumulator(str(run.path)).Reload().Images("video/episode")
    assert (image.step, image.width, image.encoded_image_string[:6]) == (70, 320, b"GIF89a")


def test_without_opengl_one_line_and_no_more_attempts(tmp_path, monkeypatch, capsys):
    attempts = []

    def no_opengl(*_):
        attempts.append(1)
        raise UserError("pictures need OpenGL")

    monkeypatch.setattr(reporting, "record", no_opengl)
    run, trainer = new_run(tmp_path / "a"), Trainer(dataclasses.replace(TINY, num_worlds=2))
    videos, log = TrainingVideos(run, TrainingConsole()), MetricsLog(run.path, 0, 0)
    for iteration in (1, 2, 3):
        videos.record(trainer.policy, TINY.scenario, iteration, 0, log, iteration)
    log.close()
    trainer.close()
    assert attempts == [1]
    assert capsys.readouterr().err == "warning: no videos of this run: pictures need OpenGL\n"
