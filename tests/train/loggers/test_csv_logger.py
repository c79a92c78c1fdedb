"""metrics.csv: the same numbers as metrics.jsonl, also where a run goes on."""

import csv

import pytest

from envs.errors import UserError
from tests.train.runs.test_checkpoints import full_disk
from train.loggers.csv_logger import CsvLogger
from train.runs.metrics import MetricsLog
from train.support import files


def open_log(folder, iteration=0):
    return MetricsLog(folder, iteration, 10 * iteration, [CsvLogger()])


def write(log, *rows):
    for iteration, metrics in rows:
        log.write(iteration, 10 * iteration, metrics)
    log.close()


def lines(folder):
    return (folder / "metrics.csv").read_text().splitlines()


def test_a_row_for_each_iteration_and_a_column_for_each_tag(tmp_path):
    write(open_log(tmp_path), (1, {"a": 0.1, "b": 2.0}), (2, {"a": 1e-7, "b": float("nan")}), (3, {"b": float("inf")}))
    assert lines(tmp_path) == ["iteration,env_steps,a,b", "1,10,0.1,2.0", "2,20,1e-07,", "3,30,,"]


def test_a_tag_that_appears_later_gets_a_column(tmp_path):
    write(open_log(tmp_path), (1, {"a": 1.0}), (2, {"a": 2.0, "x, y": 5.0}), (3, {"x, y": 6.0}))
    assert lines(tmp_path) == ['iteration,env_steps,a,"x, y"', "1,10,1.0,", "2,20,2.0,5.0", "3,30,,6.0"]


def test_a_run_that_goes_on_drops_the_rows_after_its_checkpoint(tmp_path):
    write(open_log(tmp_path), (1, {"a": 1.0}), (2, {"a": 2.0}), (3, {"a": 3.0, "late": 1.0}))
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write("4,40,4")  # Killed in the middle of a line.
    write(open_log(tmp_path, 2), (3, {"a": 33.0}))
    assert lines(tmp_path) == ["iteration,env_steps,a", "1,10,1.0", "2,20,2.0", "3,30,33.0"]


def test_a_run_that_starts_again_starts_a_file(tmp_path):
    for value in (1.0, 2.0):
        write(open_log(tmp_path), (1, {"a": value}))
    assert lines(tmp_path) == ["iteration,env_steps,a", "1,10,2.0"]


def test_a_logger_that_comes_later_has_everything(tmp_path):
    first = MetricsLog(tmp_path, 0, 0)
    write(first, (1, {"a": 1.0}), (2, {"a": float("nan")}))
    write(open_log(tmp_path, 2), (3, {"a": 3.0}))
    with open(tmp_path / "metrics.csv", newline="") as file:
        assert [row["a"] for row in csv.DictReader(file)] == ["1.0", "", "3.0"]


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path, monkeypatch):
    log = open_log(tmp_path)
    log.write(1, 10, {"a": 1.0})
    before = lines(tmp_path)
    monkeypatch.setattr(files, "_write_to_disk", full_disk)
    with pytest.raises(UserError, match=r"no space left on the disk while writing .*metrics.csv"):
        log.write(2, 20, {"a": 1.0, "new": 1.0})
    assert lines(tmp_path) == before
