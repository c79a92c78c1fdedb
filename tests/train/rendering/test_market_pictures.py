"""Pictures of the Trading Game: day, night, the fire, and what is in the bags, as films and viewer draw them."""

import dataclasses

import numpy as np
import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import generate
from envs.options.scenario_options import TradeOptions
from envs.scenarios import get
from envs.scene import build
from train.play.episodes import Recorder
from train.rendering.annotations import DrawOptions
from train.rendering.renderer import WorldRenderer

MARKET = get("trade/full", hiders=2, trade=TradeOptions(patches="none", begins="dusk", goods=2.5))


@pytest.fixture(scope="module")
def draw():
    """Draws a moment from above, 120 x 120."""
    try:
        renderer = WorldRenderer(build(MARKET), 120, 120)
    except UserError as error:
        pytest.skip(str(error))
    yield lambda moment: renderer.draw(moment, DrawOptions(camera="top", shadows=False)).astype(float)
    renderer.close()


@pytest.fixture(scope="module")
def night():
    """Moments of a night in which nobody moves; agent 0 puts fruit down at its third step."""
    env, layout = BatchEnv(MARKET, 1, threads=1), generate(MARKET, np.random.default_rng(0))
    env.reset(layout)
    recorder = Recorder(env, layout, 0)
    for step in range(12):
        actions = torch.tensor(MARKET.no_action).repeat(1, 2, 1)
        actions[0, 0, 5] = 2 if step == 2 else 0
        recorder.add(actions, env.advance(actions))
    env.close()
    episode = recorder.finish()
    return [episode.moment(step) for step in range(13)]


def test_nights_are_dark_but_at_the_fire(draw, night):
    dusk, midnight = draw(night[0]), draw(night[12])
    assert midnight.mean() < 0.6 * dusk.mean()
    noon = draw(dataclasses.replace(night[0], daylight=1.0))
    assert dusk.mean() < 0.9 * noon.mean()
    middle, corner = midnight[40:80, 40:80], midnight[:12, :12]
    assert middle.mean() > 2 * corner.mean()
    assert middle[..., 0].mean() > 1.3 * middle[..., 2].mean()  # Firelight is warm.


def test_bags_and_offers_are_shown(draw, night):
    """Without the marks there is neither red nor green; who has eaten shows less."""

    def red(picture):
        return int(((picture[..., 0] > 1.8 * picture[..., 1]) & (picture[..., 0] > 1.8 * picture[..., 2])).sum())

    lit = [dataclasses.replace(moment, daylight=1.0) for moment in (night[2], night[3], night[12])]
    bare = dataclasses.replace(lit[0], game=[])
    assert red(draw(bare)) < red(draw(lit[0])) and red(draw(lit[2])) < red(draw(lit[0]))
    assert len(lit[1].game) > len(lit[0].game)  # The frame around what lies on the floor.
    assert not np.array_equal(draw(lit[0]), draw(lit[1]))
