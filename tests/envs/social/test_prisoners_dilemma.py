"""The iterated prisoner's dilemma: payoffs and what is seen of a round."""

import pytest
import torch

from envs.social.prisoners_dilemma import CELLS, COOPERATE, DEFECT, PrisonersDilemma

C, D = COOPERATE, DEFECT


@pytest.mark.parametrize(
    ("moves", "payoffs", "seen"),
    [((C, C), (1, 1), ("CC", "CC")), ((C, D), (-1, 2), ("CD", "DC")), ((D, C), (2, -1), ("DC", "CD"))]
    + [((D, D), (0, 0), ("DD", "DD"))],
)
def test_a_round(moves, payoffs, seen):
    game = PrisonersDilemma(2)
    first = game.reset()
    assert first[..., CELLS.index("start")].all() and first.sum() == 4
    observation, rewards = game.step(torch.tensor([moves, (D, D)]))
    assert rewards[0].tolist() == list(payoffs) and rewards[1].tolist() == [0, 0]
    assert [CELLS[row.argmax()] for row in observation[0]] == list(seen)
    assert (observation.sum(-1) == 1).all()
