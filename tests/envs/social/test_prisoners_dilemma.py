"""The iterated prisoner's dilemma: payoffs and what is seen of a round."""

import pytest
import torch

from envs.errors import UserError
from envs.social.prisoners_dilemma import CELLS, COOPERATE, DEFECT, DilemmaConfig, PrisonersDilemma, endless_returns

C, D = COOPERATE, DEFECT


@pytest.mark.parametrize(
    ("moves", "payoffs", "seen"),
    [
        ((C, C), (1, 1), ("CC", "CC")),
        ((C, D), (-1, 2), ("CD", "DC")),
        ((D, C), (2, -1), ("DC", "CD")),
        ((D, D), (0, 0), ("DD", "DD")),
    ],
)
def test_a_round(moves, payoffs, seen):
    game = PrisonersDilemma(2, DilemmaConfig(), torch.Generator())
    first = game.reset()
    assert first[..., CELLS.index("start")].all() and first.sum() == 4
    observation, rewards = game.step(torch.tensor([moves, (D, D)]))
    assert rewards[0].tolist() == list(payoffs) and rewards[1].tolist() == [0, 0]
    assert [CELLS[row.argmax()] for row in observation[0]] == list(seen)
    assert (observation.sum(-1) == 1).all()


def test_text_and_payoffs_of_ones_own():
    game = PrisonersDilemma(1, DilemmaConfig(temptation=5.0, sucker=-3.0), torch.Generator())
    game.step(torch.tensor([[D, C]]))
    _, rewards = game.step(torch.tensor([[C, C]]))
    assert rewards.tolist() == [[1.0, 1.0]]
    assert game.text() == "agent_0 and agent_1: CC; scores 6 and -2"


def test_bad_options():
    with pytest.raises(UserError, match="horizon is 0"):
        PrisonersDilemma(1, DilemmaConfig(horizon=0), torch.Generator())


@pytest.mark.parametrize(
    ("one", "other", "returns"),
    [
        ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1]),
        ([0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [2, -1]),
        ([1, 1, 0, 1, 0], [1, 1, 0, 1, 0], [1, 1]),  # Tit for tat against itself.
        # Tit for tat against a defector: helped once, in the first round, of weight 1 - gamma.
        ([1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [-0.1, 0.2]),
        # Tit for tat against one who begins with defection and imitates, too: they take turns, weights 10/19 and 9/19.
        ([1, 1, 0, 1, 0], [0, 1, 0, 1, 0], [(-10 + 18) / 19, (20 - 9) / 19]),
        ([0.5] * 5, [0.5] * 5, [0.5, 0.5]),
    ],
)
def test_endless_games(one, other, returns):
    one, other = torch.tensor(one, dtype=torch.double), torch.tensor(other, dtype=torch.double)
    assert endless_returns(one, other, 0.9).tolist() == pytest.approx(returns)


def test_endless_games_are_the_mean_of_played_ones():
    generator = torch.Generator().manual_seed(0)
    chances = torch.rand(2, 5, generator=generator)
    game = PrisonersDilemma(20000, DilemmaConfig(), generator)
    seen, total = game.reset(), torch.zeros(2)
    for step in range(60):
        chance = torch.stack([seen[:, agent] @ chances[agent] for agent in range(2)], -1)
        seen, rewards = game.step((torch.rand(20000, 2, generator=generator) < chance).long())
        total += 0.2 * 0.8**step * rewards.mean(0)
    assert endless_returns(*chances, 0.8).tolist() == pytest.approx(total.tolist(), abs=0.02)


def test_gradient_of_endless_games():
    first, second = torch.rand(2, 3, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: endless_returns(a, b, 0.9), (first, second))
