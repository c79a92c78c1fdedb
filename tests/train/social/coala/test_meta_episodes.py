"""Who meets whom in meta-episodes, what is remembered in them, and what co-players make of them."""

import pytest
import torch

from envs.social.prisoners_dilemma import DilemmaConfig, PrisonersDilemma
from policies.side_by_side import PlayersActorCritic
from train.social.coala.meta_episodes import play, seat
from train.social.coala.tabular_learners import TabularLearners


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("agents", [2, 3, 4])
def test_every_seat_is_taken_once_and_nobody_meets_itself(agents):
    runs, naive, peers, batch = 3, 2, 4, 5
    seating = seat(runs, agents, naive, peers, batch, seeded())
    groups = runs * agents
    taken = torch.zeros(seating.worlds, 2, dtype=torch.long) - 1
    taken.view(-1)[seating.seats] = torch.arange(groups)[:, None].expand_as(seating.seats)
    hosted = groups * naive * batch
    assert (taken[:hosted, 1] == -1).all() and (taken[:hosted, 0] == torch.arange(groups).repeat_interleave(10)).all()
    one, other = taken[hosted:].T
    assert (one >= 0).all() and (other >= 0).all() and (one != other).all()
    assert (one // agents == other // agents).all()  # Of the same population.
    assert (torch.bincount(taken[hosted:].flatten()) == peers * batch).all()
    # The games of one agent with one other are a batch.
    assert (other.view(-1, batch) == other.view(-1, batch)[:, :1]).all()


def test_all_pairs_meet():
    seating = seat(200, 4, 0, 2, 1, seeded())
    agent = torch.arange(800) % 4
    world, second = seating.seats // 2, seating.seats % 2
    host = torch.empty(seating.worlds, dtype=torch.long).scatter_(0, world[second == 0], agent)
    guest = torch.empty(seating.worlds, dtype=torch.long).scatter_(0, world[second == 1], agent)
    counts = torch.bincount(host * 4 + guest, minlength=16).view(4, 4)
    assert (counts.diagonal() == 0).all() and counts[~torch.eye(4, dtype=torch.bool)].min() > 30


def played(groups=2, naive=3, peers=2, batch=4, learning_rate=1.0, rounds=(3, 5), identity=False):
    seating = seat(1, groups, naive, peers, batch, seeded(1))
    policy = PlayersActorCritic(groups, 5 + identity, 2, 8, seeded(2))
    learners = TabularLearners(groups, naive, 5, learning_rate, seeded(3))
    game = PrisonersDilemma(seating.worlds, DilemmaConfig(), seeded())
    return policy, learners, play(policy, game, learners, seating, *rounds, seeded(4), identity)


def test_memory_goes_on_over_the_ends_of_inner_episodes():
    policy, _, episodes = played()
    choice, values = policy.unroll(episodes.observations)
    torch.testing.assert_close(values, episodes.values)
    torch.testing.assert_close(choice.log_prob(episodes.actions.unsqueeze(-1)), episodes.log_probs)


def test_games_restart_and_both_sides_see_the_same_game():
    _, _, episodes = played()
    start = episodes.observations[..., 0]
    assert start[0].all() and start[5].all() and start[10].all() and start.sum() == 3 * start[0].numel()
    own, theirs = episodes.actions[..., : episodes.naive], episodes.naive_actions
    assert torch.equal(episodes.rewards[..., : episodes.naive], (2 * theirs - own).float())
    assert torch.equal(episodes.naive_rewards, (2 * own - theirs).float())
    peers = slice(episodes.naive, None)
    mean = episodes.rewards[..., peers].mean()
    torch.testing.assert_close(mean, episodes.actions[..., peers].float().mean())  # 2 * theirs - own, of all.


def test_agents_can_be_told_whom_they_meet():
    _, _, episodes = played(identity=True)
    told = episodes.observations[..., -1]
    assert episodes.observations.shape[-1] == 6
    assert not told[..., : episodes.naive].any() and told[..., episodes.naive :].all()


def test_step_of_a_tabular_learner_by_hand():
    # One player, two games of one step: it cooperates in one and defects in the other, and defecting pays more.
    learners = TabularLearners(1, 1, 5, 2.0, seeded())
    learners.set(torch.zeros(1, 1, 5))
    seen = torch.eye(5)[[0, 0]].view(1, 1, 2, 5)
    learners.learn(seen, torch.tensor([[[1, 0]]]), torch.tensor([[[-1.0, 2.0]]]))
    # Advantages -1 and 1, scores 1/2 and -1/2: the mean is -1/2.
    torch.testing.assert_close(learners.logits, torch.tensor([[[-1.0, 0.0, 0.0, 0.0, 0.0]]]))


def test_learners_begin_every_meta_episode_anew_and_learn_in_it():
    _, learners, _ = played(learning_rate=1.0)
    _, fixed, _ = played(learning_rate=0.0)
    assert not torch.equal(learners.logits, fixed.logits)
    before = learners.logits.clone()
    learners.reset()
    assert not torch.equal(before, learners.logits)
