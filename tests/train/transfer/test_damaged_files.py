"""A study's files from strangers: what is wrong with them is one line, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.errors import UserError
from tests.damage import JSON, changed, examples, read_or_refuse
from train.config.task_presets import task_config
from train.support.json_data import to_plain
from train.transfer.outcome import read_run
from train.transfer.study_plan import Request, StudyPlan, Unit, read_plan, write_plan
from train.transfer.study_report import _weights

TASKS = ("object-counting", "shelter")
REQUEST = Request(
    checkpoint="hider",
    tasks=TASKS,
    starts=("scratch", "hide-and-seek"),
    counts_from=None,
    checkpoints=None,
    seeds=1,
    preset="small",
    scale=1.0,
    episodes=4,
    device="cpu",
)
POINT = {"accuracy": 0.5, "episodes": 64, "steps_since_vanished": 5}
RESULTS = {
    "shelter": {"statistics": {"rays_at_end": [3.0, 4.0, 5.0, 6.0], "return": [0.0, 1.0, 2.0, 3.0]}},
    "object-counting": {
        "statistics": {"accuracy": [0.5, 1.0, 0.0, 0.5]},
        "counting": {"chance": 0.2, "curve": [POINT], "by_time": [POINT], "confusion": [[1, 2], [3, 4]]},
    },
}
WEIGHTS = {"from": "x", "copied": ["a"], "reinitialised": [], "new": ["b"], "left_out": []}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    configs = {task: task_config(task, "small") for task in TASKS}
    plan = StudyPlan(
        tmp_path_factory.mktemp("study"), REQUEST, configs, {"hide-and-seek": "hider"}, {"hide-and-seek": 9}
    )
    write_plan(plan, {})
    return plan


def test_what_was_written_is_read(plan):
    assert read_plan(plan.path) == plan
    for task, result in RESULTS.items():
        unit = write_result(plan, task, result)
        assert read_run(plan, unit).score.mean() == pytest.approx({"shelter": 4.5, "object-counting": 0.5}[task])


@examples(120)
@given(st.data())
def test_plans(plan, data):
    file = plan.path / "plan.json"
    whole = file.read_text()
    try:
        file.write_text(json.dumps(data.draw(JSON | changed(json.loads(whole)))))
        read = read_or_refuse(read_plan, plan.path)
    finally:
        file.write_text(whole)
    if read is not None:
        assert all(read.configs[unit.task] for unit in read.units) and read.starts


def write_result(plan, task, result):
    unit = Unit(task, "scratch", 0)
    plan.run_folder(unit).path.mkdir(parents=True, exist_ok=True)
    plan.result_file(unit).write_text(json.dumps(result))
    return unit


@examples(120)
@given(st.sampled_from(TASKS), st.data())
def test_results(plan, task, data):
    unit = write_result(plan, task, data.draw(JSON | changed(RESULTS[task])))
    run = read_or_refuse(read_run, plan, unit)
    assert run is None or (run.score.ndim == 1 and len(run.score))


@examples(60)
@given(st.data())
def test_weights(plan, data):
    unit = Unit("shelter", "scratch", 0)
    plan.run_folder(unit).path.mkdir(parents=True, exist_ok=True)
    plan.weights_file(unit).write_text(json.dumps(data.draw(JSON | changed(WEIGHTS))))
    read_or_refuse(_weights, plan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tasks": ["chess"]}, "unknown task 'chess'"),
        ({"starts": ["nowhere"]}, "unknown start 'nowhere'"),
        ({"seeds": 0}, "'seeds' is 0; it must be at least 1"),
        ({"scale": "Infinity"}, "'scale' is inf; it must be finite"),
        ({"tasks": ["blueprint"]}, "says nothing of 'blueprint'"),
    ],
)
def test_what_is_wrong_with_a_plan_is_named(plan, change, said):
    file = plan.path / "plan.json"
    whole = file.read_text()
    try:
        plain = json.loads(whole)
        file.write_text(json.dumps(plain | {"request": to_plain(REQUEST) | change}))
        with pytest.raises(UserError, match=said):
            read_plan(plan.path)
    finally:
        file.write_text(whole)
