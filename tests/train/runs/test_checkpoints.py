import errno
import json
import os

import pytest
import torch

from envs.errors import UserError
from train.runs.checkpoints import (
    Checkpoint,
    CheckpointFolder,
    load_checkpoint,
    require_same_tensors,
    save_checkpoint,
)
from train.support import files


def make_checkpoint(number=0):
    return Checkpoint(
        {
            "policy.weight": torch.arange(6.0).reshape(2, 3) + number,
            "env.step": torch.tensor([3, 4]),
            "env.flags": torch.tensor([True, False]),
            "env.time": torch.tensor(0.5, dtype=torch.float64),
            "env.nothing": torch.zeros(0, 3),
            "rng.sampling": torch.Generator().get_state(),
        },
        {"counters": {"iteration": number}, "name": "x"},
    )


def test_round_trip_keeps_every_bit(tmp_path):
    written = make_checkpoint()
    save_checkpoint(tmp_path / "a.safetensors", written)
    read = load_checkpoint(tmp_path / "a.safetensors")
    assert read.metadata == written.metadata
    assert read.tensors.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        assert torch.equal(read.tensors[name], tensor)
        assert read.tensors[name].dtype == tensor.dtype


def test_group_strips_its_prefix():
    assert set(make_checkpoint().group("env")) == {"step", "flags", "time", "nothing"}


def test_no_temporary_file_is_left(tmp_path):
    save_checkpoint(tmp_path / "a.safetensors", make_checkpoint())
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"no checkpoint at .*no such file"):
        load_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_truncated_file(tmp_path, length):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, make_checkpoint())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match="truncated or damaged") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_one_flipped_bit_fails_the_checksum(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, make_checkpoint())
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="checksum"):
        load_checkpoint(path)


def test_changed_metadata_fails_the_checksum(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, make_checkpoint())
    path.write_bytes(path.read_bytes().replace(b'\\"iteration\\": 0', b'\\"iteration\\": 9'))
    with pytest.raises(UserError, match="checksum"):
        load_checkpoint(path)


def test_another_projects_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="not a hideseek checkpoint"):
        load_checkpoint(tmp_path / "a.safetensors")


def test_keeps_the_last_n_and_never_a_newer_damaged_one(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for i in (1, 2, 3, 4):
        folder.save(i, make_checkpoint(i), keep=2)
    assert folder.iterations() == [3, 4]
    folder.file(9).write_bytes(b"half")
    folder.save(5, make_checkpoint(5), keep=1)
    assert folder.iterations() == [5, 9]


def test_keeps_every_nth_for_good(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for i in range(1, 9):
        folder.save(i, make_checkpoint(i), keep=2, keep_every=3)
    assert folder.iterations() == [3, 6, 7, 8]


def test_keeps_the_best(tmp_path):
    folder = CheckpointFolder(tmp_path)
    assert folder.best() == (None, float("-inf"))
    for i, score in enumerate((1.0, 3.0, 2.0, 3.0, 1.0), start=1):
        folder.save(i, make_checkpoint(i), keep=1)
        assert folder.mark_best(i, score, 0.0) == (i <= 2)
    assert folder.best() == (2, 3.0)
    assert folder.iterations() == [2, 5]
    folder.save(6, make_checkpoint(6), keep=1)
    assert folder.mark_best(6, 4.0, 0.5)
    assert folder.iterations() == [2, 6]
    folder.save(7, make_checkpoint(7), keep=1)
    assert folder.iterations() == [6, 7]


def test_a_best_of_an_abandoned_future_does_not_count(tmp_path):
    """The run was resumed from iteration 3; what comes then is judged among itself."""
    folder = CheckpointFolder(tmp_path)
    folder.save(9, make_checkpoint(9), keep=1)
    folder.mark_best(9, 100.0, 1.0)
    folder.save(4, make_checkpoint(4), keep=1)
    assert folder.mark_best(4, 1.0, 1.0)
    assert folder.best() == (4, 1.0)


def test_the_best_is_above_the_old_one_by_its_own_deviation(tmp_path):
    """Also where the mark is from before deviations were written."""
    folder = CheckpointFolder(tmp_path)
    (tmp_path / "best.json").write_text('{"iteration": 1, "score": 30.0, "file": "iteration-0000001.safetensors"}')
    assert not folder.mark_best(2, 31.0, 1.5)
    assert not folder.mark_best(3, 31.5, 1.5)
    assert folder.best() == (1, 30.0)
    assert folder.mark_best(4, 31.6, 1.5)
    assert folder.best() == (4, 31.6)
    mark = json.loads((tmp_path / "best.json").read_text())
    assert mark == {"iteration": 4, "score": 31.6, "deviation": 1.5, "file": "iteration-0000004.safetensors"}


def test_a_damaged_mark_counts_as_none(tmp_path):
    (tmp_path / "best.json").write_text('{"iter')
    assert CheckpointFolder(tmp_path).best() == (None, float("-inf"))


def test_what_a_killed_writer_left_goes_with_the_next_checkpoint(tmp_path):
    folder = CheckpointFolder(tmp_path)
    (tmp_path / ".iteration-0000001.safetensors.77.tmp").write_bytes(b"half")
    folder.save(2, make_checkpoint(2), keep=1)
    assert [p.name for p in tmp_path.iterdir()] == [folder.file(2).name]


def test_newest_falls_back_with_a_warning(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for i in (1, 2):
        folder.save(i, make_checkpoint(i), keep=5)
    folder.file(2).write_bytes(folder.file(2).read_bytes()[:200])
    warnings = []
    path, checkpoint = folder.load_newest(warnings.append)
    assert path == folder.file(1)
    assert checkpoint.metadata["counters"]["iteration"] == 1
    assert len(warnings) == 1 and "truncated" in warnings[0]


def test_no_checkpoint_and_only_damaged_ones(tmp_path):
    folder = CheckpointFolder(tmp_path)
    with pytest.raises(UserError, match="no checkpoint in"):
        folder.load_newest(print)
    folder.file(1).write_bytes(b"half")
    with pytest.raises(UserError, match="none of the 1 checkpoints"):
        folder.load_newest(lambda _: None)


def full_disk(path, data):
    """Write half, then fail like a full disk."""
    path.write_bytes(data[: len(data) // 2])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_full_disk_loses_nothing(tmp_path, monkeypatch):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, make_checkpoint(1), keep=1)
    monkeypatch.setattr(files, "_write_to_disk", full_disk)
    with pytest.raises(UserError, match="no space left"):
        folder.save(2, make_checkpoint(2), keep=1)
    assert [p.name for p in tmp_path.iterdir()] == [folder.file(1).name]
    assert load_checkpoint(folder.file(1)).metadata["counters"]["iteration"] == 1


class TestRequireSameTensors:
    expected = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}  # noqa: RUF012

    def test_equal_ones_pass(self):
        require_same_tensors(self.expected, {"b": torch.ones(4), "a": torch.ones(2, 3)}, "it")

    @pytest.mark.parametrize(
        ("found", "message"),
        [
            ({"a": torch.zeros(2, 4), "b": torch.zeros(4)}, r"'a' has shape \(2, 4\) .*expected \(2, 3\)"),
            ({"a": torch.zeros(2, 3)}, r"no tensor 'b', expected shape \(4,\)"),
            (
                {"a": torch.zeros(2, 3), "b": torch.zeros(4), "c": torch.zeros(1)},
                r"'c' of shape \(1,\) is not expected",
            ),
            ({"a": torch.zeros(2, 3), "b": torch.zeros(4).long()}, "int64.*expected .*float32"),
        ],
    )
    def test_differences_are_named(self, found, message):
        with pytest.raises(UserError, match=message):
            require_same_tensors(self.expected, found, "it")
