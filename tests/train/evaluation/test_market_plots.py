"""What ``hideseek stats`` shows of the Trading Game."""

import dataclasses

import imageio.v3 as iio
import numpy as np
import pytest

from envs.batch_env import BatchEnv
from envs.scenarios import get
from train.cli import main
from train.evaluation import behaviour_plots, market_plots
from train.play.episode_files import save_episodes
from train.play.episodes import EpisodePlayer
from train.play.scripted import ScriptedPlayer

_FULL = get("trade/full", hiders=2, horizon=32)
MARKET = dataclasses.replace(_FULL, trade=dataclasses.replace(_FULL.trade, patches="none", begins="dusk", goods=3.0))
"""A pair for a night and a third of a day, which brings goods: it swaps three times."""


@pytest.fixture(scope="module")
def episodes():
    env = BatchEnv(MARKET, 1, threads=1)
    player = EpisodePlayer(env, ScriptedPlayer("trader", MARKET, 1.0, 0), 0, "traders")
    played = [player.play() for _ in range(2)]
    env.close()
    return played


def test_stats_draws_the_market(episodes, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    save_episodes(tmp_path / "a.npz", episodes)
    assert main(["stats", str(tmp_path / "a.npz"), "-o", str(tmp_path / "plots")]) == 0
    drawn = {path.stem: iio.imread(path) for path in (tmp_path / "plots").iterdir()}
    assert {"market", "deals"} <= set(drawn)
    assert all(picture.std() > 5 for picture in drawn.values())


def test_hauled_food_is_no_box():
    """The plots of paths and distances leave it out: it jumps when it is eaten, and at dawn."""
    scenario = get("trade/haul", horizon=6)
    env = BatchEnv(scenario, 1, threads=1)
    episode = EpisodePlayer(env, ScriptedPlayer("forager", scenario, 1.0, 0), 0, "foragers").play()
    assert [name for name, _, _ in behaviour_plots._kinds(episode)] == ["hiders"]
    assert len(episode.moment(0).game) == 4  # The sides of the square at the fire: food has bodies, which are drawn.


def test_what_changed_hands(episodes):
    """Three swaps of half a unit each way; nothing at the start, and nothing that agents took back themselves."""
    units = market_plots._to_others(episodes[0])
    assert units.shape == (33, 2, 2, 2) and not units[0].any()
    assert units[-1, 0, 1].tolist() == [1.5, 0.0] and units[-1, 1, 0].tolist() == [0.0, 1.5]
    given = episodes[0].states["game.trade/given"].copy()
    given[:, 0, 0] = 7.0
    changed = dataclasses.replace(episodes[0], states=episodes[0].states | {"game.trade/given": given})
    assert np.array_equal(market_plots._to_others(changed), units)
