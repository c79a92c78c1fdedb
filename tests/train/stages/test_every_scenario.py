"""Every detector on every scenario that has stages: two steps of random play each."""

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.layouts import LayoutStream
from envs.options.scenario_options import CylinderOptions
from envs.scenarios import SCENARIOS, get
from train.play.players import RandomPlayer
from train.stages.strategies import strategies_of
from train.stages.trace import play_trace

WORLDS = 6
CYLINDERS = CylinderOptions(fixed=2, movable=1, diameter=(0.4, 0.6))
PLAIN = [(name, {}) for name, scenario in SCENARIOS.items() if scenario.game == "hide_and_seek"]
VARIANTS = [
    ("hide-and-seek/full", {"tilting_boxes": True}),
    ("hide-and-seek/full", {"cylinders": CYLINDERS}),
    ("hide-and-seek/full", {"seekers": 0}),
    ("hide-and-seek/full", {"boxes": (0, 0), "elongated_boxes": (0, 0), "ramps": 0}),
    ("hide-and-seek/quadrant", {"cylinders": CYLINDERS, "hiders": 3, "seekers": 3, "random_team_sizes": True}),
    ("hide-and-seek/cylinders", {"boxes": (0, 3), "hiders": 3, "seekers": 3, "random_team_sizes": True}),
]


@pytest.mark.parametrize(("name", "changes"), PLAIN + VARIANTS, ids=lambda value: str(value))
def test_every_detector_answers(name, changes):
    scenario = get(name, horizon=2, **changes)
    env = BatchEnv(scenario, WORLDS, threads=1)
    player = RandomPlayer(env.action_bins, seed=0)
    player.begin(env)
    trace = play_trace(env, LayoutStream(scenario, 0, WORLDS).draw(torch.arange(WORLDS)), player)
    env.close()
    for strategy, detector in strategies_of(scenario).items():
        told = detector(trace)
        assert told.shape == (WORLDS,) and told.dtype == torch.bool, strategy


def test_the_score_is_of_the_hiders_that_take_part():
    """Rewards are +-1, so that their mean over who is there is +-1 in every live step."""
    scenario = get("hide-and-seek/random-teams", horizon=3, preparation_fraction=0.0)
    env = BatchEnv(scenario, 8, threads=1)
    player = RandomPlayer(env.action_bins, seed=0)
    player.begin(env)
    layout = LayoutStream(scenario, 0, 8).draw(torch.arange(8))
    assert not layout.agent_present[:, : scenario.hiders].all(1).all()
    score = play_trace(env, layout, player).score
    env.close()
    assert torch.equal(score.diff(dim=1).abs(), torch.ones(8, 3))
