"""docs/options.md says for every group of options which file has it."""

import dataclasses
import inspect
import re

import pytest

from envs.scenarios import QUADRANT
from tests.docs.pages import ROOT
from train.config.presets import get_preset
from train.config.train_config import TrainConfig

PAGE = (ROOT / "docs" / "options.md").read_text()
GROUPS = {name: value for name, value in vars(TrainConfig()).items() if dataclasses.is_dataclass(value)}


@pytest.mark.parametrize("group", GROUPS)
def test_the_row_of_a_group_links_to_its_class(group):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `--{group}.*`"))
    assert f"`{type(GROUPS[group]).__name__}`" in row
    file = ROOT / "docs" / re.search(r"\((\S+)\)", row)[1]
    assert file.resolve() == ROOT / inspect.getfile(type(GROUPS[group]))


def test_groups_within_the_scenario_are_in_the_linked_file():
    groups = [value for value in vars(QUADRANT).values() if dataclasses.is_dataclass(value)]
    assert groups
    for group in groups:
        assert inspect.getfile(type(group)) == str(ROOT / "envs" / "options" / "scenario_options.py")
    assert "(../envs/options/scenario_options.py)" in PAGE


def test_every_field_says_what_it_means():
    """A string stands under each."""
    for kind in {TrainConfig, *(type(value) for value in GROUPS.values())}:
        source = inspect.getsource(kind)
        for field in dataclasses.fields(kind):
            assert re.search(rf'^    {field.name}: .*\n    """', source, re.MULTILINE), f"{kind.__name__}.{field.name}"


def test_the_example_is_true():
    text = " ".join(PAGE.split())
    assert f"`gamma` is {TrainConfig().ppo.gamma}, and {get_preset('quickstart').ppo.gamma} in the quickstart" in text
