import json
import math

import numpy as np
import pytest

from train.cli import main
from train.social.reputation.claims import CLAIMS, MUST_HOLD, PARTS, describe, settings_of
from train.social.reputation.findings import sections
from train.social.reputation.options import Learning, Reading, Setting
from train.social.reputation.pieces import Run, run_piece
from train.social.reputation.study import ReputationArguments, ReputationStudy

STUDY = ReputationStudy()
TINY = [
    "--readings",
    "replay/one",
    "--ties",
    "random",
    "--episodes",
    "4",
    "--seeds",
    "2",
    "--rounds",
    "4",
    "--jobs",
    "1",
]


def error_line(capsys, words):
    capsys.readouterr()
    assert main(["reproduce", "reputation", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


def run_of(part, **options):
    reading = Reading(judges=part == "judges", rounds=4)
    return Run(parts=(part,), name="episode/all", reading=reading, ties=("defect", "random"), episodes=6, **options)


def test_a_small_study_reports_every_claim(tmp_path, capsys):
    words = [*TINY, "--run-dir", str(tmp_path / "run"), "--json", str(tmp_path / "out.json")]
    assert main(["reproduce", "reputation", *words]) == 0
    out = capsys.readouterr().out
    report = (tmp_path / "run" / "report.md").read_text()
    for claim in CLAIMS:
        assert claim.what(Learning()) in out and claim.what(Learning()) in report
    plain = json.loads((tmp_path / "out.json").read_text())
    judged = plain["sections"]["Judges (Figure 7): replay/one, random ties"]["results"]
    assert [len(result["values"]) for result in judged] == [2] * 5
    assert "What must hold" not in plain["sections"]  # Four episodes are too few to ask for it.
    figures = list((tmp_path / "run" / "figures").glob("*.png"))
    assert len(figures) == len(PARTS) * 2
    before = (tmp_path / "out.json").read_bytes()
    assert main(["reproduce", "reputation", *words]) == 0  # Nothing is left to do.
    assert (tmp_path / "out.json").read_bytes() == before


def test_what_is_found_is_of_its_setting_and_seed():
    run = run_of("seeding")
    results = {piece.name: piece.function(lambda *_: None) for piece in run.pieces(3, 12)}
    assert len(results) == 2  # Ten seeds, and two.
    found = run.collect(3, 12, results)
    assert found.arrays["cooperation"].shape == (2 * len(settings_of("seeding")), 12)
    first = next(claim for claim in CLAIMS if claim.measure == "first reward")
    number = run.settings.index(Setting(fixed=0.2, ties="random"))
    assert found.values(first, "random") == pytest.approx(list(4.0 * found.arrays["first"][number]))
    piece = next(iter(results.values()))
    assert found.arrays["cooperation"][number][:10].tolist() == piece["cooperation"][number]
    assert [len(curve) for curve in piece["curves"][number]] == [6] * 10
    assert np.mean(piece["curves"][number][0][3:]) == pytest.approx(piece["cooperation"][number][0], abs=2e-4)


def test_a_piece_is_the_mean_of_what_was_done():
    always = Reading(fixed_rule=15, rounds=4)
    found = run_piece([Setting(fixed=1.0), Setting(fixed=1.0, norm=0)], always, 5, 0, 3, lambda *_: None)
    assert found["cooperation"] == [[1.0] * 3] * 2 and found["first"] == [[1.0] * 3] * 2
    assert found["encounters"] == 5 * 6 * 4 * 5


def test_claims_say_what_counts():
    for claim in CLAIMS:
        assert claim.part in PARTS and claim.low < claim.high
        if claim.measure in ("cooperation", "first reward"):
            assert claim.low <= claim.value <= claim.high
        if claim.words[0].isdigit() and "to" not in claim.words:
            assert claim.low <= float(claim.words) <= claim.high
    whats = [claim.what(Learning()) for claim in CLAIMS]
    assert len(whats) == len(set(whats)) + 2  # Without help, b = 5 is in two figures, under both norms.
    assert all(must.setting in settings_of(must.part) for must in MUST_HOLD)
    assert all(math.isfinite(must.low) or math.isfinite(must.high) for must in MUST_HOLD)


@pytest.mark.parametrize(
    ("share", "agents", "words"),
    [(0.05, 10, "1 of 10 fixed"), (0.05, 20, "5 % fixed"), (0.3, 10, "30 % fixed"), (0.3, 4, "1 of 4 fixed")],
)
def test_fixed_agents_are_told_as_a_world_has_them(share, agents, words):
    told = describe(Setting(fixed=share), "seeding", Learning(agents=agents))
    assert told == f"norm 9, b = 5, {words}"


@pytest.mark.parametrize(
    "options",
    [{"gamma": 0.5}, {"next_state": "same"}, {"episodes": 100}, {"replays": 10}, {"readings": ("replay/one",)}],
)
def test_nothing_must_hold_where_it_was_not_tried(options):
    assert ReputationArguments(quick=True).must_hold and not ReputationArguments(quick=True, **options).must_hold


@pytest.mark.parametrize(("pairing", "asked"), [("all", 6 + 7), ("one", 5 + 5)])
def test_what_must_hold_depends_on_who_meets(pairing, asked):
    """Of random ties six, of ties to defect one more; five of each where one pair meets in a round."""
    run = Run(
        parts=("benefits", "seeding"),
        name=f"episode/{pairing}",
        reading=Reading(rounds=2, pairing=pairing),
        ties=("defect", "random"),
        episodes=2,
    )
    results = {piece.name: piece.function(lambda *_: None) for piece in run.pieces(0, 1)}
    section = sections([run.collect(0, 1, results)], must_hold=True)[0]
    assert section.heading == "What must hold" and len(section.results) == asked


def test_readings_are_what_was_asked():
    arguments = ReputationArguments(readings=("replay/one", "immediate/all"), gamma=0.5, rounds=50)
    reading = arguments.reading("replay/one", judges=True)
    assert (reading.schedule, reading.pairing, reading.next_state, reading.judges) == ("replay", "one", "same", True)
    assert (reading.gamma, reading.rounds, reading.learning_rate) == (0.5, 50, Learning().learning_rate)
    assert arguments.reading("immediate/all", judges=False).next_state == "next"
    assert ReputationArguments(next_state="next").reading("replay/all", judges=False).next_state == "next"
    pieces = [piece.name for piece in STUDY.pieces(arguments)]
    assert pieces[:2] == ["norms-replay-one-seed0", "norms-replay-one-seed10"]
    assert pieces[-1] == "judges-immediate-all-seed10" and len(pieces) == len(set(pieces)) == 8


def test_the_default_is_the_full_study():
    full, quick = ReputationArguments(), ReputationArguments(quick=True)
    assert (len(full.chosen), full.runs, full.length) == (6, 20, 10_000)
    assert full.must_hold and quick.must_hold
    assert (len(quick.chosen), quick.runs, quick.length) == (1, 5, 2_500)
    assert sum(piece.work for piece in STUDY.pieces(quick)) < sum(piece.work for piece in STUDY.pieces(full)) / 5


def test_bad_requests_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "--gamma is 1.0" in error_line(capsys, ["--gamma", "1"])
    assert "--ties has defect twice" in error_line(capsys, ["--ties", "defect", "defect"])
    assert "9 agents cannot all be paired" in error_line(capsys, ["--agents", "9"])
    assert "2 agents are too few for judges" in error_line(capsys, ["--agents", "2", "--readings", "episode/one"])
    assert "--episodes is 0" in error_line(capsys, ["--episodes", "0"])
    assert main(["reproduce", "reputation", "--readings", "sometimes/all"]) == 2
    assert "sometimes/all" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
