"""The grid version of the Trading Game: numbers worked out by hand, and the plateaus of the paper's figures."""

import pytest

from tests.envs.games.trading_grid import DAY, TradingGrid, forager, trader

EPISODES = 20


def play(bot):
    return [TradingGrid(seed).run(bot) for seed in range(EPISODES)]


def mean(worlds, number):
    return sum(map(number, worlds)) / len(worlds)


def test_light():
    """Noon, dusk and midnight, at the fire, beside it, two cells and three cells away."""
    world = TradingGrid(0)
    places = ((5, 5), (4, 5), (3, 5), (2, 5))
    world.tick = DAY // 2
    assert [world.light(place) for place in places] == [1, 1, 1, 1]
    world.tick = DAY
    assert [world.light(place) for place in places] == [0, 0, 0, 0]  # The fire counts by night alone.
    world.tick = DAY + 1
    assert [world.light(place) for place in places] == pytest.approx([1 / 6, 0, -1 / 12, -1 / 12])
    world.tick = 3 * DAY // 2
    assert [world.light(place) for place in places] == pytest.approx([1 / 6, 0, -1 / 6, -1])


def test_a_pile_feeds_for_nine_ticks():
    """Agent 0 picks a unit, 10 tenths: after eating it holds 9, 8, ..., and a tenth is enough to count."""
    world = TradingGrid(0)
    world.ground = {((4, 4), 0): {-1: 10}}
    world.run(lambda world, agent: "pick fruit" if (agent, world.tick) == (0, 0) else "none")
    dark = world.penalty
    assert world.collected == 1.0 and world.reward - dark == pytest.approx(1.0 + 9 * 0.1)
    assert dark == 0  # All stand where they began, within the fire's light.


def test_later_turns_see_earlier_ones():
    """Agent 1 takes in the same tick what agent 0 has dropped on the cell on which both stand."""
    world = TradingGrid(0)
    world.place[1], world.bag[0][0] = world.place[0], 8
    world.tick = 179
    world.run(lambda world, agent: ("place fruit", "pick fruit", "none", "none")[agent])
    assert world.bag[0][0] == 2 and world.bag[1][0] == 4  # Both have eaten a tenth.
    assert world.exchanged[0][1] == [5, 0] and world.total_exchanged() == 0.5
    assert world.collected == 0  # What somebody dropped is not fresh.


def test_plateau_without_trade():
    """The paper's first equilibrium, a total reward of about 140; 147 with other bots of this kind."""
    worlds = play(forager)
    assert mean(worlds, lambda w: w.reward) == pytest.approx(147, rel=0.03)
    assert mean(worlds, lambda w: w.collected) == pytest.approx(78, rel=0.03)
    assert mean(worlds, lambda w: w.penalty) == 0 and mean(worlds, TradingGrid.total_exchanged) == 0


def test_plateau_with_three_swaps_a_night():
    """About 271, and 10.8 + 10.6 units exchanged in four nights; the last one ends at midnight."""
    worlds = play(trader)
    assert mean(worlds, lambda w: w.reward) == pytest.approx(271, rel=0.03)
    assert mean(worlds, TradingGrid.total_exchanged) == pytest.approx(21.4, rel=0.03)
    assert mean(worlds, lambda w: w.penalty) == 0
