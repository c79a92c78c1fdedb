import dataclasses
import json
import subprocess
from dataclasses import dataclass, field

import pytest

from envs.errors import UserError
from envs.scenarios import FULL, Scenario
from tests.train.runs.test_checkpoints import full_disk
from train.runs import run_folder
from train.runs.run_folder import RunFolder
from train.support import files
from train.support.json_data import from_plain, to_plain


@dataclass
class Inner:
    rate: float = 0.5
    pair: tuple[int, int] = (1, 2)


@dataclass
class Config:
    seed: int = 0
    inner: Inner = field(default_factory=Inner)
    scenario: Scenario = FULL


def test_config_round_trip(tmp_path):
    run = RunFolder(tmp_path / "deep" / "run")
    config = Config(seed=4, inner=Inner(pair=(3, 4)), scenario=dataclasses.replace(FULL, hiders=3, bounds=None))
    run.create(config)
    assert from_plain(Config, run.read_config(), "x") == config
    description = json.loads(run.config_file.read_text())
    assert {"config", "versions", "git_revision", "git_dirty", "overrides", "created", "format"} <= set(description)
    assert {"torch", "mujoco", "python"} <= set(description["versions"])
    assert run.videos.is_dir() and run.checkpoints.path.is_dir()


def test_an_empty_folder_may_be_used_a_filled_one_not(tmp_path):
    RunFolder(tmp_path).create(Config())
    with pytest.raises(UserError, match="--resume"):
        RunFolder(tmp_path).create(Config())
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="choose another"):
        RunFolder(other).create(Config())
    assert [p.name for p in other.iterdir()] == ["notes.txt"]
    with pytest.raises(UserError, match="already exists"):
        RunFolder(other / "notes.txt").create(Config())


def test_what_a_killed_writer_left_does_not_take_the_folder(tmp_path):
    """A run that was killed while its first file was written can be started again in the same place."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    leftover = run.path / ".config.json.77.tmp"
    leftover.write_text('{"half')
    run.create(Config())
    assert not leftover.exists()
    assert from_plain(Config, run.read_config(), "x") == Config()


def test_the_state_of_the_checkout_is_stored(monkeypatch, tmp_path):
    answers = {"rev-parse": "abc", "status": " M train/learning/ppo.py"}
    monkeypatch.setattr(run_folder, "_git", lambda _root, verb, *_: answers[verb])
    monkeypatch.setattr(run_folder.Path, "exists", lambda _: True)
    assert run_folder.git_state() == {"git_revision": "abc", "git_dirty": True}
    answers["status"] = ""
    assert run_folder.git_state() == {"git_revision": "abc", "git_dirty": False}
    monkeypatch.setattr(run_folder.Path, "exists", lambda _: False)
    assert run_folder.git_state() == {"git_revision": None, "git_dirty": None}


def test_uncommitted_changes_are_kept_and_can_be_applied(monkeypatch, tmp_path):
    checkout = tmp_path / "checkout"
    checkout.mkdir()

    def git(*arguments):
        command = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    code = checkout / "code.py"
    code.write_text("x = 1\n")
    for command in (("init", "-q"), ("add", "code.py"), ("commit", "-q", "-m", "first")):
        git(*command)
    monkeypatch.setattr(run_folder, "_ROOT", checkout)
    clean, changed = RunFolder(tmp_path / "clean"), RunFolder(tmp_path / "changed")
    clean.create(Config())
    assert not clean.changes_file.exists()
    code.write_text("x = 2  # déjà\n")
    changed.create(Config())
    git("checkout", "-q", "code.py")
    git("apply", str(changed.changes_file))
    assert code.read_text() == "x = 2  # déjà\n"
    code.write_text("x = 0\n" * 1_000_000)
    assert run_folder.uncommitted_changes() is None


def test_full_disk_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_write_to_disk", full_disk)
    with pytest.raises(UserError, match="no space left"):
        RunFolder(tmp_path / "run").create(Config())
    assert not (tmp_path / "run").exists()


def test_reading_what_is_not_a_run(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        RunFolder(tmp_path / "x").read_config()
    with pytest.raises(UserError, match=r"no config\.json"):
        RunFolder(tmp_path).read_config()
    (tmp_path / "config.json").write_text('{"config": {')
    with pytest.raises(UserError, match="cannot be read"):
        RunFolder(tmp_path).read_config()


def test_unknown_field_names_the_version_problem():
    with pytest.raises(UserError, match=r"no field 'speed'.*another version"):
        from_plain(Config, {"speed": 3}, "config.json")
    assert from_plain(Config, {}, "x") == Config()
    assert to_plain(Inner()) == {"rate": 0.5, "pair": [1, 2]}


def test_the_revision_is_that_of_this_checkout():
    assert (run_folder._ROOT / "train" / "runs" / "run_folder.py").samefile(run_folder.__file__)
