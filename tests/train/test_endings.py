"""How a run ends where nobody reads what it prints any more: with a checkpoint."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs.errors import UserError
from tests.train.test_cli import SMALL
from train.runs.run_folder import RunFolder


def begin(folder, **streams):
    """Start a long run, and wait until it has done an iteration."""
    words = ["train", "quickstart", "--run-dir", str(folder), "--iterations", "1000000", *SMALL]
    process = subprocess.Popen([sys.executable, "-m", "train.cli", *words], **streams)
    metrics, deadline = folder / "metrics.jsonl", time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def is_saved(folder):
    """Whether the last iteration that was logged has a checkpoint."""
    logged = len((folder / "metrics.jsonl").read_text().splitlines())
    return RunFolder(folder).checkpoints.iterations() == [logged]


def test_ctrl_c_with_a_pipe_whose_reader_ends_too(tmp_path):
    """As with ``| tee log``, which Ctrl-C ends as well: output and errors have no reader when the signal comes."""
    folder = tmp_path / "run"
    process = begin(folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert is_saved(folder)


def test_the_reader_alone_ends(tmp_path):
    """As with ``| head``: the run goes on, and ends by a signal of its own."""
    folder = tmp_path / "run"
    process = begin(folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.close()
    metrics, deadline = folder / "metrics.jsonl", time.monotonic() + 60
    before = len(metrics.read_text().splitlines())
    while len(metrics.read_text().splitlines()) < before + 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 143
    assert is_saved(folder)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no hang-ups")
def test_a_terminal_that_goes_away(tmp_path):
    """Writing to it is an error then, and the program is sent a hang-up."""
    folder = tmp_path / "run"
    terminal, inside = pty.openpty()
    process = begin(folder, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
    os.close(inside)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=120) == 129
    assert is_saved(folder)


def test_two_starts_in_one_folder(tmp_path):
    """Both find it free and get ready at the same time: one trains, the others are refused."""
    folder = tmp_path / "run"
    started = []
    for seed in ("1", "2", "3"):
        words = ["train", "quickstart", "--run-dir", str(folder), "--iterations", "3", "--seed", seed, *SMALL]
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "train.cli", *words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [process.communicate(timeout=300)[1] for process in started]
    ended = [process.returncode for process in started]
    assert sorted(ended) == [0, 2, 2], errors
    assert RunFolder(folder).read_config()["seed"] == 1 + ended.index(0)
    assert all(
        "in use" in text or "already exists" in text for text, status in zip(errors, ended, strict=True) if status
    )


def test_the_configuration_is_not_written_before_the_lock(tmp_path, monkeypatch):
    """The other start has the lock, and has not written anything yet."""
    from train.cli import main
    from train.support.folder_lock import FolderLock

    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    with FolderLock(folder.lock_file):
        assert main(["train", "quickstart", "--run-dir", str(folder.path), "--iterations", "1", *SMALL]) == 2
        assert [path.name for path in folder.path.iterdir()] == ["run.lock"]
        folder.require_free()


def test_a_lock_alone_is_no_run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.lock_file.touch()
    folder.require_free()
    Path(tmp_path / "mine.txt").touch()
    with pytest.raises(UserError, match="already exists"):
        folder.require_free()
