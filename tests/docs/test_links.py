"""Links between pages lead somewhere, questions are answered within two clicks, and pages stay within their width."""

import re

import pytest

from tests.docs.pages import NAMES, PAGES, README, ROOT, anchors, links, prose

CODE = [file for folder in ("assets", "envs", "policies", "train", "tests") for file in (ROOT / folder).rglob("*.py")]
WIDTH, TABLE_WIDTH = 120, 140
QUESTIONS = {
    "where is the PPO loss": "train/learning/ppo.py",
    "the hide-and-seek reward": "envs/games/hide_and_seek.py",
    "what column 7 of the box observation is": "docs/observations.md",
    "what --ppo.gamma means, and its default": "train/config/ppo_config.py",
    "how is a lock decided": "envs/manipulation.py",
    "where does an episode's layout come from": "envs/layouts/stream.py",
    "how do I add a game": "CONTRIBUTING.md",
}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings(name):
    for path, anchor in links(ROOT / name):
        assert path.is_relative_to(ROOT) and path.exists(), f"{name} links to {path}"
        if anchor:
            assert anchor in anchors(path), f"{name} links to #{anchor} of {path.name}"


@pytest.mark.parametrize("name", NAMES)
def test_files_that_pages_name_exist(name):
    for path in re.findall(r"`((?:assets|envs|policies|train|tests|docs)/[\w/.]+)`", prose(ROOT / name)):
        recipe = name == "CONTRIBUTING.md" and ("touch" in path or "NAME" in path)
        assert recipe or (ROOT / path).exists(), f"{name} names {path}"


def test_pages_that_code_names_exist():
    named = {(file, page) for file in CODE for page in re.findall(r"docs/[\w/]+\.md", file.read_text())}
    assert named
    for file, page in named:
        assert (ROOT / page).exists(), f"{file} names {page}"


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_two_clicks_from_the_readme(question):
    first = {path for path, _ in links(README)}
    second = {path for page in first if page.suffix == ".md" for path, _ in links(page)}
    assert ROOT / QUESTIONS[question] in first | second


def test_every_page_is_in_the_index():
    index = {path for path, _ in links(ROOT / "docs" / "README.md")}
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs") and page.name != "README.md"}
    assert pages <= index


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit(name):
    for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
        limit = TABLE_WIDTH if line.startswith("|") else WIDTH
        assert len(line) <= limit, f"{name}, line {number} has {len(line)} columns"
