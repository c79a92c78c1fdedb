"""Every scripted strategy is told, and no other."""

import pytest

from tests.train.stages.scripts import FULL_SCRIPTS, QUADRANT_SCRIPTS, confusion


def check(scripts, episodes, told, mistaken, by_chance):
    """Shares of episodes: at least ``told`` for a script's own strategy, at most ``mistaken`` for every other.

    Random play may be taken for a strategy ``by_chance``: its boxes do end up in doors now and then.
    """
    result = confusion(scripts, episodes)
    print(f"\n{result}")
    for script, strategy, shares in result.rows:
        for detector, share in zip(result.detectors, shares, strict=True):
            if detector == strategy:
                assert share >= told, f"{script}: {detector} told in {share:.0%} of {episodes} episodes"
            else:
                limit = by_chance if strategy == "random play" else mistaken
                assert share <= limit, f"{script}: taken for {detector} in {share:.0%} of {episodes} episodes"


@pytest.mark.parametrize("script", FULL_SCRIPTS + QUADRANT_SCRIPTS, ids=lambda script: script.__name__)
def test_strategies_are_told_apart(script):
    check([script], episodes=6, told=0.8, mistaken=0.2, by_chance=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [FULL_SCRIPTS, QUADRANT_SCRIPTS], ids=["full", "quadrant"])
def test_strategies_are_told_apart_in_a_hundred_episodes(scripts):
    check(scripts, episodes=100, told=0.95, mistaken=0.05, by_chance=0.1)
