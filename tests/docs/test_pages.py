"""What the documentation shows runs."""

import re
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)

DOCS = Path(__file__).parents[2] / "docs"
NOT_RUN = "<!-- not run"


def blocks(page):
    """The Python blocks of a page, in order, without those marked as not run."""
    text = (DOCS / page).read_text()
    found = re.finditer(
        r"^(?P<mark><!-- not run.*?-->\n)?```python\n(?P<code>.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    return [match["code"] for match in found if not match["mark"]]


def statements(code):
    return [line for line in code.splitlines() if line.strip()]


@pytest.fixture
def registries():
    """Undo what the pages register."""
    from envs.scenarios import GAMES, SCENARIOS

    kept = [(table, dict(table)) for table in (GAMES, SCENARIOS)]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)


@pytest.mark.usefixtures("registries")
@pytest.mark.parametrize("page", ["../README.md", "api.md", "custom_scenarios.md"])
def test_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for number, code in enumerate(blocks(page)):
        exec(compile(code, f"{page}, block {number}", "exec"), names)
    if page == "custom_scenarios.md":
        assert (tmp_path / "runs" / "gather" / "config.json").exists()


def test_ten_lines_step_64_worlds():
    assert len(statements(blocks("api.md")[0])) == 10


def test_a_custom_scenario_takes_less_than_60_lines():
    assert max(len(statements(code)) for code in blocks("custom_scenarios.md")) < 60
