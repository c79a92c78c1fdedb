"""docs/results.md, its figure and README's table are those of docs/results/results.json."""

import copy
import json
import re

import pytest

from docs.results import arms
from docs.results.measure import DATA, STRATEGIES, measure
from docs.results.page import BEGIN, END, FIGURE, PAGE, README, draw, page, summary


@pytest.fixture
def data():
    return json.loads(DATA.read_text())


def between(text):
    """What README has between the two marks."""
    return text.partition(BEGIN)[2].partition(END)[0]


def test_the_page_says_what_the_data_says(data):
    assert PAGE.read_text() == page(data), "run python -m docs.results.page"


def test_the_numbers_of_readme_are_those_of_the_data(data):
    assert between(README.read_text()) == summary(data), "run python -m docs.results.page"
    first = data["quickstart"]["matches"][0]["seen"]
    row = re.search(
        r"^\| trained seekers, random hiders \| (\S+) \| (\S+) - (\S+) \|$", README.read_text(), re.MULTILINE
    )
    assert [float(number) for number in row.groups()] == [round(first[name], 2) for name in ("value", "low", "high")]


def test_another_number_is_another_text(data):
    other = copy.deepcopy(data)
    other["quickstart"]["ratios"]["seekers"]["value"] += 0.01
    assert summary(other) != summary(data)
    other = copy.deepcopy(data)
    other["strategies"][2]["players"]["door-blocking"]["hits"] += 1
    assert page(other) != page(data)


def test_the_figure_can_be_drawn(data, tmp_path):
    pytest.importorskip("matplotlib")
    draw(data, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes()[:4] == FIGURE.read_bytes()[:4] == b"\x89PNG"


def test_the_comparison_of_arms_is_what_its_data_says(tmp_path):
    told = json.loads(arms.DATA.read_text())
    rows = arms.table(told)
    assert len(rows) == len(arms.ARMS) * len(arms.SEEDS)
    text = (PAGE.parent / "emergence.md").read_text()
    assert "\n".join(rows) in text, "run python -m docs.results.arms and copy the table"
    pytest.importorskip("matplotlib")
    arms.draw(told, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes()[:4] == arms.FIGURE.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_measuring_gives_what_the_page_needs(data, capsys):
    """With two episodes of everything; the page is then written of other numbers."""
    small = measure(2, 2)
    assert small["quickstart"]["episodes"] == 2
    assert small["cross_play"]["seen"].keys() == data["cross_play"]["seen"].keys()
    assert [part["strategy"] for part in small["strategies"]] == [row[1] for row in STRATEGIES]
    assert page(small) != page(data)
