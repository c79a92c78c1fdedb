"""Backwards from success: where episodes begin, by hand."""

import pytest
import torch

from train.starts.border import UNKNOWN, Border

LEAD = torch.tensor([1, 2, 3, 4, 5, UNKNOWN, 4])


def settle(border, share, count=30, lead=None):
    won = torch.arange(count) < round(share * count)
    border.settle(torch.full((count,), border.reach if lead is None else lead), won, farthest=5)


def test_at_first_the_last_steps_before_the_goal():
    assert Border().weights(LEAD).tolist() == [0.5, 0.5, 0, 0, 0, 0, 0]


def test_half_at_the_border_half_nearer():
    border = Border()
    border.reach = 4
    weights = border.weights(LEAD)
    assert weights.tolist() == pytest.approx([0.5, 0.5, 1 / 3, 1 / 3, 0, 0, 1 / 3])


def test_it_moves_by_what_is_won():
    border = Border()
    settle(border, 0.5)
    assert border.reach == 3
    settle(border, 0.4)
    assert border.reach == 3
    settle(border, 0.1)
    assert border.reach == 2
    settle(border, 0.1)
    assert border.reach == 2  # No nearer than that.
    for _ in range(9):
        settle(border, 1.0)
    assert border.reach == 5  # No farther than there are states.


def test_it_waits_until_enough_were_played_from_the_border():
    border = Border()
    settle(border, 1.0, count=20)
    settle(border, 1.0, count=100, lead=UNKNOWN)
    settle(border, 1.0, count=100, lead=5)
    assert border.reach == 2
    other = Border.from_tensor(border.to_tensor())
    settle(other, 1.0, count=10)
    assert other.reach == 3


def test_without_states_of_scripts_all_or_none_are_drawn():
    assert Border().weights(torch.tensor([7, 9, UNKNOWN])).tolist() == [1, 1, 0]
