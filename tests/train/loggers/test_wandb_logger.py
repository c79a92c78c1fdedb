"""Weights & Biases without an account: what a session writes, read back from its file."""

import importlib.util
import json
import struct

import pytest

from envs.errors import UserError
from tests.train.processes import Command
from train.loggers.choice import require_loggers
from train.loggers.wandb_logger import WandbLogger
from train.runs.metrics import MetricsLog

BLOCK = 32768


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """Somebody without an account."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("wandb")
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"config": {"seed": 7}}))
    return run


def records(path):
    """The records of one of wandb's files: LevelDB's log format after a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # Whole, or the last part.
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def read(run):
    """What the only offline run of a folder says: its project, its configuration, and its steps."""
    import wandb

    wandb.teardown()  # As at the end of a process: the last bytes may be on their way until then.
    (path,) = run.glob("wandb/offline-run-*/*.wandb")
    project, config, steps = None, {}, []
    for record in records(path):
        if record.HasField("run"):
            project = record.run.project
            config |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.run.config.update}
        if record.HasField("history"):
            row = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
            steps.append(
                {key: json.loads(value) for key, value in row.items() if key not in ("_timestamp", "_runtime")}
            )
    return project, config, steps


def write(run, iteration, *rows):
    log = MetricsLog(run, iteration, 10 * iteration, [WandbLogger()])
    for number, metrics in rows:
        log.write(number, 10 * number, metrics)
    log.close()


def test_an_iteration_is_a_step_and_a_run_that_goes_on_has_each_once(folder):
    write(folder, 0, (1, {"x/y": 1.0}), (2, {"x/y": 2.0}), (3, {"x/y": float("nan")}))
    project, config, steps = read(folder)
    assert (project, config["seed"]) == ("hideseek", 7)
    first = {"_step": 1, "env_steps": 10, "x/y": 1.0}
    assert steps == [first, {"_step": 2, "env_steps": 20, "x/y": 2.0}, {"_step": 3, "env_steps": 30}]
    write(folder, 1, (2, {"x/y": 22.0}))
    assert read(folder)[2] == [first, {"_step": 2, "env_steps": 20, "x/y": 22.0}]


def test_online_what_is_there_is_not_sent_again(folder, monkeypatch):
    """With a stand-in for the service: it has the steps 0 to 2."""
    import wandb

    sent, opened = [], {}

    class There:
        step = 3

        def define_metric(self, *_, **__):
            pass

        def log(self, numbers, step):
            sent.append((step, numbers))

    def init(**options):
        opened.update(options)
        return There()

    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setattr(wandb, "init", init)
    rows = [{"iteration": number, "env_steps": 10 * number, "x": 1.0} for number in (1, 2, 3)]
    WandbLogger().begin(folder, 30, rows)
    assert sent == [(3, {"env_steps": 30, "x": 1.0})]
    assert (opened["mode"], opened["resume"], len(opened["id"])) == ("online", "allow", 16)


def test_without_wandb_nothing_begins(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    require_loggers(("tensorboard", "csv"))
    with pytest.raises(UserError, match=r"wandb is not installed; in the clone: pip install -e '.\[wandb\]'$"):
        require_loggers(("csv", "wandb"))


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("online", "error: --logger wandb: No API key configured."),
        ("nonsense", "error: WANDB_MODE is 'nonsense'; --logger wandb knows offline, online, disabled"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_written(tmp_path, mode, message):
    pytest.importorskip("wandb")
    words = ["train", "quickstart", "--logger", "wandb", "--run-dir", tmp_path / "run"]
    status, _, errors = Command(words, tmp_path / "out", {"WANDB_MODE": mode, "HOME": tmp_path}).wait()
    assert status == 2 and errors.startswith(message) and errors.count("\n") == 1, errors
    assert not (tmp_path / "run").exists()
