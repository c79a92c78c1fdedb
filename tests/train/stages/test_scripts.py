"""Every scripted strategy is told, and no other."""

import pytest

from tests.train.stages.confusion import confusion, play
from tests.train.stages.scripts import (
    FULL_SCRIPTS,
    QUADRANT_SCRIPTS,
    QuadrantBlockDoor,
    QuadrantBringRamp,
    QuadrantChase,
    QuadrantClimbRamp,
)
from train.stages.film import to_footage
from train.stages.strategies import strategies_of
from train.stages.study import Example


def includes(strategy):
    return {strategy, "shelter"} if strategy == "door blocking" else {strategy}


def check(scripts, episodes, told, mistaken, by_chance):
    """Shares of episodes: at least ``told`` for a script's own strategy, at most ``mistaken`` for every other.

    Random play may be taken for a strategy ``by_chance``: its boxes do end up in doors now and then. A blocked door is
    a shelter as well.
    """
    result = confusion(scripts, episodes)
    print(f"\n{result}")
    for script, strategy, shares in result.rows:
        for detector, share in zip(result.detectors, shares, strict=True):
            if detector in includes(strategy):
                assert share >= told, f"{script}: {detector} told in {share:.0%} of {episodes} episodes"
            else:
                limit = by_chance if strategy == "random play" else mistaken
                assert share <= limit, f"{script}: taken for {detector} in {share:.0%} of {episodes} episodes"


@pytest.mark.parametrize("script", FULL_SCRIPTS + QUADRANT_SCRIPTS, ids=lambda script: script.__name__)
def test_strategies_are_told_apart(script):
    check([script], episodes=6, told=0.8, mistaken=0.2, by_chance=0.5)


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        (QuadrantChase, 0.15),
        (QuadrantBlockDoor, 0.15),
        (QuadrantClimbRamp, 0.15),
        (QuadrantBringRamp, 0.15),
        (QuadrantClimbRamp, 0.3),  # Over the wall between two decisions.
    ],
)
def test_strategies_are_told_apart_when_decisions_are_rare(script, seconds):
    trace = play(script, episodes=6, substeps=round(seconds / 0.0075), timestep=0.0075, horizon=round(6.0 / seconds))
    shares = {name: float(tell(trace).float().mean()) for name, tell in strategies_of(trace.scenario).items()}
    told = [shares.pop(name) for name in includes(script.name)]
    assert min(told) >= 0.8 and max(shares.values()) <= 0.2


def test_a_film_shows_every_decision_once():
    trace = play(QuadrantClimbRamp, episodes=1, substeps=30, horizon=12)
    assert trace.pose.shape[1] == 1 + 2 * 12
    footage = to_footage(Example(trace, None, 0))
    assert len(footage.moments) == len(footage.seen) == len(footage.hiders_score) == 1 + 12
    assert [seen is None for seen in footage.seen] == [step <= 4 for step in range(13)]
    assert footage.moments[-1].pose.tolist() == trace.pose[0, -1].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [FULL_SCRIPTS, QUADRANT_SCRIPTS], ids=["full", "quadrant"])
def test_strategies_are_told_apart_in_a_hundred_episodes(scripts):
    check(scripts, episodes=100, told=0.95, mistaken=0.05, by_chance=0.1)
