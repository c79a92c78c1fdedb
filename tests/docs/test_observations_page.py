"""docs/observations.md says of every column what is in it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from envs.observations import spec
from envs.scenarios import FULL, QUICKSTART
from tests.envs.test_observations import Made

PAGE = (Path(__file__).parents[2] / "docs" / "observations.md").read_text()
SCENARIOS = {"full": FULL, "quick": QUICKSTART, "tilting": replace(FULL, tilting_boxes=True)}
ABOUT_X, ABOUT_Y, YAW = 4, 5, 3
"""Where the angles are in a pose."""


def columns(kind, scenario):
    """What the page says of a kind in a scenario: content of every column, by its number."""
    section = re.split(r"^## ", PAGE.split(f"\n## {kind}\n")[1], flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    place = rows[0].index(scenario)
    return {int(row[place]): row[0] for row in rows[2:] if row[place]}


@pytest.fixture(scope="module", params=SCENARIOS)
def made(request):
    return request.param, SCENARIOS[request.param], Made(SCENARIOS[request.param])


def expected(content, scenario, made, world, observer, entity):
    """What a column holds, worked out from the inputs of the observer."""
    pose, velocity = made.pose[world, entity], made.velocity[world, entity]
    item = entity - scenario.num_agents
    team = lambda agent: agent < scenario.hiders  # noqa: E731
    ahead = pose[:2] - made.pose[world, observer, :2]
    heading = made.pose[world, observer, YAW] - torch.pi / 2
    bearing = torch.atan2(ahead[1], ahead[0]) - heading
    locked, locker = (made.locks.locked[world, item], int(made.locks.locker[world, item])) if item >= 0 else (False, 0)
    values = {
        **{axis: pose[i] for i, axis in enumerate("xyz")},
        **{f"velocity {axis}": velocity[i] for i, axis in enumerate("xyz")},
        "yaw": pose[YAW],
        "cosine of yaw": pose[YAW].cos(),
        "sine of yaw": pose[YAW].sin(),
        "yaw rate": velocity[YAW],
        "zero": 0.0,
        "hider (1) or seeker (0)": team(entity),
        "share of the preparation phase that is over": min(float(made.steps[world]) / scenario.preparation_steps, 1.0),
        "locked": locked,
        "locked by the observer": locked and locker == observer,
        "locked by the observer's team": locked and team(locker) == team(observer),
        "ahead: cosine of the direction from the observer's heading": bearing.cos(),
        "left: sine of that direction": bearing.sin(),
    }
    if 0 <= item < scenario.max_boxes:
        values |= {f"full size {axis}": 2 * made.half[world, item, i] for i, axis in enumerate("xyz")}
    if scenario.tilting_boxes:
        for axis, i in (("x", ABOUT_X), ("y", ABOUT_Y)):
            values |= {
                f"cosine of the angle about {axis}": pose[i].cos(),
                f"sine of the angle about {axis}": pose[i].sin(),
            }
            values |= {f"rate about {axis}": velocity[i]}
    return float(values[content])


@pytest.mark.parametrize("kind", ["self", "agents", "boxes", "ramps"])
def test_columns(kind, made):
    name, scenario, made = made
    page = columns(kind, name)
    sizes = spec(scenario)
    features = sizes["self_features"] if kind == "self" else sizes["entities"][kind][1]
    assert sorted(page) == list(range(features))
    agents, world = scenario.num_agents, 1
    first = {"boxes": agents, "ramps": agents + scenario.max_boxes}
    for observer in range(agents):
        if kind == "self":
            row, entity = made.observation["self"][world, observer], observer
        else:
            row = made.observation[kind][world, observer, 0]
            entity = first.get(kind, (observer - 1) % agents)
        for column, content in page.items():
            wanted = expected(content, scenario, made, world, observer, entity)
            assert row[column].item() == pytest.approx(wanted, abs=1e-4), (kind, name, column, content)
