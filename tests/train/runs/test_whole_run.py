"""A run that is written in one go is there as a whole or not at all."""

import os

import pytest

from envs.errors import UserError
from tests.train.processes import die_at
from tests.train.test_trainer import TINY
from train.runs import run_folder
from train.runs.run_folder import RunFolder
from train.runs.whole_run import whole_run
from train.support.files import write_json


@pytest.fixture(autouse=True)
def outside_a_checkout(monkeypatch):
    """Asking git takes most of the time."""
    monkeypatch.setattr(run_folder, "_git", lambda *_: None)


def write(folder):
    """A run with something for a checkpoint."""
    with whole_run(folder) as written:
        written.create(TINY)
        write_json(written.checkpoints.path / "0.json", 0)
        write_json(written.path / "about.json", 1)


def is_whole(folder):
    return (
        folder.config_file.is_file()
        and (folder.checkpoints.path / "0.json").is_file()
        and (folder.path / "about.json").is_file()
    )


def killed(folder, moment):
    """Whether a process died by SIGKILL at its change of a file of this number, and not at its end."""
    process = os.fork()
    if process == 0:
        die_at(moment)
        write(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) != 0


@pytest.mark.parametrize("existed", [False, True])
def test_killed_at_any_moment(tmp_path, existed):
    """There is no run then, or all of it, and the same call does it all: but, in an old folder, for three moments in
    which it is half moved in."""
    moment, refused = 1, 0
    while True:
        folder = RunFolder(tmp_path / str(moment) / "run")
        folder.path.parent.mkdir()
        if existed:
            folder.path.mkdir()
        died = killed(folder, moment)
        if not died:
            break
        if not is_whole(folder):
            assert not folder.config_file.exists()
            try:
                write(folder)
            except UserError:
                refused += 1
            else:
                assert is_whole(folder) and not list(folder.path.parent.rglob(".*.tmp"))
        moment += 1
    assert moment > 9 and is_whole(folder) and not list(folder.path.parent.rglob(".*.tmp"))
    assert refused == (3 if existed else 0)


@pytest.mark.parametrize("existed", [False, True])
def test_what_fails_leaves_nothing(tmp_path, existed):
    folder = RunFolder(tmp_path / "run")
    if existed:
        folder.path.mkdir()
    with pytest.raises(KeyError), whole_run(folder) as written:
        written.create(TINY)
        raise KeyError
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "run.lock"] * existed
    folder.require_free()


def test_one_writer_at_a_time_and_none_over_another(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with whole_run(folder) as written:
        with pytest.raises(UserError, match="in use by another process"):
            write(folder)
        written.create(TINY)
        write_json(written.checkpoints.path / "0.json", 0)
        write_json(written.path / "about.json", 1)
    assert is_whole(folder)
    with pytest.raises(UserError, match="already exists"):
        write(folder)
    assert is_whole(folder) and [path.name for path in tmp_path.iterdir()] == ["run"]
