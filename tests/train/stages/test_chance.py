"""When a strategy counts as found: more often than by chance, however many checkpoints are looked at."""

import pytest
import torch

from train.stages.chance import ALPHA, BROKEN, holm, outcomes, sign_test


def told(*values):
    return torch.tensor(values, dtype=torch.int8)


def test_only_pairs_that_differ_count():
    """Told three times where random play did not and once the other way round: P(3 or 4 of 4) = 5 / 16."""
    assert sign_test(told(1, 1, 1, 0, 1, 0, 0), told(0, 0, 0, 1, 1, 0, 0)) == pytest.approx(5 / 16)
    assert sign_test(told(1, 0), told(1, 0)) == 1.0


def test_broken_episodes_are_in_no_pair():
    assert sign_test(told(1, BROKEN, 1), told(0, 0, BROKEN)) == pytest.approx(0.5)
    counted = torch.tensor([True, True, False])
    assert outcomes(torch.tensor([True, False, True]), counted).tolist() == [1, 0, BROKEN]


def test_holm():
    """Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1, and never falling."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0]) and holm([]) == []


def reports(shares, chance, number=400, episodes=100):
    """The share of reports over checkpoints with these true shares that find something."""
    generator = torch.Generator().manual_seed(0)

    def draw(share):
        return (torch.rand(episodes, generator=generator) < share).to(torch.int8)

    found = 0
    for _ in range(number):
        by_chance = draw(chance)
        found += min(holm([sign_test(draw(share), by_chance) for share in shares])) <= ALPHA
    return found / number


def test_chance_is_rarely_found():
    """20 checkpoints that enclose themselves as often as random play does, in 5 % of episodes."""
    assert reports([0.05] * 20, 0.05) <= ALPHA


def test_what_is_played_is_found():
    assert reports([0.05] * 19 + [0.4], 0.05, number=100) == 1.0
    assert reports([0.2], 0.0, number=100) == 1.0
