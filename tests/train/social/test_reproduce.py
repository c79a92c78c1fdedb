import json

import pytest

from tests.train.social.counting_study import CountingStudy
from train.cli import main
from train.social import catalogue
from train.social.report import Result
from train.support.folder_lock import FolderLock


@pytest.fixture
def counting(monkeypatch, tmp_path):
    monkeypatch.setitem(catalogue.STUDIES, "counting", CountingStudy())
    return ["reproduce", "counting", "--run-dir", str(tmp_path / "run"), "--marks", str(tmp_path), "--jobs", "1"]


def error_line(capsys, words):
    capsys.readouterr()
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), lines
    return lines[0]


def test_a_study_writes_its_report_and_json(counting, tmp_path, capsys):
    assert main([*counting, "--json", str(tmp_path / "out.json")]) == 0
    report = (tmp_path / "run" / "report.md").read_text()
    assert "# Counting" in report and "Nobody, Counting, 1900" in report
    assert "| counted | 1.00 | 1.00 [0.00, 2.00] | 0.00 ... 2.00 | 3 | at least 0.00 | holds |" in report
    plain = json.loads((tmp_path / "out.json").read_text())
    assert plain == json.loads((tmp_path / "run" / "results.json").read_text())
    assert plain["sections"]["Counts"]["results"][0]["values"] == [0.0, 1.0, 2.0]
    assert "[3/3] seed2" in capsys.readouterr().out


def test_finished_pieces_are_kept_after_a_failure(counting, tmp_path, capsys):
    assert "cannot count" in error_line(capsys, [*counting, "--fail", "seed1"])
    assert (tmp_path / "seed0.txt").read_text() == "done\n" and not (tmp_path / "seed1.txt").exists()
    request = tmp_path / "run" / "request.json"
    request.write_text(request.read_text().replace('"seed1"', '""'))
    assert main(counting) == 0
    assert [(tmp_path / f"seed{n}.txt").read_text() for n in range(3)] == ["done\n"] * 3


def test_several_jobs_find_the_same(counting, tmp_path):
    assert main([*counting[:-1], "2"]) == 0
    first = (tmp_path / "run" / "results.json").read_bytes()
    assert main([*counting[:3], str(tmp_path / "other"), *counting[4:]]) == 0
    assert (tmp_path / "other" / "results.json").read_bytes() == first


def test_what_must_hold_and_does_not_is_an_error(counting, capsys):
    assert main([*counting, "--least", "1.5"]) == 1
    assert "does not hold: counted" in capsys.readouterr().out


def test_another_request_in_the_same_folder_is_refused(counting, tmp_path, capsys):
    assert main(counting) == 0
    assert "--seeds is None there, not 4" in error_line(capsys, [*counting, "--seeds", "4"])
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    assert "holds no study" in error_line(capsys, [*counting[:3], str(tmp_path / "taken")])


def test_a_folder_in_use_is_left_as_it_is(counting, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    with FolderLock(tmp_path / "run" / ".lock"):
        assert "is in use by another process" in error_line(capsys, counting)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_damaged_piece_is_named(counting, tmp_path, capsys):
    assert main(counting) == 0
    (tmp_path / "run" / "pieces" / "seed1.json").write_text("{")
    assert "delete it to do that piece again" in error_line(capsys, counting)


def test_bad_requests_are_one_line(counting, tmp_path, capsys):
    assert "did you mean 'counting'" in error_line(capsys, ["reproduce", "countin"])
    assert "--seeds is 0" in error_line(capsys, [*counting, "--seeds", "0"])
    assert "is missing or not writable" in error_line(capsys, [*counting, "--json", str(tmp_path / "no" / "x.json")])


def test_help_has_studies_and_examples(counting, capsys):
    assert main(["reproduce", "--help"]) == 0
    assert "counting" in capsys.readouterr().out
    assert main(["reproduce"]) == 0
    assert "counting" in capsys.readouterr().out
    assert main(["reproduce", "counting", "--help"]) == 0
    out = capsys.readouterr().out
    assert "hideseek reproduce counting --quick" in out and "--run-dir" in out


@pytest.mark.parametrize(
    "low, high, words, holds", [(0.4, float("inf"), "at least 0.40", True), (0.6, 0.7, "0.60 to 0.70", False)]
)
def test_a_result_says_what_counts(low, high, words, holds):
    result = Result(what="x", values=[0.25, 0.75], low=low, high=high)
    assert result.criterion == words and result.holds is holds
    assert result.verdict == ("reproduced" if holds else "not reproduced")
    assert Result(what="x", values=[1.0]).holds is None
