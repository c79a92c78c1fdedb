"""The study of learning-aware agents: its pieces, what it concludes, and what it refuses."""

import pickle
from dataclasses import replace

import pytest

from train.cli import main
from train.social.coala.analytic import AnalyticSetting
from train.social.coala.conditions import PARTS, QUICK_PARTS, Condition, conditions
from train.social.coala.findings import sections
from train.social.coala.pieces import Found, collect, pieces_of, run_piece
from train.social.coala.study import CoalaArguments, CoalaStudy
from train.social.coala.training import Setting
from train.social.study import StopStudyError

TINY = Setting(co_players=2, batch=2, inner_episodes=2, inner_steps=3, size=4, updates=5)
CONDITION = Condition(part="shaping", method="coala", title="COALA-PG", setting=TINY)
SMALL_ENDLESS = AnalyticSetting(agents=2, naive_players=2, look_ahead=2, updates=5)


def silent(share, words=""):
    pass


@pytest.mark.parametrize(
    "condition",
    [
        CONDITION,
        replace(CONDITION, game="cleanup", setting=replace(TINY, naive="network")),
        replace(CONDITION, part="analytic", setting=SMALL_ENDLESS),
    ],
    ids=["dilemma", "cleanup", "analytic"],
)
def test_pieces_join_to_a_number_a_seed(condition):
    pieces = pickle.loads(pickle.dumps(pieces_of(condition, 7, 6)))
    assert [piece.name for piece in pieces] == [f"{condition.name}-seed7", f"{condition.name}-seed12"]
    results = {piece.name: piece.function(silent) for piece in pieces}
    found = collect(condition, 7, 6, results)
    assert {len(values) for values in found.final.values()} == {6}
    assert {len(curve) for curves in found.curves.values() for curve in curves} == {5}
    # The last tenth of five updates is one.
    assert found.final["naive/reward"] == [curve[-1] for curve in found.curves["naive/reward"]]
    assert found.seconds >= 0 and (found.steps == 6 * 5 * 6 * 4 or condition.part == "analytic")


def test_curves_are_thinned():
    result = run_piece(replace(CONDITION, setting=replace(TINY, updates=70)), 0, 1, silent)
    assert result["every"] == 2 and len(result["curves"]["naive/reward"][0]) == 35


def test_a_piece_can_be_stopped():
    def stop(share, words=""):
        raise StopStudyError

    with pytest.raises(StopStudyError):
        run_piece(CONDITION, 0, 1, stop)


def test_conditions_have_names_of_their_own():
    made = conditions(tuple(PARTS), 1.0)
    names = [condition.name for condition in made]
    assert len(set(names)) == len(names) and all(condition.work >= 0 for condition in made)
    assert {condition.part for condition in made} == set(PARTS)


def test_quick_and_scale_change_the_number_of_updates():
    def updates(**options):
        return CoalaArguments(**options).conditions[0].setting.updates

    assert (updates(), updates(quick=True), updates(scale=3.0), updates(quick=True, scale=2.0)) == (250, 100, 750, 200)
    assert {condition.part for condition in CoalaArguments(quick=True).conditions} == set(QUICK_PARTS)
    assert {condition.part for condition in CoalaArguments().conditions} == set(PARTS)


MEASURES = ("reward", "cooperated", "cleaned", "zapped", "dirt")


def found(condition, **final):
    names = [f"naive/{kind}{name}" for kind in ("", "their_", "last_", "last_their_") for name in MEASURES]
    known = dict.fromkeys([*names, "peers/reward"], 0.5) | {name.replace("_", "/", 1): v for name, v in final.items()}
    return Found(
        condition,
        {name: [value, value] for name, value in known.items()},
        {name: [[0.0, value], [0.1, value]] for name, value in known.items()},
        1,
        [[[0.5] * 5] * 2] * 2,
        1.0,
        1,
    )


def test_every_part_has_a_section(tmp_path):
    made = conditions(tuple(PARTS), 1.0)
    parts = sections(tuple(PARTS), [found(condition) for condition in made])
    assert [section.heading for section in parts] == list(PARTS.values())
    for number, section in enumerate(parts):
        assert section.results and len({len(row) for row in section.table}) == 1
        section.figure(tmp_path / f"{number}.png")
        assert (tmp_path / f"{number}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("coala", "baseline", "broken"),
    [
        ({"naive_reward": 0.5, "naive_their_cooperated": 0.3}, {"naive_reward": 0.2}, []),
        ({"naive_reward": 0.39, "naive_their_cooperated": 0.3}, {"naive_reward": 0.2}, ["return of COALA"]),
        ({"naive_reward": 0.5, "naive_their_cooperated": 0.1}, {"naive_reward": 0.2}, ["cooperation of COALA"]),
        (
            {"naive_reward": 0.5, "naive_their_cooperated": 0.3},
            {"naive_reward": 0.2, "naive_their_cooperated": 0.15},
            ["cooperation of a baseline"],
        ),
    ],
)
def test_what_must_hold(coala, baseline, broken):
    made = conditions(("shaping",), 1.0)
    baseline = {"naive_their_cooperated": 0.05} | baseline
    (section,) = sections(("shaping",), [found(one, **(coala if one.method == "coala" else baseline)) for one in made])
    failed = [result.what for result in section.results if result.must_hold and not result.holds]
    assert len(failed) == len(broken) and all(map(str.startswith, failed, broken))


def test_parts_and_folders():
    study = CoalaStudy()
    assert study.label(CoalaArguments(quick=True)) == "coala-quick"
    assert study.label(CoalaArguments(parts="mixed, shaping")) == "coala-shaping-mixed"
    assert len(study.pieces(CoalaArguments(quick=True))) == 3
    assert len(study.pieces(CoalaArguments(parts="mixed", seeds=6))) == 8


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--parts", "mixd"], "unknown part 'mixd', did you mean 'mixed'?"),
        (["--parts", ","], "--parts is empty"),
        (["--scale", "0"], "--scale is 0"),
        (["--seeds", "0"], "--seeds is 0"),
    ],
)
def test_bad_options_are_one_line(words, text, tmp_path, capsys):
    assert main(["reproduce", "coala", "--run-dir", str(tmp_path / "run"), *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and text in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_study_from_the_command_line(tmp_path, capsys):
    words = ["reproduce", "coala", "--parts", "analytic", "--seeds", "1", "--scale", "0.0005", "--jobs", "1"]
    assert main([*words, "--run-dir", str(tmp_path / "run"), "--json", str(tmp_path / "out.json")]) == 0
    report = (tmp_path / "run" / "report.md").read_text()
    assert "The endless dilemma" in report and "cooperates after CC" in report
    assert (tmp_path / "out.json").exists()
