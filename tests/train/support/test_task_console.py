import pytest

from train.support.console import make_console
from train.support.task_console import TaskConsole


def shown(monkeypatch, seconds):
    """A console of tasks of 10, 10 and 20 units, of which the first was done before; ``seconds`` are on the clock."""
    monkeypatch.setattr("train.support.task_console.time.monotonic", lambda: seconds[0])
    return TaskConsole(make_console(), {"a": 10.0, "b": 10.0, "c": 20.0}, {"a"}, "piece")


def test_time_left_goes_by_work(monkeypatch):
    """Half of b takes 10 s: 5 of its units and 20 of c are left."""
    clock = [0.0]
    console = shown(monkeypatch, clock)
    assert console.seconds_left() is None
    console.tell("b", 0.0, "")
    clock[0] = 10.0
    console.tell("b", 0.5, "")
    assert console.seconds_left() == pytest.approx(50.0)


def test_a_task_that_goes_on_brings_no_speed(monkeypatch):
    """From 60 to 80 % of c, 4 of its units, in 10 s: 4 of it and 10 of b are left."""
    clock = [0.0]
    console = shown(monkeypatch, clock)
    console.tell("c", 0.6, "")
    assert console.seconds_left() is None
    clock[0] = 10.0
    console.tell("c", 0.8, "")
    assert console.seconds_left() == pytest.approx(35.0)
