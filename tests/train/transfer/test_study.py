"""Whole studies of tiny sizes: what they leave, and that they go on where they stopped."""

import contextlib
import csv
import dataclasses
import json
import os
import signal
import time

import pytest
import torch

from envs.errors import UserError
from tests.train.processes import Command
from train.cli import main
from train.config.intrinsic_config import IntrinsicConfig
from train.config.presets import get_preset
from train.config.task_presets import TASKS
from train.runs.checkpoints import load_checkpoint
from train.runs.saved_policy import load_policy
from train.support.folder_lock import FolderLock
from train.trainer import Trainer
from train.transfer.starts import read_start
from train.transfer.study_plan import LOCK, WORKERS_LOCK, Unit, read_plan

from .small import NETWORK, shrink, train

LOCKING = Unit("lock-and-return", "hide-and-seek", 0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return train(tmp_path_factory.mktemp("source") / "hider")


@pytest.fixture(autouse=True)
def tiny_tasks(monkeypatch):
    shrink(monkeypatch)


def study(source, folder, *words):
    return main(["transfer", str(source.path), "--run-dir", str(folder), "--episodes", "6", "--jobs", "1", *words])


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """A study of all tasks, from scratch and from hide-and-seek."""
    folder = tmp_path_factory.mktemp("studies") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        assert study(source, folder) == 0
    return folder


def test_every_run_is_done(whole):
    plan = read_plan(whole)
    assert len(plan.units) == 4 + 2 * 5
    assert all(plan.is_done(unit) for unit in plan.units)


def test_fine_tuning_begins_with_the_sources_weights(whole, source):
    """The checkpoint before the first iteration; afterwards everything has learned."""
    plan = read_plan(whole)
    run, theirs = plan.run_folder(LOCKING), load_checkpoint(source.checkpoints.file(2)).group("policy")
    begun, ended = (load_checkpoint(run.checkpoints.file(i)).group("policy") for i in (0, 3))
    moved = json.loads(plan.weights_file(LOCKING).read_text())
    same = [
        name
        for name, tensor in begun.items()
        if tensor.shape == theirs[name].shape and torch.equal(tensor, theirs[name])
    ]
    assert {name.partition("[")[0] for name in moved["copied"]} == {*same}
    assert not {*same} & {*moved["reinitialised"]}
    parameters = [name for name, _ in load_policy(run.path).policy.named_parameters() if "bias_hh" not in name]
    assert all(not torch.equal(begun[name], ended[name]) for name in parameters)


def test_scratch_begins_with_the_weights_of_its_seed_and_fitted_normalisers(whole):
    plan = read_plan(whole)
    unit = Unit("shelter", "scratch", 0)
    trainer = Trainer(load_policy(plan.run_folder(unit).path).config)
    begun = load_checkpoint(plan.run_folder(unit).checkpoints.file(0)).group("policy")
    for name, tensor in trainer.policy.state_dict().items():
        assert "observation_normalizer" in name or torch.equal(tensor, begun[name]), name
    trainer.begin()
    assert all(torch.equal(tensor, begun[name]) for name, tensor in trainer.policy.state_dict().items())
    trainer.close()
    assert not plan.weights_file(unit).exists()


def test_normalisers_of_what_the_source_never_met_are_fitted(whole, source):
    """Construction sites are new to a policy of hide-and-seek; everything else keeps its scale."""
    plan, theirs = read_plan(whole), load_checkpoint(source.checkpoints.file(2)).group("policy")
    file = plan.run_folder(Unit("blueprint", "hide-and-seek", 0)).checkpoints.file(0)
    begun = {n: t for n, t in load_checkpoint(file).group("policy").items() if n.startswith("observation_normalizer")}
    new = {name for name in begun if name not in theirs}
    assert new and all(".of_sites." in name for name in new)
    assert begun["observation_normalizer.normalizers.of_sites.debias"] > 0
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in begun.items() if name not in new)


def test_report(whole):
    text = (whole / "report.md").read_text()
    for task in TASKS:
        assert f"| {task} | " in text and f"- **{task}**: hide-and-seek against scratch: **" in text
        assert f"**{task}** (`{task}/small`" in text
    assert "One seed: the 95 % intervals" in text and "Not finished" not in text
    assert "| blueprint | hide-and-seek |" in text and "of_sites" in text
    for image in ("scores", "curves", "memory"):
        assert f"(figures/{image}.png)" in text
        assert (whole / "figures" / f"{image}.png").read_bytes().startswith(b"\x89PNG")


def test_csv(whole):
    with open(whole / "results.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["task", "start", "seed", "checkpoint", "env_steps", "metric", "value"]
    result = json.loads(read_plan(whole).result_file(LOCKING).read_text())["statistics"]
    mine = [row for row in rows if (row["task"], row["start"]) == ("lock-and-return", "hide-and-seek")]
    final = {row["metric"]: float(row["value"]) for row in mine if row["metric"].startswith("final/")}
    assert final["final/return"] == pytest.approx(sum(result["return"]) / 6, rel=1e-4)
    assert final["final/completed/low"] <= final["final/completed"] <= final["final/completed/high"]
    curve = [row["env_steps"] for row in mine if row["metric"] == "training/completed"]
    assert curve == ["80", "160", "240"]  # 4 worlds x 20 steps.
    assert all(row["checkpoint"].endswith("iteration-0000002.safetensors") for row in mine)
    assert {row["metric"] for row in rows if row["task"] == "object-counting"} >= {
        "training/accuracy",
        "final/accuracy",
    }


def test_the_same_command_again_repeats_nothing(whole, source, capsys):
    plan = read_plan(whole)
    before = {file: file.stat().st_mtime_ns for unit in plan.units for file in plan.run_folder(unit).path.rglob("*")}
    assert study(source, whole) == 0
    assert "14 are done already; 0 env steps to go" in capsys.readouterr().out
    after = {file: file.stat().st_mtime_ns for unit in plan.units for file in plan.run_folder(unit).path.rglob("*")}
    assert before == after


@pytest.mark.parametrize("iteration", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_interrupted_and_continued_is_as_if_never_stopped(source, whole, tmp_path, monkeypatch, capsys, iteration):
    """Ctrl-C in the first or fourth of six iterations; every tensor of the last checkpoint is that of the whole
    study."""
    tasks, iterate, calls = ["--tasks", "lock-and-return"], Trainer.iterate, []

    def interrupt(self):
        calls.append(self)
        if len(calls) == iteration:
            os.kill(os.getpid(), signal.SIGINT)
        return iterate(self)

    monkeypatch.setattr(Trainer, "iterate", interrupt)
    assert study(source, tmp_path / "a", *tasks) == 130
    out = capsys.readouterr().out
    assert f"continue with: hideseek transfer --resume {tmp_path / 'a'}" in out and len(calls) == iteration
    assert "**Not finished: " in (tmp_path / "a" / "report.md").read_text()
    assert main(["transfer", "--resume", str(tmp_path / "a"), "--jobs", "1"]) == 0
    assert len(calls) == 6
    plan, reference = read_plan(tmp_path / "a"), read_plan(whole)
    for unit in plan.units:
        assert json.loads(plan.result_file(unit).read_text()) == json.loads(reference.result_file(unit).read_text())
    mine, theirs = (load_checkpoint(p.run_folder(LOCKING).checkpoints.file(3)).tensors for p in (plan, reference))
    for name, tensor in mine.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("call", [1, *(pytest.param(call, marks=pytest.mark.slow) for call in (2, 5))])
def test_dead_at_a_checkpoint_and_continued(source, whole, tmp_path, monkeypatch, call):
    """Before the first checkpoint of a run is written, or a later one."""
    save, calls = Trainer.save, []

    def die(self, *args):
        calls.append(self)
        if len(calls) == call:
            raise KeyboardInterrupt
        save(self, *args)

    monkeypatch.setattr(Trainer, "save", die)
    assert study(source, tmp_path / "a", "--tasks", "lock-and-return") == 130
    assert study(source, tmp_path / "a", "--tasks", "lock-and-return") == 0
    plan, reference = read_plan(tmp_path / "a"), read_plan(whole)
    for unit in plan.units:
        assert json.loads(plan.result_file(unit).read_text()) == json.loads(reference.result_file(unit).read_text())


def test_of_separate_policies_the_hiders_is_taken(tmp_path):
    run = train(tmp_path / "teams", separate_policies=True)
    start = read_start(run.path, "hide-and-seek")
    hiders = load_policy(run.path).policy.member(0).state_dict()
    assert all(torch.equal(tensor, hiders[name]) for name, tensor in start.tensors.items())
    assert start.tensors.keys() == hiders.keys() and start.env_steps == 120


def test_several_processes_do_the_same(source, whole, tmp_path, capsys):
    assert study(source, tmp_path / "a", "--tasks", "lock-and-return", "--jobs", "2") == 0
    plan, reference = read_plan(tmp_path / "a"), read_plan(whole)
    assert "2 runs at a time" in capsys.readouterr().out
    for unit in plan.units:
        assert json.loads(plan.result_file(unit).read_text()) == json.loads(reference.result_file(unit).read_text())


@pytest.mark.slow
def test_killed_and_continued(source, whole, tmp_path):
    """SIGKILL of the first process while two others work: they end by themselves, and the rest is done as if never
    killed."""
    folder, tasks = tmp_path / "a", ["--tasks", "lock-and-return,blueprint"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.commands.transfer.run_all", lambda *_: False)
        assert study(source, folder, *tasks) == 0  # The plan alone.
    plan, reference = read_plan(folder), read_plan(whole)
    command = Command(["transfer", "--resume", folder, "--jobs", "2"], tmp_path / "output")
    unit = plan.units[2]
    while command.running and not plan.run_folder(unit).checkpoints.iterations():
        time.sleep(0.01)
    command.kill()
    assert not plan.is_done(unit)
    for _ in range(300):  # Workers notice within an iteration.
        with contextlib.suppress(UserError), FolderLock(folder / WORKERS_LOCK):
            break
        time.sleep(0.1)
    assert main(["transfer", "--resume", str(folder), "--jobs", "1"]) == 0
    for unit in plan.units:
        assert json.loads(plan.result_file(unit).read_text()) == json.loads(reference.result_file(unit).read_text())


def test_ages_of_a_run(source, tmp_path):
    """Further starts are named by their step; the newest is hide-and-seek itself."""
    words = ["--tasks", "lock-and-return", "--checkpoints", "all", "--starts", "hide-and-seek"]
    assert study(source, tmp_path / "a", *words) == 0
    plan = read_plan(tmp_path / "a")
    assert plan.starts == ["hide-and-seek", "step-60"]
    assert plan.env_steps == {"hide-and-seek": 120, "step-60": 60}
    text = (tmp_path / "a" / "report.md").read_text()
    assert "**hide-and-seek at 60 steps**" in text and "(figures/ages.png)" in text
    weights = load_checkpoint(source.checkpoints.file(1)).group("policy")
    begun = load_checkpoint(plan.run_folder(Unit("lock-and-return", "step-60", 0)).checkpoints.file(0)).group("policy")
    assert torch.equal(begun["actor.dense.weight"], weights["actor.dense.weight"])


def test_counts(source, tmp_path):
    """A world without opponents: the encoder of agents is new, all else is copied."""
    curious = IntrinsicConfig(method="counts", table_bits=10)
    other = train(tmp_path / "explorer", scenario=get_preset("explore").scenario, intrinsic=curious)
    words = ["--tasks", "shelter", "--starts", "counts", "--counts-from", str(other.path)]
    assert study(source, tmp_path / "a", *words) == 0
    plan = read_plan(tmp_path / "a")
    moved = json.loads(plan.weights_file(Unit("shelter", "counts", 0)).read_text())
    assert moved["new"] and all("agents" in name for name in moved["new"])
    assert plan.starts == ["counts"]


class TestMistakes:
    """One line, status 2, and nothing is written or changed."""

    def refuse(self, capsys, words, *parts):
        assert main(["transfer", *map(str, words)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and error.startswith("error: ")
        for part in parts:
            assert part in error

    @pytest.mark.parametrize(
        "words, part",
        [
            (["--tasks", "lock-and-retrun"], "unknown task 'lock-and-retrun', did you mean 'lock-and-return'?"),
            (["--tasks", ""], "--tasks is empty"),
            (["--starts", "scrach"], "unknown start 'scrach', did you mean 'scratch'?"),
            (["--starts", "counts"], "needs --counts-from"),
            (["--counts-from", "nowhere"], "no run or checkpoint at nowhere"),
            (["--seeds", "0"], "--seeds is 0; it must be positive"),
            (["--episodes", "0"], "--episodes is 0"),
            (["--scale", "-1"], "--scale is -1"),
            (["--jobs", "-1"], "--jobs is -1"),
            (["--checkpoints", "2,9"], "has kept none of iteration 9; there are 1, 2"),
            (["--device", "tpu"], "unknown device 'tpu'"),
        ],
    )
    def test_options(self, source, tmp_path, capsys, words, part):
        self.refuse(capsys, [source.path, "--run-dir", tmp_path / "a", *words], part)
        assert not (tmp_path / "a").exists()

    def test_nothing_named(self, capsys):
        self.refuse(capsys, [], "name a run or checkpoint of hide-and-seek")

    def test_a_checkpoint_of_a_task(self, whole, tmp_path, capsys):
        other = read_plan(whole).run_folder(LOCKING).path
        words = [other, "--run-dir", tmp_path / "a"]
        self.refuse(capsys, words, "was trained in 'lock-and-return/small', which is game box_locking", "hide-and-seek")
        assert not (tmp_path / "a").exists()

    def test_counts_of_a_run_without_intrinsic_motivation(self, source, tmp_path, capsys):
        words = [source.path, "--counts-from", source.path, "--run-dir", tmp_path / "a"]
        self.refuse(capsys, words, "without intrinsic motivation", "hideseek train explore --intrinsic counts")
        assert not (tmp_path / "a").exists()

    def test_a_damaged_checkpoint(self, source, tmp_path, capsys):
        file = tmp_path / "iteration-0000002.safetensors"
        file.write_bytes(source.checkpoints.file(2).read_bytes()[:-50])
        self.refuse(capsys, [file, "--run-dir", tmp_path / "a"], "truncated or damaged")
        assert not (tmp_path / "a").exists()

    def test_counts_of_another_network(self, source, tmp_path, capsys):
        network, curious = dataclasses.replace(NETWORK, lstm_size=16), IntrinsicConfig(method="counts", table_bits=10)
        other = train(tmp_path / "other", network=network, intrinsic=curious)
        words = [source.path, "--counts-from", other.path, "--run-dir", tmp_path / "a"]
        self.refuse(capsys, words, "does not fit: tensor 'actor.lstm.lstm.weight_ih_l0' has shape (64, 8)")
        assert not (tmp_path / "a").exists()

    def test_another_plan(self, source, whole, capsys):
        words = [source.path, "--run-dir", whole, "--episodes", "6", "--tasks", "shelter"]
        self.refuse(capsys, words, "holds another study: --tasks is ", "not shelter")

    def test_a_folder_of_something_else(self, source, tmp_path, capsys):
        (tmp_path / "notes.txt").write_text("mine")
        self.refuse(capsys, [source.path, "--run-dir", tmp_path], "already exists and holds no transfer study")
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]

    def test_resume_takes_nothing_else(self, whole, capsys):
        self.refuse(capsys, ["--resume", whole, "--seeds", "2"], "leave out --seeds (2)")

    def test_resume_of_nothing(self, tmp_path, capsys):
        self.refuse(capsys, ["--resume", tmp_path / "a"], "no transfer study at")

    @pytest.mark.parametrize("name, shared", [(LOCK, False), (WORKERS_LOCK, True)])
    def test_in_use(self, whole, capsys, name, shared):
        with FolderLock(whole / name, shared):
            self.refuse(capsys, ["--resume", whole], f"{whole} is in use by another process")
        assert main(["transfer", "--resume", str(whole)]) == 0
