"""What a rollout says of the starts in it, by hand."""

import pytest
import torch

from train.starts.episodes import first_steps, surprise_ahead


def test_surprise_ahead():
    """One world, two agents, four steps; the episode ends with the second; one step of one agent does not count."""
    size = torch.tensor([[[1.0, 3.0]], [[2.0, 4.0]], [[5.0, 7.0]], [[1.0, 1.0]]])
    counted = torch.ones(4, 1, 2, dtype=torch.bool)
    counted[2, 0, 1] = False
    done = torch.tensor([[False], [True], [False], [False]])
    # 10 / 4, 6 / 2, then (5 + 1 + 1) / 3 and 2 / 2.
    assert surprise_ahead(size, counted, done)[:, 0].tolist() == pytest.approx([2.5, 3.0, 7 / 3, 1.0])


def test_nothing_was_learned_from():
    size = torch.ones(2, 1, 1)
    nothing = torch.zeros(2, 1, 1, dtype=torch.bool)
    assert surprise_ahead(size, nothing, nothing[..., 0]).tolist() == [[0.0], [0.0]]


def test_first_steps():
    origin = torch.tensor([[3, -1], [3, 4], [5, 4]])
    done = torch.tensor([[False, True], [True, False], [False, False]])
    assert first_steps(origin, done).tolist() == [[True, False], [False, True], [True, False]]
