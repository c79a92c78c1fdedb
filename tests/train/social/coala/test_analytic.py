"""Learning-aware agents in the endless dilemma: naive learners, gradients through them, who learns what."""

import pytest
import torch

from envs.social.prisoners_dilemma import endless_returns
from train.social.coala.analytic import AnalyticSetting, shaped_returns, train_analytic


def test_naive_players_follow_their_own_gradient():
    setting = AnalyticSetting(look_ahead=1, naive_rate=0.5, gamma=0.9)
    agents, naive = torch.randn(2, 1, 3, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    games = shaped_returns(agents, naive.clone(), setting)
    step, slope = 1e-6, torch.zeros_like(naive)
    for cell in range(5):
        shift = torch.zeros(5, dtype=torch.double)
        shift[cell] = step
        up, down = (endless_returns(agents.sigmoid(), (naive + s).sigmoid(), 0.9)[..., 1] for s in (shift, -shift))
        slope[..., cell] = (up - down) / (2 * step)
    learned = naive + 0.5 * slope
    torch.testing.assert_close(games[0], endless_returns(agents.sigmoid(), naive.sigmoid(), 0.9))
    torch.testing.assert_close(games[1], endless_returns(agents.sigmoid(), learned.sigmoid(), 0.9))


def test_gradients_flow_through_learning():
    setting = AnalyticSetting(look_ahead=3, naive_rate=0.5, gamma=0.8)
    agents = torch.randn(1, 1, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    naive = torch.randn(1, 2, 5, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(lambda a: shaped_returns(a, naive.clone(), setting)[..., 0].sum(), agents)


@pytest.mark.parametrize(("share", "names"), [(0.0, {"peers/reward"}), (1.0, {"naive/reward", "naive/their_reward"})])
def test_agents_alone_defect(share, names):
    setting = AnalyticSetting(
        naive_share=share, agents=2 if share == 0 else 1, naive_players=4, look_ahead=2, learning_rate=0.05, updates=150
    )
    chances, curves = train_analytic(setting, 2, 0, lambda update, found: None)
    assert set(curves) == names and chances.shape == (2, setting.agents, 5)
    if share == 0:
        assert (curves["peers/reward"][-1] < 0.05).all() and (chances[..., 0] < 0.1).all()
