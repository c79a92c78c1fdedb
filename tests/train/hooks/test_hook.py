"""What a hook is told of a run, and when."""

import dataclasses

import pytest

from tests.train.test_trainer import TINY, Trainer, assert_same, train
from train.hooks.hook import Hook, Hooks
from train.runs.metrics import read_metrics
from train.runs.run_folder import RunFolder
from train.support.console import TrainingConsole

CONFIG = dataclasses.replace(TINY, checkpoint_interval=2, logger=())


class Diary(Hook):
    """Writes down what it is told; ends the run after an iteration, or breaks in one."""

    def __init__(self, stop_after=None, break_in=None):
        self.entries, self._stop_after, self._break_in = [], stop_after, break_in

    def begin(self, trainer, folder):
        self.entries.append(("begin", trainer.iteration, folder.path.name))
        self._file = folder.metrics_file

    def iteration(self, trainer, metrics):
        if trainer.iteration == self._break_in:
            raise ZeroDivisionError
        assert read_metrics(self._file)[-1]["losses/entropy"] == metrics["losses/entropy"]
        assert metrics["alarms/active"] == 0
        self.entries.append(("iteration", trainer.iteration))
        return trainer.iteration == self._stop_after

    def checkpoint(self, trainer, path):
        assert path.is_file()
        self.entries.append(("checkpoint", trainer.iteration, path.name))

    def end(self, trainer):
        self.entries.append(("end", trainer.iteration))


def run_with(hooks, folder):
    """Start or go on with a run."""
    run, trainer = RunFolder(folder), Trainer(CONFIG)
    if folder.exists():
        path, checkpoint = run.checkpoints.load_newest(print)
        trainer.restore(checkpoint, str(path))
    else:
        run.create(CONFIG)
        trainer.begin()
    try:
        trainer.run(run, TrainingConsole(silent=True), hooks=hooks)
    finally:
        trainer.close()
    return run


def test_a_hook_ends_a_run_which_then_goes_on_as_if_it_had_not(tmp_path):
    first, second = Diary(stop_after=3), Diary()
    run = run_with([second, first], tmp_path / "a")
    told = [
        ("begin", 0, "a"),
        *(("iteration", 1), ("iteration", 2), ("checkpoint", 2, "iteration-0000002.safetensors")),
        *(("iteration", 3), ("checkpoint", 3, "iteration-0000003.safetensors"), ("end", 3)),
    ]
    assert first.entries == second.entries == told
    more = Diary()
    run_with([more], tmp_path / "a")
    assert more.entries == [
        *(("begin", 3, "a"), ("iteration", 4), ("checkpoint", 4, "iteration-0000004.safetensors"), ("end", 4)),
    ]
    assert_same(run, train(tmp_path / "b"))


def test_where_a_hook_breaks_all_are_ended_and_the_logs_closed(tmp_path):
    breaking, other = Diary(break_in=3), Diary()
    with pytest.raises(ZeroDivisionError):
        run_with([breaking, other], tmp_path / "a")
    assert breaking.entries[-1] == other.entries[-1] == ("end", 3)
    assert RunFolder(tmp_path / "a").checkpoints.iterations() == [2]


def test_only_what_began_is_ended():
    class Broken(Hook):
        def begin(self, trainer, folder):
            raise ZeroDivisionError

    class Counting(Hook):
        ends = 0

        def end(self, trainer):
            self.ends += 1

    first, last = Counting(), Counting()
    hooks = Hooks([first, Broken(), last])
    with pytest.raises(ZeroDivisionError):
        hooks.begin(None, None)
    hooks.end(None)
    hooks.end(None)
    assert (first.ends, last.ends) == (1, 0)
