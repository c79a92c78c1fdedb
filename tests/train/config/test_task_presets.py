"""A small task is learned: not how well, which docs/tasks.md tells, but that its return rises clearly."""

import dataclasses

import pytest

from train.config.task_presets import task_config
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder
from train.support.console import TrainingConsole
from train.trainer import Trainer


@pytest.mark.slow
def test_lock_and_return_is_learned(tmp_path):
    """In a quarter of the preset's iterations the return triples, and at least twice as many boxes stay locked."""
    config = dataclasses.replace(task_config("lock-and-return", "small"), iterations=15)
    run = RunFolder(tmp_path / "run")
    trainer = Trainer(config)
    trainer.begin()
    run.create(config)
    trainer.run(run, TrainingConsole(silent=True))
    trainer.close()
    lines = read_metrics(run.metrics_file)

    def mean(tag, part):
        return sum(line[tag] for line in part) / len(part)

    first, last = lines[:3], lines[-3:]
    assert mean("charts/episodic_return/hiders", last) > 3 * max(mean("charts/episodic_return/hiders", first), 1.0)
    assert mean("stats/locked_at_end", last) > 2 * mean("stats/locked_at_end", first)
    assert mean("stats/completed", last) > mean("stats/completed", first)
