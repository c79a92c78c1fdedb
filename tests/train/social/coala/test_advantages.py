"""The estimator against the objective's own gradient, by enumeration of everything that can happen in a tiny game."""

import itertools

import pytest
import torch

from envs.social.prisoners_dilemma import DilemmaConfig, PrisonersDilemma
from train.social.coala.advantages import meta_advantages
from train.social.coala.tabular_learners import TabularLearners

GAMES, EPISODES = 2, 2  # B and M; inner episodes have one step.
ACTIONS = torch.tensor(list(itertools.product([0, 1], repeat=EPISODES * 2 * GAMES)))
OWN, THEIRS = ACTIONS.view(-1, EPISODES, 2, GAMES).permute(2, 1, 0, 3).contiguous()  # (M, paths, B) each: all 256.
PARAMETERS = torch.tensor([1.0, -2.0, -2.0, 2.0, 2.0], dtype=torch.double)  # First move; after CC, CD, DC and DD.
FIRST_LOGIT, LEARNING_RATE = 0.4, 3.0


def histories():
    """What the agent remembers before each step: nothing, or one of four outcomes of the first. (M, paths, B)"""
    return torch.stack([torch.zeros_like(OWN[0]), 4 - 2 * OWN[0] - THEIRS[0]])


def rewards():
    """(M, paths, B)"""
    game = PrisonersDilemma(OWN[0].numel(), DilemmaConfig(), torch.Generator())
    payoffs = [game.step(torch.stack([a, b], -1).view(-1, 2))[1][:, 0] for a, b in zip(OWN, THEIRS, strict=True)]
    return torch.stack(payoffs).view(OWN.shape).double()


def co_player_chances():
    """Return the probability of each of the co-player's moves, which learned from the first episode (M, paths, B)."""
    paths = len(ACTIONS)
    learners = TabularLearners(1, paths, 5, LEARNING_RATE, torch.Generator().manual_seed(0))
    learners.set(torch.full((1, paths, 5), FIRST_LOGIT))
    game = PrisonersDilemma(OWN[0].numel(), DilemmaConfig(), torch.Generator())
    seen = game.reset()[:, 1].view(1, 1, -1, 5)
    _, got = game.step(torch.stack([OWN[0], THEIRS[0]], -1).view(-1, 2))
    learners.learn(seen, THEIRS[0].view(1, 1, -1), got[:, 1].view(1, 1, -1))
    second = learners.logits[0, :, :1].double()
    logits = torch.stack([torch.full_like(second, FIRST_LOGIT), second])
    return torch.where(THEIRS == 1, logits.sigmoid(), (-logits).sigmoid())


def log_chances(parameters):
    """Return the log-probability of each of the agent's moves (M, paths, B)."""
    logits = parameters[histories()]
    return torch.where(OWN == 1, logits, -logits).sigmoid().log()


def objective(parameters):
    chances = (log_chances(parameters).exp() * co_player_chances()).prod(0).prod(-1)
    assert chances.sum() == pytest.approx(1.0, abs=1e-6)
    return (chances * rewards().sum(0).mean(-1)).sum()


def true_gradient(step=1e-5):
    steps = torch.eye(len(PARAMETERS), dtype=torch.double) * step
    return torch.stack([(objective(PARAMETERS + d) - objective(PARAMETERS - d)) / (2 * step) for d in steps])


def mean_estimate(mode, values):
    """Return the estimator's mean over all paths, each by its probability: the sum over games and steps."""
    parameters = PARAMETERS.clone().requires_grad_()
    logs = log_chances(parameters)
    chances = (logs.detach().exp() * co_player_chances()).prod(0).prod(-1)
    advantages = meta_advantages(rewards(), values, 1, mode)
    (chances * (logs * advantages).sum((0, -1))).sum().backward()
    return parameters.grad


def error(estimate):
    gradient = true_gradient()
    return ((estimate - gradient).norm() / gradient.norm()).item()


NO_VALUES = torch.zeros(OWN.shape, dtype=torch.double)
VALUES = torch.tensor([0.7, -1.0, 0.4, 2.0, 0.1], dtype=torch.double)[histories()]


@pytest.mark.parametrize("values", [NO_VALUES, VALUES], ids=["no baseline", "with values"])
def test_coala_is_the_gradient_of_the_objective(values):
    assert error(mean_estimate("coala", values)) < 0.01


@pytest.mark.parametrize("values", [NO_VALUES, VALUES], ids=["no baseline", "with values"])
def test_mfos_and_unaware_are_not(values):
    # As sums over the games and as means.
    for scale in (1.0, 1 / GAMES):
        assert error(scale * mean_estimate("mfos", values)) > 0.1
        assert error(scale * mean_estimate("unaware", values)) > 0.1


def test_without_learning_all_but_mfos_agree(monkeypatch):
    monkeypatch.setattr(f"{__name__}.LEARNING_RATE", 0.0)
    assert error(mean_estimate("coala", NO_VALUES)) < 0.01
    assert error(mean_estimate("unaware", NO_VALUES) / GAMES) < 0.01


def test_by_hand():
    # Two games, two inner episodes of two steps; the last of each is step 1 and 3.
    rewards = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
    zeros = torch.zeros_like(rewards)
    later = (7 + 70) / 2
    own = torch.tensor([[3.0, 30.0], [2.0, 20.0], [7.0, 70.0], [4.0, 40.0]])
    future = torch.tensor([[later], [later], [0.0], [0.0]])
    torch.testing.assert_close(meta_advantages(rewards, zeros, 2, "coala"), own / 2 + future)
    torch.testing.assert_close(meta_advantages(rewards, zeros, 2, "mfos"), own + future)
    alone = torch.tensor([[10.0, 100.0], [9.0, 90.0], [7.0, 70.0], [4.0, 40.0]])
    torch.testing.assert_close(meta_advantages(rewards, zeros, 2, "unaware"), alone)


def test_unaware_is_generalised_advantage_estimation_over_the_whole_meta_episode():
    from train.learning.gae import generalized_advantages

    generator = torch.Generator().manual_seed(1)
    rewards, values = torch.randn(2, 6, 4, generator=generator)
    dones = torch.zeros(6, 4, dtype=torch.bool)
    dones[-1] = True
    nothing = torch.zeros(6, 4)
    expected, _ = generalized_advantages(rewards, values, dones, nothing, torch.zeros(4), 0.9, 0.8)
    torch.testing.assert_close(meta_advantages(rewards, values, 2, "unaware", 0.9, 0.8), expected)
