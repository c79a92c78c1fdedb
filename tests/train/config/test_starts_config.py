"""Options of start states that cannot be together."""

import dataclasses

import pytest

from envs.errors import UserError
from train.config.presets import get_preset
from train.config.starts_config import StartsConfig
from train.config.trade_presets import LITE
from train.config.train_config import validate

QUICK = get_preset("quickstart")
ROLLOUT, HORIZON = QUICK.ppo.rollout_steps, QUICK.scenario.horizon
HALF = {"share": 0.5, "scripts": ("blocker",)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"share": 1.0}, r"share is 1; it must be below 1"),
        ({"share": 0.5, "draw": "backwards"}, "name some with --starts.scripts"),
        ({"share": 0.5, "every": 0}, "every is 0, so no state would be kept"),
        ({"share": 0.5, "every": min(ROLLOUT, HORIZON)}, "so no state would be kept"),
        ({**HALF, "size": 3999}, "script-states is 2000; it must be at most half of --starts.size 3999"),
    ],
)
def test_refused(options, said):
    with pytest.raises(UserError, match=said):
        validate(dataclasses.replace(QUICK, starts=StartsConfig(**options)))


@pytest.mark.parametrize(
    "options",
    [
        {"every": 0, "size": 100},  # Nothing is kept at all.
        {"share": 0.5, "every": min(ROLLOUT, HORIZON) - 1},
        {"share": 0.5, "size": 100},
        {**HALF, "every": 0, "size": 4000},
    ],
)
def test_possible(options):
    assert validate(dataclasses.replace(QUICK, starts=StartsConfig(**options)))


def test_episodes_shorter_than_a_rollout():
    short = dataclasses.replace(QUICK, scenario=dataclasses.replace(QUICK.scenario, horizon=10))
    with pytest.raises(UserError, match="it must be above 0 and below 10"):
        validate(dataclasses.replace(short, starts=StartsConfig(share=0.5)))


def test_no_neighbours_where_a_game_has_a_clock_of_its_own():
    with pytest.raises(UserError, match=r"neighbours is 16; clocks of trade cannot go back"):
        validate(dataclasses.replace(LITE, starts=StartsConfig(share=0.5)))
    assert validate(dataclasses.replace(LITE, starts=StartsConfig(share=0.5, neighbours=0)))
