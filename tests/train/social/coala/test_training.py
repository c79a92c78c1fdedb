"""Populations: every kind of co-player, and that agents learn what pays."""

import pytest
import torch

from envs.errors import UserError
from envs.social.cleanup import Cleanup, CleanupConfig
from envs.social.prisoners_dilemma import DilemmaConfig, PrisonersDilemma
from train.social.coala.learner import LearnerConfig
from train.social.coala.training import Population, Setting, train

SMALL = {"co_players": 4, "batch": 3, "inner_episodes": 2, "inner_steps": 4, "size": 8, "updates": 2}


def dilemma(worlds, generator):
    return PrisonersDilemma(worlds, DilemmaConfig(), generator)


def cleanup(worlds, generator):
    return Cleanup(worlds, CleanupConfig(first_dirt=0), generator)  # Apples from the first step on.


def silent(update, found):
    pass


@pytest.mark.parametrize(
    ("game", "options"),
    [
        (dilemma, {}),
        (dilemma, {"agents": 2, "naive_share": 0.5}),
        (dilemma, {"agents": 3, "naive_share": 0.0}),
        (dilemma, {"agents": 2, "naive_share": 0.5, "naive_rate": 0.0, "identity": True}),
        (cleanup, {"naive": "network"}),
        (cleanup, {"agents": 2, "naive_share": 0.5, "naive": "network", "naive_pool": 0}),
    ],
)
@pytest.mark.parametrize("mode", ["coala", "mfos", "unaware"])
def test_all_kinds_run_and_repeat(game, options, mode):
    setting = Setting(**SMALL | options, learner=LearnerConfig(mode=mode))
    runs = [train(setting, 2, game, 5, silent) for _ in range(2)]
    for name, curve in runs[0][1].items():
        assert curve.shape == (2, 2) and curve.isfinite().all() and torch.equal(curve, runs[1][1][name])
    with_peers = "peers/reward" in runs[0][1]
    assert with_peers == (setting.naive_share < 1) and ("naive/reward" in runs[0][1]) == (setting.naive_share > 0)
    changed = [p for p in runs[0][0].policy.parameters() if p.grad.any()]
    assert len(changed) > 4


def test_runs_side_by_side_do_not_touch_each_other():
    setting = Setting(**SMALL)
    population = Population(setting, 2, dilemma, torch.Generator().manual_seed(0))
    before = [p.clone() for p in population.policy.parameters()]
    episodes = population.play()
    episodes.rewards[:, 1] = 0.0
    episodes.values[:] = 0.0
    population.learn(episodes)
    for old, new in zip(before, population.policy.parameters(), strict=True):
        assert torch.equal(old[1], new[1])  # Nothing to learn from.
    assert not torch.equal(before[-1][0], population.policy.head_bias[0])


def test_agents_learn_to_defect_against_random_players():
    setting = Setting(
        naive_rate=0.0, co_players=8, batch=8, inner_episodes=1, size=8, updates=12,
        learner=LearnerConfig(mode="unaware", learning_rate=0.03),
    )  # fmt: skip
    _, curves = train(setting, 2, dilemma, 0, silent)
    assert (curves["naive/cooperated"][0] > 0.4).all() and (curves["naive/cooperated"][-1] < 0.1).all()


def test_network_co_players_learn_in_a_meta_episode_and_begin_anew():
    options = SMALL | {"batch": 16, "inner_episodes": 12, "inner_steps": 8}
    setting = Setting(**options, naive="network", naive_learner=LearnerConfig(
        mode="unaware", learning_rate=0.05, epochs=1, minibatches=1, normalize=True
    ))  # fmt: skip
    population = Population(setting, 1, dilemma, torch.Generator().manual_seed(0))
    for _ in range(2):
        theirs = population.play().naive_events["cooperated"]
        assert theirs[:8].mean() == pytest.approx(0.5, abs=0.06) and theirs[-8:].mean() < 0.2


def test_copies_of_agents_are_of_their_own_population():
    setting = Setting(**SMALL | {"co_players": 6}, agents=2, naive_share=1.0, naive="network", naive_pool=0)
    population = Population(setting, 3, dilemma, torch.Generator().manual_seed(0))
    with torch.no_grad():
        population.policy.head_bias[:, 0, 0] = torch.arange(6.0)
    population.co_players.reset()
    copied = population.co_players.policy.head_bias[:, 0, 0].view(3, 12)
    for run in range(3):
        assert set(copied[run].tolist()) == {2.0 * run, 2.0 * run + 1}


@pytest.mark.parametrize(
    "options",
    [
        {"agents": 1, "naive_share": 0.5},
        {"agents": 2, "naive_share": 0.75, "co_players": 4},
        {"batch": 0},
        {"identity": True, "naive": "network", "naive_pool": 0},
    ],
)
def test_impossible_settings(options):
    with pytest.raises(UserError):
        Setting(**options)
