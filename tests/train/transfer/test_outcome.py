"""What is concluded from scores: intervals and verdicts, by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from tests.train.transfer.small import SOURCE
from train.config.task_presets import TRANSFER_TASKS
from train.transfer.figures import _together
from train.transfer.outcome import Outcome, RunOutcome, over_episodes, training_curve
from train.transfer.study_plan import Request, StudyPlan, Unit
from train.transfer.study_report import SCORES, _task, result_cells, verdicts

REQUEST = Request(
    checkpoint="hider",
    tasks=("shelter",),
    starts=("scratch", "hide-and-seek"),
    counts_from=None,
    checkpoints=None,
    seeds=1,
    preset="small",
    scale=1.0,
    episodes=4,
    device="cpu",
)


def outcome(scores, task="shelter", seeds=1):
    """An outcome of runs with given scores: start -> one list of episodes for each seed."""
    statistic = TRANSFER_TASKS[task].score
    request = dataclasses.replace(REQUEST, tasks=(task,), seeds=seeds)
    plan = StudyPlan(None, request, {}, {}, {})
    nothing = (np.empty(0), np.empty(0))
    runs = [
        RunOutcome(
            Unit(task, start, seed),
            {statistic: np.array(episodes, dtype=float)},
            np.arange(len(episodes)),
            {statistic: nothing},
        )
        for start, several in scores.items()
        for seed, episodes in enumerate(several)
    ]
    return Outcome(plan, runs)


def test_over_seeds_is_students_t():
    """Means 1, 2, 6: mean 3, standard error sqrt(7 / 3), t(0.975, 2) = 4.302653."""
    score = outcome({"scratch": [[1, 1], [2, 2], [5, 7]]}, seeds=3).score("shelter", "scratch")
    half = 4.302653 * (7 / 3) ** 0.5
    assert (score.value, score.low, score.high) == pytest.approx((3.0, 3 - half, 3 + half), abs=1e-5)


def test_shares_stay_shares():
    found = outcome({"scratch": [[0, 1], [1, 1]]}, "lock-and-return", 2)
    score = found.score("lock-and-return", "scratch")
    assert (score.value, score.low, score.high) == (0.75, 0.0, 1.0)


def test_over_episodes_of_successes_is_wilsons():
    """0 of 10: from 0 to z^2 / (n + z^2) = 3.8415 / 13.8415."""
    score = over_episodes(np.zeros(10))
    assert (score.value, score.low) == (0.0, 0.0) and score.high == pytest.approx(0.27753, abs=1e-4)


def test_difference_over_seeds_is_welchs():
    """Means 1, 2, 3 and 11, 12, 13: 10 apart, standard error sqrt(2/3), 4 degrees of freedom, t = 2.776445."""
    found = outcome({"hide-and-seek": [[11], [12], [13]], "scratch": [[1], [2], [3]]}, seeds=3)
    difference = found.difference("shelter", "hide-and-seek", "scratch")
    half = 2.776445 * (2 / 3) ** 0.5
    assert (difference.value, difference.low, difference.high) == pytest.approx((10, 10 - half, 10 + half), abs=1e-5)


@pytest.mark.parametrize(
    "mine, theirs, word",
    [
        ([10, 11, 10, 11], [20, 20, 21, 20], "better"),  # Fewer rays are better.
        ([20, 20, 21, 20], [10, 11, 10, 11], "worse"),
        ([10, 20, 10, 20], [20, 10, 20, 10], "no clear difference"),
    ],
)
def test_verdict_of_a_score_that_should_be_low(mine, theirs, word):
    (line,) = verdicts(outcome({"hide-and-seek": [mine], "scratch": [theirs]}))
    assert line.startswith(f"**shelter**: hide-and-seek against scratch: **{word}**")


def test_verdict_of_a_score_that_should_be_high():
    scores = {"hide-and-seek": [[1, 1, 1, 1]], "scratch": [[0, 0, 0, 0]]}
    (line,) = verdicts(outcome(scores, "blueprint"))
    assert "**better** (final completed +1.00" in line


def test_what_is_missing_is_a_dash_and_no_verdict():
    found = outcome({"scratch": [[1, 2]]})
    assert verdicts(found) == []
    score = TRANSFER_TASKS["shelter"].score
    assert result_cells(found)[1] == ["shelter", f"{score}, lower is better", "-", "1.50 [1.00, 2.00]", "-"]


def test_every_score_is_explained():
    assert {task.score for task in TRANSFER_TASKS.values()} <= {*SCORES}


def test_iterations_with_few_episodes_are_no_part_of_a_curve():
    """The first ones of staggered worlds, which have only a few whole episodes."""
    numbers = [(1, 0.5), (40, 0.1), (38, None), (10, 0.2), (9, 0.9)]
    lines = [{"env_steps": 100.0 * i, "charts/episodes": n, "stats/completed": v} for i, (n, v) in enumerate(numbers)]
    steps, values = training_curve(lines, "completed")
    assert (steps.tolist(), values.tolist()) == ([100.0, 300.0], [0.1, 0.2])


def test_only_episodes_of_the_same_layout_are_pairs():
    """Physics broke on layout 1 of the first run: pairs are those of layouts 0 and 2."""
    found = outcome({"scratch": [[1, 2, 9]], "hide-and-seek": [[4, 100, 6]]})
    runs = [dataclasses.replace(found.runs[0], layouts=np.array([0, 2, 3]), diverged=1), found.runs[1]]
    found = dataclasses.replace(found, runs=runs)
    assert found.difference("shelter", "hide-and-seek", "scratch").value == ((4 - 1) + (6 - 2)) / 2


def test_what_broken_physics_costs_is_said():
    found = outcome({"scratch": [[1, 2]], "hide-and-seek": [[4, 6]]})
    plan = dataclasses.replace(found.plan, configs={"shelter": SOURCE})
    runs = [dataclasses.replace(run, diverged=diverged) for run, diverged in zip(found.runs, (1, 2), strict=True)]
    assert "broke" not in _task(Outcome(plan, found.runs), "shelter")[0]
    line = "Physics broke in 3 further episodes, which are in no score and no comparison."
    assert _task(Outcome(plan, runs), "shelter")[0].endswith(line)


def test_curves_of_a_figure_end_with_the_shortest():
    runs = [
        SimpleNamespace(curve=(np.array([0.0, 10.0, 20.0]), np.array([0.0, 1.0, 2.0]))),
        SimpleNamespace(curve=(np.array([0.0, 5.0]), np.array([4.0, 2.0]))),
    ]
    steps, values = _together(runs)
    assert steps.tolist() == [0.0, 5.0] and values.tolist() == [[0.0, 0.5], [4.0, 2.0]]
