"""Locks of folders, also where a file system or an operating system has none."""

import errno

import pytest

from envs.errors import UserError
from train.support import folder_lock
from train.support.folder_lock import FolderLock


@pytest.fixture
def failing(monkeypatch):
    """Let every lock fail with an error number."""

    def fail(number):
        def flock(handle, kind):
            raise OSError(number, "no")

        monkeypatch.setattr(folder_lock.fcntl, "flock", flock)
        monkeypatch.setattr(folder_lock, "_warned", set())

    return fail


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_held_by_another_process(tmp_path, failing, number):
    failing(number)
    with pytest.raises(UserError, match="in use by another process"), FolderLock(tmp_path / "run.lock"):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_warned_of_once(tmp_path, failing, number, capsys):
    failing(number)
    for _ in range(2):
        with FolderLock(tmp_path / "run.lock"):
            pass
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("warning: ") and "cannot be locked" in said


def test_a_system_without_locks(tmp_path, monkeypatch, capsys):
    """Windows has no fcntl."""
    monkeypatch.delattr(folder_lock, "fcntl")
    monkeypatch.setattr(folder_lock, "_warned", set())
    with FolderLock(tmp_path / "run.lock"):
        assert "this system has no file locks" in capsys.readouterr().err
