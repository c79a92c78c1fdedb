import itertools
import json
import math

import imageio.v3 as iio
import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.rendering.opengl import make_context
from tests.train.stages.scripts import Chase, QuadrantChase
from train.cli import main
from train.evaluation.shares import Share
from train.rendering.video import VideoOptions
from train.stages import curves
from train.stages.film import film, to_footage
from train.stages.stage_report import began
from train.stages.strategies import strategies_of
from train.stages.study import Example, Finding, Study, StudyOptions, examine
from train.stages.trace import play_trace

SMALL = [
    "--num-worlds",
    "2",
    "--network.lstm-size",
    "8",
    "--network.hidden-size",
    "8",
    "--ppo.rollout-steps",
    "20",
    "--ppo.minibatches",
    "2",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with two checkpoints and episodes that ended."""
    folder = tmp_path_factory.mktemp("stages") / "run"
    words = ["train", "quickstart", "--run-dir", str(folder), "--iterations", "6", "--checkpoint-interval", "3"]
    words += ["--scenario.horizon", "80"]
    assert main([*words, *SMALL]) == 0
    return folder


@pytest.fixture(scope="module")
def chase():
    """Four worlds of scripted chasing, and the environment that they were played in."""
    env = BatchEnv(QuadrantChase.scenario, 4, threads=1)
    player = QuadrantChase(env)
    player.begin(env)
    yield play_trace(env, player.layout(4, 0), player), env
    env.close()


def error_line(capsys, arguments):
    capsys.readouterr()
    assert main(["stages", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


# --- the command ---------------------------------------------------------------------------------------------------


def test_table_report_and_curves(run, capsys):
    assert main(["stages", str(run), "--episodes", "3", "--num-worlds", "2", "--no-videos"]) == 0
    out = capsys.readouterr().out
    report = (run / "report.md").read_text()
    assert "2 checkpoints, at 120, 240 of 240 env steps" in out and "2 checkpoints, at 120, 240 of 240" in report
    for name in ("chasing", "door blocking", "shelter", "ramp use", "ramp defence"):
        assert f"\n{name} " in out and report.count(f"| {name} |") == 2
    assert "box surfing" not in report
    for image in ("report/strategies.png", "report/statistics.png"):
        assert f"]({image})" in report and (run / image).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_tells_the_same(run, capsys):
    words = ["stages", str(run), "--checkpoints", "last", "--episodes", "1", "--no-videos", "--seed", "3"]
    reports = []
    for _ in range(2):
        assert main(words) == 0
        reports.append((capsys.readouterr().out, (run / "report.md").read_text()))
    assert reports[0] == reports[1] and "1 checkpoint, at 240 of" in reports[0][1]


def test_iterations_can_be_named(run, capsys):
    assert main(["stages", str(run), "--checkpoints", "3", "--episodes", "1", "--no-videos"]) == 0
    assert "1 checkpoint, at 120 of" in capsys.readouterr().out


def test_without_matplotlib_there_is_a_report_all_the_same(run, capsys, monkeypatch):
    monkeypatch.setattr("train.commands.stages.can_draw", lambda: False)
    assert main(["stages", str(run), "--checkpoints", "last", "--episodes", "1", "--no-videos"]) == 0
    assert "matplotlib" in capsys.readouterr().out and "![" not in (run / "report.md").read_text()


def test_a_damaged_checkpoint_is_left_out_with_a_warning(run, capsys, tmp_path):
    broken = tmp_path / "run"
    (broken / "checkpoints").mkdir(parents=True)
    (broken / "config.json").write_bytes((run / "config.json").read_bytes())
    old, new = sorted((run / "checkpoints").iterdir())
    (broken / "checkpoints" / old.name).write_bytes(old.read_bytes())
    (broken / "checkpoints" / new.name).write_bytes(new.read_bytes()[:1000])
    assert main(["stages", str(broken), "--episodes", "1", "--no-videos"]) == 0
    captured = capsys.readouterr()
    assert new.name in captured.err and "1 checkpoint, at 120 of" in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no run or checkpoint at nowhere"),
        (["RUN", "--episodes", "0"], "--episodes"),
        (["RUN", "--num-worlds", "0"], "--num-worlds"),
        (["RUN", "--seed", "-1"], "--seed"),
        (["RUN", "--checkpoints", "some"], "it must be last, all, or iterations such as 20,60,120"),
        (["RUN", "--checkpoints", "3,7"], "run has kept none of iteration 7; there are 3, 6"),
        (["quickstart", "--checkpoints", "3"], "quickstart is no run folder; leave it out"),
        (["--agent", "chaser", "--checkpoints", "3"], "chaser has none; leave it out"),
        (["RUN", "--device", "tpu"], "tpu"),
        (["RUN/config.json"], "is truncated or damaged"),
        (["RUN/videos"], "no config.json"),
    ],
)
def test_errors_are_one_line(run, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in error_line(capsys, [arguments[0].replace("RUN", str(run)), *arguments[1:]])


def test_a_run_without_checkpoints(run, capsys, tmp_path):
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    assert "no checkpoint" in error_line(capsys, [str(tmp_path)])


def test_free_play_has_no_stages():
    with pytest.raises(UserError, match="not hide-and-seek"):
        strategies_of(Chase.scenario.__class__(name="test/free", game="free_play"))


# --- counting ------------------------------------------------------------------------------------------------------


def test_episodes_are_counted_and_the_first_is_the_example(chase):
    _, env = chase

    class Canned:
        """Detectors that answer by world, in rounds of four."""

        def __init__(self, worlds):
            self.answer = torch.tensor([w in worlds for w in range(4)])

        def __call__(self, trace):
            return self.answer & ~trace.broken

    def still(number):
        player = QuadrantChase(env)
        player.play = lambda: None
        return player

    detectors = {"some": Canned({1, 3}), "none": Canned(set())}
    done = []
    shares, told, examples = examine(env, still, detectors, StudyOptions(episodes=6), done.append)
    assert done == [4, 6]
    assert shares == {"some": Share(3, 6), "none": Share(0, 6)}  # worlds 1 and 3, then 1: the second round counts two
    assert told["some"].tolist() == [0, 1, 0, 1, 0, 1]
    assert list(examples) == ["some"]
    example, _ = examples["some"]
    assert example.pose.shape == (1, 81, 7, 4) and example.layout.num_worlds == 1


def test_when_a_strategy_began():
    def finding(steps, hits):
        told = (torch.arange(100) < hits).to(torch.int8)
        return Finding(steps, steps, {"chasing": Share(hits, 100)}, {"chasing": told})

    findings = [finding(10, 0), finding(20, 8), finding(30, 40), finding(40, 2)]
    study = Study(Chase.scenario, None, finding(0, 5), findings)
    assert study.began("chasing").env_steps == 30 and began(study, "chasing") == "between 20 and 30"
    study.findings = study.findings[2:]
    assert began(study, "chasing") == "at or before 30"
    study.findings = study.findings[1:]
    assert began(study, "chasing") == "not found"


def break_physics(monkeypatch, *where):
    """Give bodies no velocity that is a number in these (round, world) of what is played, in the first step."""
    advance, rounds = BatchEnv.advance, itertools.count()

    def advance_broken(env, actions, parts=1):
        if not env._worlds.steps.any():
            number = next(rounds)
            worlds = torch.tensor([world for broken, world in where if broken == number], dtype=torch.int64)
            velocity = torch.full_like(env.engine.velocity[worlds], math.nan)
            env.engine.set_bodies(worlds, env.engine.pose[worlds], velocity)
        return advance(env, actions, parts)

    monkeypatch.setattr(BatchEnv, "advance", advance_broken)


def test_what_broken_physics_costs_is_said(run, capsys, monkeypatch):
    """Two rounds each of random play and two checkpoints; the second round's second world is none of 3 episodes.

    Episode 0 of random play breaks, and episode 1 of the first checkpoint: 1 and 2 pairs are left.
    """
    break_physics(monkeypatch, (0, 0), (2, 1), (5, 1))
    assert main(["stages", str(run), "--episodes", "3", "--num-worlds", "2", "--no-videos"]) == 0
    line = (
        "2 worlds were reset because of NaN physics; these episodes do not count, "
        "and 1 and 2 of 3 pairs are left to compare"
    )
    assert line in capsys.readouterr().out.splitlines() and f"{line}." in (run / "report.md").read_text().splitlines()


def test_without_broken_physics_nothing_is_said_of_it(run, capsys):
    assert main(["stages", str(run), "--episodes", "1", "--no-videos"]) == 0
    assert "NaN physics" not in capsys.readouterr().out + (run / "report.md").read_text()


def test_what_broken_physics_costs_an_agent_is_said(capsys, monkeypatch):
    break_physics(monkeypatch, (0, 1))
    words = ["stages", "--agent", "zero", "--episodes", "2", "--threads", "1"]
    assert main(words) == 0
    line = "1 worlds were reset because of NaN physics; these episodes do not count"
    assert line in capsys.readouterr().out.splitlines()


# --- curves and videos ---------------------------------------------------------------------------------------------


def test_curves_leave_out_what_is_not_known():
    lines = [{"env_steps": 1, "a": 2.0}, {"env_steps": 2}, {"env_steps": 3, "a": None}, {"env_steps": 4, "a": 5.0}]
    assert curves.curve(json.loads(json.dumps(lines)), "a") == ([1, 4], [2.0, 5.0])
    assert curves.running_mean([1.0, 3.0, 5.0, 7.0], 2) == [1.0, 2.0, 4.0, 6.0]
    assert curves.running_mean([], 3) == []


def test_no_statistics_no_image(tmp_path):
    assert not curves.draw_statistics(tmp_path / "a.png", [{"env_steps": 1.0, "losses/entropy": 1.0}])
    assert not list(tmp_path.iterdir())


def test_an_example_is_drawn_as_it_was_played(chase):
    trace, env = chase
    shown = to_footage(Example(trace.select(torch.tensor([2])), env.engine.world_model(2), 1))
    s = env.scenario
    assert [seen is None for seen in shown.seen] == [True] * 33 + [False] * 48
    assert torch.equal(torch.from_numpy(shown.moments[50].pose).float(), trace.pose[2, 50])
    sees = trace.visible[2, 33:, s.hiders : s.num_agents, : s.hiders].any(-1).any(-1)
    assert shown.seen[33:] == sees.tolist()
    assert shown.hiders_score[-1] == trace.score[2, -1] != 0
    assert shown.hiders_score[32] == 0


def test_film(chase, tmp_path):
    try:
        make_context(64, 64).free()
    except UserError as error:
        pytest.skip(str(error))
    trace, env = chase
    first = trace.select(torch.tensor([0]))
    first.pose = first.pose[:, 30:36]
    example = Example(first, env.engine.world_model(0), 1)
    film(tmp_path / "a.gif", env.engine.scene, example, VideoOptions(width=160, height=120))
    assert len(iio.imread(tmp_path / "a.gif")) == 6


def test_without_opengl_there_is_one_line_and_no_video(chase, tmp_path, monkeypatch, capsys):
    from train.commands import stages
    from train.runs.run_folder import RunFolder

    trace, env = chase
    monkeypatch.setenv("MUJOCO_GL", "disable")
    names = strategies_of(env.scenario)

    def finding(hits):
        share, told = Share(hits, 100), (torch.arange(100) < hits).to(torch.int8)
        return Finding(1, 10, dict.fromkeys(names, share), dict.fromkeys(names, told))

    study = Study(env.scenario, env.engine.scene, finding(0), [finding(100)])
    study.examples = dict.fromkeys(
        study.strategies, Example(trace.select(torch.tensor([0])), env.engine.world_model(0), 1)
    )
    said = []
    assert stages._film(RunFolder(tmp_path), study, said.append) == {}
    assert len(said) == 1 and "MUJOCO_GL" in said[0]
