"""Reference trajectories of the original rules (tests/golden) are reproduced, and damaged ones are not."""

import io
from pathlib import Path

import numpy as np
import pytest

from train.cli import main

GOLDEN = Path(__file__).parents[2] / "golden"
RECORDINGS = sorted(GOLDEN.glob("*.npz"))
FULL = GOLDEN / "full_all_lock_s2110.npz"
QUADRANT = GOLDEN / "quadrant_s1408.npz"


def conformance(path, capsys):
    """Exit status, standard output and standard error of ``hideseek conformance PATH``."""
    capsys.readouterr()
    status = main(["conformance", str(path)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def change(source, target, **changes):
    """Write a copy of a recording in which functions have changed some arrays."""
    with np.load(source) as file:
        arrays = {name: file[name].copy() for name in file.files}
    for name, edit in changes.items():
        arrays[name] = edit(arrays[name])
    np.savez_compressed(target, **arrays)
    return target


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_reproduces(path, capsys):
    status, out, err = conformance(path, capsys)
    assert status == 0, out
    assert err == ""
    assert "FAILED" not in out
    for quantity in ("self features", "lidar", "boxes visible", "holding", "locked", "reward", "next position, 1 mm"):
        assert quantity in out


def test_a_folder_is_replayed_file_by_file(capsys, tmp_path):
    for path in (QUADRANT, FULL):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    status, out, _ = conformance(tmp_path, capsys)
    assert status == 0
    assert "2 files" in out
    assert QUADRANT.stem in out
    assert FULL.stem in out


def shifted(metres):
    def edit(positions):
        positions[10, 0, 0] += metres
        return positions

    return edit


def flip(share):
    def edit(mask):
        chosen = np.random.default_rng(0).random(mask.shape) < share
        return mask ^ chosen

    return edit


def scaled(factor):
    return lambda values: (values * factor).astype(values.dtype)


def one_more(values):
    values[60, 0] += 1.0
    return values


@pytest.mark.parametrize(
    "changes, quantity",
    [
        ({"box_pos": shifted(0.002)}, "boxes features"),
        ({"agent_pos": shifted(0.002)}, "self features"),
        ({"agent_vel": scaled(1.001)}, "self features"),
        ({"lidar": scaled(1.005)}, "lidar"),
        ({"mask_aa_obs": flip(0.02)}, "agents visible"),
        ({"mask_ab_obs": flip(0.02)}, "boxes visible"),
        ({"mask_ar_obs": flip(0.02)}, "ramps visible"),
        ({"reward": one_more}, "reward"),
        ({"agent_holding": lambda held: np.where(np.arange(len(held))[:, None] % 20 == 0, -1, held)}, "holding"),
        ({"box_locked": flip(0.02)}, "locked"),
        ({"actions": lambda a: np.roll(a, 1, axis=0)}, "next position, 1 mm"),
        ({"stat_max_box_move": lambda v: v + 0.01}, "statistics"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_finds_a_changed_quantity(changes, quantity, capsys, tmp_path):
    source = change(QUADRANT, tmp_path / "changed.npz", **changes)
    status, out, err = conformance(source, capsys)
    assert status == 1
    assert err == ""
    failed = out[out.index("beyond tolerance") :]
    assert quantity in failed


class TestDamagedFiles:
    def error_line(self, path, capsys):
        status, _, err = conformance(path, capsys)
        assert status == 2
        lines = err.splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("error: ")
        return lines[0]

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
    def test_truncated(self, share, capsys, tmp_path):
        data = FULL.read_bytes()
        path = tmp_path / "truncated.npz"
        path.write_bytes(data[: int(share * len(data))])
        assert str(path) in self.error_line(path, capsys)

    def test_not_an_archive(self, capsys, tmp_path):
        path = tmp_path / "text.npz"
        path.write_text("hello")
        assert self.error_line(path, capsys) == f"error: recording {path} is damaged, or is no .npz file"

    def test_not_a_recording(self, capsys, tmp_path):
        path = tmp_path / "other.npz"
        buffer = io.BytesIO()
        np.savez(buffer, weights=np.zeros(3))
        path.write_bytes(buffer.getvalue())
        assert str(path) in self.error_line(path, capsys)

    def test_an_array_is_missing(self, capsys, tmp_path):
        with np.load(QUADRANT) as file:
            arrays = {name: file[name] for name in file.files if name != "box_half"}
        path = tmp_path / "incomplete.npz"
        np.savez(path, **arrays)
        assert "box_half" in self.error_line(path, capsys)

    def test_nothing_there(self, capsys, tmp_path):
        assert "no recordings" in self.error_line(tmp_path, capsys)
        assert "no recordings" in self.error_line(tmp_path / "missing.npz", capsys)
