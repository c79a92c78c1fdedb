"""Sweeps of tiny sizes: what they leave, that one failure is one failure, and that they go on where they stopped."""

import csv
import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from train.cli import main
from train.commands import sweep as sweep_command
from train.commands import train as train_command
from train.config.overrides import read_overrides
from train.config.presets import get_preset
from train.learning.memory_need import memory_needed
from train.runs.run_folder import RunFolder
from train.runs.saved_policy import to_config
from train.support.folder_lock import FolderLock
from train.sweep.figures import mean_curve
from train.sweep.plan import Unit, read_plan

TINY = """
[options]
iterations = {iterations}
num_worlds = 2
checkpoint_interval = 1
keep_checkpoints = 9
ppo = {{rollout_steps = 20, minibatches = 1, epochs = 1}}
network = {{embedding_size = 8, hidden_size = 8, lstm_size = 8, lidar_filters = 2}}
scenario.horizon = 20
"""
VARIANTS = """
[variants.baseline]
[variants.entropy-high]
ppo.entropy_coefficient = 0.03
"""


def write(folder, iterations=2, seeds="[0]", variants=VARIANTS, more=""):
    file = folder / "entropy.toml"
    file.write_text(f"seeds = {seeds}\nepisodes = 4\n{more}" + TINY.format(iterations=iterations) + variants)
    return file


def rows(folder):
    return list(csv.DictReader((folder / "results.csv").read_text().splitlines()))


def error_line(capsys, words):
    assert main(["sweep", *map(str, words)]) == 2
    text = capsys.readouterr().err
    assert text.startswith("error: ") and text.count("\n") == 1
    return text


# --- files ---------------------------------------------------------------------------------------------------------


def test_variants_change_the_base_and_share_the_options(tmp_path):
    plan = read_plan(write(tmp_path, seeds="3"), tmp_path / "x")
    assert [str(unit) for unit in plan.units] == [
        f"{variant}/seed{seed}" for seed in range(3) for variant in ("baseline", "entropy-high")
    ]
    base = get_preset("quickstart")
    for variant, entropy in (("baseline", base.ppo.entropy_coefficient), ("entropy-high", 0.03)):
        config = plan.config(Unit(variant, 2))
        assert (config.seed, config.iterations, config.scenario.horizon) == (2, 2, 20)
        assert config.ppo.entropy_coefficient == entropy and config.ppo.rollout_steps == 20


def test_weights_that_a_file_names_have_whole_paths(tmp_path, monkeypatch):
    """Runs are processes of their own and may go on from anywhere."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "weights.toml"
    file.write_text(
        "[options]\ninit_from = 'a'\nleague.fraction = 0.0\nleague.frozen = 'b'\n"
        "[variants.x]\n[variants.y]\nppo.teacher = 'c'\n"
    )
    configs = read_plan(file, tmp_path / "s").configs
    assert configs["x"].init_from == str(tmp_path / "a") and configs["x"].league.frozen == str(tmp_path / "b")
    assert configs["x"].ppo.teacher is None and configs["y"].ppo.teacher == str(tmp_path / "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = ", "is not TOML"),
        ("seeds = 2", "has no variants"),
        ("seed = 2\n[variants.a]", "unknown 'seed'"),
        ("seeds = 0\n[variants.a]", "'seeds' must be a number from 1 on"),
        ("seeds = [1, 1]\n[variants.a]", "list of different seeds"),
        ("seeds = [-1]\n[variants.a]", "'seeds'"),
        ("episodes = 0\n[variants.a]", "'episodes' is 0; it must be at least 1"),
        ("episodes = 'many'\n[variants.a]", "'episodes' must be a whole number"),
        ("base = 'quickstat'\n[variants.a]", "did you mean 'quickstart'"),
        ("[variants]\na = 1", "'a' is no variant"),
        ("[variants.'a/b']", "'a/b' is no variant"),
        ("[variants.a]\nppo.entropy = 1", "variant a: unknown option 'ppo.entropy'"),
        ("[variants.a]\nseed = 1", "leave out 'seed'"),
        ("[variants.a]\nppo.chunk_length = 7", "must be a multiple of --ppo.chunk-length 7"),
        ("[variants.a]\ninit_from = 'random'", "variant a: random is an agent without a policy"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_a_line_and_nothing_is_written(tmp_path, capsys, text, said):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    assert said in error_line(capsys, [file, "--run-dir", tmp_path / "x"])
    assert not (tmp_path / "x").exists()


def test_impossible_requests(tmp_path, capsys):
    assert "name a TOML file" in error_line(capsys, [])
    assert "cannot read" in error_line(capsys, [tmp_path / "no.toml"])
    assert "it has no sweep.toml" in error_line(capsys, ["--resume", tmp_path])
    assert "leave out FILE" in error_line(capsys, ["a.toml", "--resume", tmp_path])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("mine")
    assert "holds no sweep" in error_line(capsys, [write(tmp_path), "--run-dir", tmp_path / "mine"])
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


def test_a_sweep_that_goes_on_is_left_as_it_is(tmp_path, capsys):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "sweep.toml").write_bytes(write(tmp_path).read_bytes())
    more = write(tmp_path, variants=VARIANTS + "[variants.more]\nppo.clip = 0.1\n")
    with FolderLock(folder / ".lock"):
        assert "is in use by another process" in error_line(capsys, [more, "--run-dir", folder])
    assert {path.name for path in folder.iterdir()} == {".lock", "sweep.toml"}
    assert "more" not in (folder / "sweep.toml").read_text()


def test_a_mean_curve_is_taken_at_common_env_steps():
    """Runs whose iterations have other env steps, by hand; the second one stopped earlier and began later."""
    first = np.array([0.0, 10.0, 20.0, 30.0]), np.array([0.0, 10.0, 20.0, 30.0])
    second = np.array([5.0, 25.0]), np.array([4.0, 8.0])
    steps, values = mean_curve([first, second])
    assert steps.tolist() == [5.0, 10.0, 20.0, 25.0]
    assert values.tolist() == pytest.approx([(5 + 4) / 2, (10 + 5) / 2, (20 + 7) / 2, (25 + 8) / 2])


# --- whole sweeps --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of two variants, and one that cannot learn: its run breaks in the first iteration."""
    folder = tmp_path_factory.mktemp("sweeps")
    broken = "[variants.broken]\nppo.learning_rate = 1e30\nppo.max_grad_norm = inf\n"
    file = write(folder, variants=VARIANTS + broken)
    assert main(["sweep", str(file), "--run-dir", str(folder / "x"), "--jobs", "2"]) == 1
    return folder / "x"


def test_runs_are_done_and_a_failure_is_named_and_alone(swept):
    assert [(row["variant"], row["state"], row["iterations"]) for row in rows(swept)][:2] == [
        ("baseline", "done", "2"),
        ("entropy-high", "done", "2"),
    ]
    assert rows(swept)[2]["state"] == "failed"
    report = (swept / "report.md").read_text()
    assert "2 runs of 3 are done" in report and "- **broken/seed0**: losses/" in report
    assert all((swept / "figures" / name).is_file() for name in ("curves.png", "measures.png"))


def test_numbers_of_the_report_are_those_of_the_runs(swept):
    for row in rows(swept)[:2]:
        measures = json.loads((swept / row["folder"] / "result.json").read_text())["measures"]
        assert {*measures} == {"finding", "hiding"}
        assert all(float(row[name]) == pytest.approx(value, rel=1e-5) for name, value in measures.items())
        assert f"| {row['variant']} | finding | 1 | {measures['finding']:.3g} |" in (swept / "report.md").read_text()


def test_the_command_of_a_row_is_the_run(swept, monkeypatch):
    """It asks for the configuration of the run's folder, but for threads, on which nothing depends."""
    asked = []
    monkeypatch.setattr(train_command, "_start", lambda args, *_: asked.append(args.config) or 0)
    for row in rows(swept)[:2]:
        assert main(shlex.split(row["command"])[1:]) == 0
        config = to_config(RunFolder(swept / row["folder"]).read_config(), "the run")
        assert dataclasses.replace(config, threads=0) == asked.pop()


def test_what_is_done_stays_and_other_options_are_refused(swept, capsys, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in swept.rglob("*.safetensors")}
    file = write(tmp_path, variants=VARIANTS)
    assert main(["sweep", str(file), "--run-dir", str(swept)]) == 0
    assert "2 runs" in (out := capsys.readouterr().out) and "2 are done already" in out
    assert before == {path: path.stat().st_mtime_ns for path in swept.rglob("*.safetensors")}
    file = write(tmp_path, variants=VARIANTS.replace("0.03", "0.3"))
    assert "ppo.entropy_coefficient = 0.03, and entropy-high wants 0.3" in error_line(
        capsys, [file, "--run-dir", swept]
    )


def test_override_files_hold_what_the_file_says(swept):
    values = read_overrides(swept / "variants" / "entropy-high.json")
    assert values["ppo.entropy_coefficient"] == 0.03 and values["torch_threads"] == 1


def test_as_many_at_a_time_as_cores_and_memory_bear(tmp_path, monkeypatch):
    """Ten cores: eight at most; memory for three and a half: three."""
    plan = read_plan(write(tmp_path), tmp_path / "x")
    need = max(memory_needed(config).total for config in plan.configs.values()) + sweep_command._PROGRAM
    monkeypatch.setattr(sweep_command, "available_cores", lambda: 10)
    for memory, jobs in ((100 * need, 8), (int(3.5 * need), 3), (need // 2, 1)):
        monkeypatch.setattr(sweep_command, "available_memory", lambda _device, memory=memory: memory)
        assert sweep_command._most_jobs(plan) == jobs


def test_help_has_examples(capsys):
    assert main(["sweep", "--help"]) == 0
    assert "hideseek sweep sweeps/entropy.toml" in capsys.readouterr().out


# --- kills ---------------------------------------------------------------------------------------------------------


def start(file, folder):
    words = [sys.executable, "-m", "train.cli", "sweep", str(file), "--run-dir", str(folder), "--jobs", "2"]
    root = Path(__file__).parents[3]
    return subprocess.Popen(words, cwd=root, start_new_session=True, stdout=subprocess.PIPE, text=True)


def wait_until(process, holds, seconds=300):
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_sweep_that_is_killed_twice_ends_as_one_that_never_was(tmp_path):
    """First it is killed with all its processes, then alone, so that its runs end their iteration by themselves."""
    file = write(tmp_path, iterations=5, seeds="3", more='tags = ["charts/seen_fraction"]\n')
    folder, whole = tmp_path / "killed" / "x", tmp_path / "whole" / "x"
    process = start(file, folder)
    wait_until(process, lambda: len([*folder.rglob("iteration-0000002.safetensors")]) >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not [*folder.rglob("result.json")]
    process = start(file, folder)
    wait_until(process, lambda: len([*folder.rglob("result.json")]) >= 3)
    process.kill()
    process.wait()
    assert len([*folder.rglob("result.json")]) < 6
    process = start(file, folder)
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0 and "are done already" in out
    assert main(["sweep", str(file), "--run-dir", str(whole), "--jobs", "2"]) == 0

    def seen(path):
        return [{name: value for name, value in row.items() if name != "command"} for row in rows(path)]

    assert [row["state"] for row in seen(folder)] == ["done"] * 6
    assert [row["iterations"] for row in seen(folder)] == ["5"] * 6
    assert seen(folder) == seen(whole)
    texts = [(path / "report.md").read_text().replace(str(path), "DIR") for path in (folder, whole)]
    assert texts[0] == texts[1] and "6 runs of 6 are done" in texts[0]
