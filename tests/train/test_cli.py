import json
import signal
import subprocess
import sys
import time

import pytest

from train.cli import COMMANDS, main
from train.support.folder_lock import FolderLock

SMALL = [
    *("--num-worlds", "2", "--network.lstm-size", "8", "--network.hidden-size", "8"),
    *("--ppo.rollout-steps", "20", "--ppo.minibatches", "4"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two iterations."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", "quickstart", "--run-dir", str(folder), "--seed", "1", "--iterations", "2", *SMALL]) == 0
    return folder


def error_line(capsys, arguments):
    """Run a command that must fail; return its one line on stderr."""
    capsys.readouterr()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), captured.err
    return lines[0]


class TestErrors:
    """Every mistake: one line, status 2, nothing written."""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["quikstart"], "did you mean 'quickstart'?"),
            (["hide-and-seek/ful"], "did you mean 'hide-and-seek/full'?"),
            (["hide-and-seek/full", "--preset", "labtop"], "did you mean 'laptop'?"),
            (["quickstart", "--preset", "laptop"], "give only one"),
            (["quickstart", "--scenario.hiders", "0"], "hiders is 0"),
            (["quickstart", "--scenario.boxes", "40", "40"], "use fewer"),
            (["quickstart", "--num-worlds", "0"], "--num-worlds is 0"),
            (["quickstart", "--iterations", "0"], "--iterations is 0"),
            (["quickstart", "--seed", "-1"], "--seed is -1"),
            (["quickstart", "--device", "tpu"], "tpu"),
            (["quickstart", "--device", "cuda:99"], "CUDA"),
            (["hide-and-seek/full", "--preset", "gpu", "--device", "cuda:99"], "CUDA"),
            (["quickstart", "--ppo.rollout-steps", "25"], "multiple of --ppo.chunk-length"),
            (["quickstart", "--network.embedding-size", "33"], "multiple of"),
            (["--resume", "nowhere"], "no such folder"),
        ],
    )
    def test_train(self, capsys, tmp_path, monkeypatch, arguments, message):
        monkeypatch.chdir(tmp_path)
        run_dir = [] if "--resume" in arguments else ["--run-dir", "run"]
        assert message in error_line(capsys, ["train", *arguments, *run_dir])
        assert list(tmp_path.iterdir()) == []

    def test_wrong_option(self, capsys, tmp_path):
        assert main(["train", "quickstart", "--run-dir", str(tmp_path / "r"), "--sede", "3"]) == 2
        assert "--sede" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    def test_an_existing_run_is_never_overwritten(self, capsys, run):
        before = sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*"))
        assert "--resume" in error_line(capsys, ["train", "quickstart", "--run-dir", str(run)])
        assert sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*")) == before

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--iterations", "2"], "has done 2 iterations already"),
            (["--iterations", "3", "--num-worlds", "5"], "--num-worlds cannot change"),
            (["--iterations", "3", "--scenario.hiders", "2"], "--scenario cannot change"),
            (["--iterations", "3", "--engine", "warp"], "--engine cannot change"),
            (["--iterations", "3", "--run-dir", "x"], "leave out --run-dir"),
            (["quickstart", "--iterations", "3"], "leave out a preset or scenario"),
        ],
    )
    def test_resume(self, capsys, run, arguments, message):
        before = sorted(p for p in run.rglob("*"))
        assert message in error_line(capsys, ["train", *arguments, "--resume", str(run)])
        assert sorted(p for p in run.rglob("*")) == before

    def test_evaluate(self, capsys, tmp_path, run):
        assert "no run or checkpoint" in error_line(capsys, ["evaluate", str(tmp_path / "x")])
        assert "no config.json" in error_line(capsys, ["evaluate", str(tmp_path)])
        half = tmp_path / "half.safetensors"
        half.write_bytes(next((run / "checkpoints").iterdir()).read_bytes()[:5000])
        assert "truncated" in error_line(capsys, ["evaluate", str(half)])
        assert "cannot write" in error_line(capsys, ["evaluate", str(run), "--json", str(tmp_path / "no" / "e.json")])
        assert "at least 1" in error_line(capsys, ["evaluate", str(run), "--episodes", "0"])
        assert "name a run" in error_line(capsys, ["evaluate"])
        assert "more than one" in error_line(capsys, ["evaluate", str(run), "--png", str(tmp_path / "e.png")])
        assert "--against" in error_line(capsys, ["evaluate", str(run), "random", "--against", str(run)])

    def test_policy_of_another_scenario(self, capsys, run, tmp_path):
        other = tmp_path / "other"
        assert main(["train", "hide-and-seek/quadrant", "--run-dir", str(other), "--iterations", "1", *SMALL]) == 0
        message = error_line(capsys, ["evaluate", str(run), "--against", str(other), "--episodes", "2"])
        assert "input 'self' has 11 features" in message and "expects 10" in message

    def test_commands(self, capsys):
        assert "did you mean 'train'?" in error_line(capsys, ["trian"])
        assert "did you mean" in error_line(capsys, ["bench", "--scenario", "hide-and-seek/fulll"])


def test_help_is_quick_and_lists_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)
    code = "import sys, train.cli; train.cli.main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_train_help_shows_the_defaults_of_the_preset(capsys):
    assert main(["train", "paper", "--help"]) == 0
    assert "4096" in capsys.readouterr().out


def test_output_in_a_pipe_is_plain_text(run):
    command = [sys.executable, "-m", "train.cli", "train", "--resume", str(run), "--iterations", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    assert "resuming after iteration 2" in done.stdout and "3/3" in done.stdout
    assert "actor" in done.stdout and "parameters" in done.stdout


def test_a_run_that_ended_before_its_first_checkpoint_begins_again(run, tmp_path, capsys):
    (tmp_path / "config.json").write_text((run / "config.json").read_text())
    (tmp_path / "metrics.jsonl").write_text('{"iteration": 1, "env_steps": 40}\n')
    assert main(["train", "--resume", str(tmp_path), "--iterations", "1"]) == 0
    assert "starting from the beginning" in capsys.readouterr().out
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


def test_evaluate_writes_everything(run, tmp_path, capsys):
    files = {kind: tmp_path / f"e.{kind}" for kind in ("json", "csv")}
    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    assert main(["evaluate", str(run), "--episodes", "3", "--num-worlds", "2", *options]) == 0
    result = json.loads(files["json"].read_text())
    assert [(m["seekers"], m["hiders"]) for m in result["matches"]] == [
        ("trained", "random"),
        ("random", "random"),
        ("random", "trained"),
        ("trained", "trained"),
    ]
    assert {"seekers_ratio", "hiders_ratio"} <= set(result)
    assert all(len(m["seen_fraction_per_episode"]) == 3 for m in result["matches"])
    assert len(files["csv"].read_text().splitlines()) == 13
    assert "random seekers v trained hiders" in capsys.readouterr().out


def test_evaluate_of_several_plays_all_pairings(run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    files = {kind: tmp_path / f"e.{kind}" for kind in ("json", "csv", "png")}
    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    first = str(run / "checkpoints" / "iteration-0000002.safetensors")
    command = ["evaluate", str(run), first, "random", "--episodes", "3", "--num-worlds", "3", *options]
    assert main(command) == 0
    out = capsys.readouterr().out
    result = json.loads(files["json"].read_text())
    assert len(result["players"]) == len(set(result["players"])) == 3 and result["players"][2] == "random"
    assert len(result["matches"]) == 9
    assert len(files["csv"].read_text().splitlines()) == 10
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "ratings" in out and "return of hiders" in out and "random" in out


def test_list_names_every_preset_and_scenario(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(
        name in out for name in ("quickstart", "laptop", "paper", "hide-and-seek/full", "hide-and-seek/quadrant")
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number, status):
    folder = tmp_path / "run"
    words = ["quickstart", "--run-dir", str(folder), "--iterations", "1000000", *SMALL]
    command = [sys.executable, "-m", "train.cli", "train", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics = folder / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    assert f"continue with: hideseek train --resume {folder} --iterations 1000000" in out
    assert len(list((folder / "checkpoints").iterdir())) == 1


@pytest.mark.slow
def test_bench_reports_every_part(tmp_path):
    file = tmp_path / "b.json"
    words = ["--scenario", "hide-and-seek/quickstart", "--num-worlds", "4", "--seconds", "0.2", "--turns", "1"]
    assert main(["bench", *words, "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    for part in ("python_loop", "engine", "environment", "inference", "training"):
        assert result[part] > 0
        assert result["agent_steps_per_second"][part] == pytest.approx(2 * result[part], rel=0.01)
    assert result["ratio_to_engine"]["engine"] == 1.0
    assert result["bytes_per_world"] > 0


def test_a_run_that_goes_on_elsewhere_cannot_be_resumed(run, capsys):
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    with FolderLock(run / "run.lock"):
        line = error_line(capsys, ["train", "--resume", str(run), "--iterations", "9"])
    assert "is in use by another process" in line
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before
