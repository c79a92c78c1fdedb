import itertools

import pytest
import torch

from envs.errors import UserError
from envs.social.catalogue import make_game
from envs.social.donation_game import (
    ALWAYS_BAD,
    BAD,
    COOPERATE,
    DEFECT,
    GOOD,
    IMAGE_SCORING,
    SIMPLE_STANDING,
    STERN_JUDGING,
    DonationConfig,
    DonationGame,
    bits,
    swap,
)


def make(worlds=3, norms=None, pairing="one", **options):
    return DonationGame(worlds, DonationConfig(pairing=pairing, **options), torch.Generator().manual_seed(0), norms)


def pair(game, first, second):
    """Players and their actions, as if agents 0 and 1 of every world had met."""
    players = torch.cat([game.agents * torch.arange(game.worlds), game.agents * torch.arange(game.worlds) + 1])
    return players, torch.tensor([first, second]).repeat_interleave(game.worlds)


def test_bits_are_the_highest_first():
    assert bits(5).tolist() == [0, 1, 0, 1]
    assert bits(torch.tensor([9, 3])).tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]]


# (norm, own action, other's reputation) -> new reputation, by the words of the norms.
WORDS = {
    STERN_JUDGING: lambda action, other: (action == COOPERATE) == (other == GOOD),
    IMAGE_SCORING: lambda action, other: action == COOPERATE,
    SIMPLE_STANDING: lambda action, other: not (action == DEFECT and other == GOOD),
    ALWAYS_BAD: lambda action, other: False,
}


@pytest.mark.parametrize("norm", WORDS)
@pytest.mark.parametrize("first, second, rep_first, rep_second", list(itertools.product((0, 1), repeat=4)))
def test_norms_judge_as_they_say(norm, first, second, rep_first, rep_second):
    game = make(norm=norm, assignment_error=0.0)
    game.reputations[:] = 1
    game.reputations[::10], game.reputations[1::10] = rep_first, rep_second
    players, actions = pair(game, first, second)
    others = game.reputations[swap(players)]
    game.assign(players, actions, others, torch.zeros_like(actions))
    expected = [WORDS[norm](first, rep_second), WORDS[norm](second, rep_first)] + [True] * 8
    assert game.reputations.view(3, 10).tolist() == [[int(bit) for bit in expected]] * 3


def test_every_world_has_its_norm():
    game = make(2, torch.tensor([IMAGE_SCORING, ALWAYS_BAD]), assignment_error=0.0)
    players, actions = pair(game, COOPERATE, COOPERATE)
    game.assign(players, actions, game.reputations[swap(players)], torch.zeros_like(actions))
    assert game.reputations.view(2, 10)[:, :2].tolist() == [[GOOD, GOOD], [BAD, BAD]]


def test_payoffs():
    game = make(4, benefit=5.0, cost=1.0)
    assert game.payoffs(torch.tensor([0, 0, 1, 1, 0, 1, 0, 1])).tolist() == [0, 5, -1, 4, 0, -1, 5, 4]


@pytest.mark.parametrize("pairing, pairs", [("all", 5), ("one", 1)])
def test_who_meets_whom(pairing, pairs):
    game = make(4, pairing=pairing, judges=True)
    drawn = game.draw_rounds(2000)
    assert drawn.players.shape == (2000, 2 * 4 * pairs) and drawn.judges.shape == (2000, 4 * pairs)
    assert torch.equal(torch.stack([swap(players) for players in drawn.players]), drawn.partners)
    assert ((drawn.players // 10) == game.worlds_of_seats).all()
    players, judges = drawn.players.view(2000, 2, 4, pairs), drawn.judges.view(2000, 4, pairs)
    in_pairs = players.permute(0, 2, 1, 3).flatten(2).sort(-1).values
    assert (in_pairs.diff(dim=-1) > 0).all(), "nobody is in two pairs"
    assert not (judges.unsqueeze(1) == players).any(), "nobody judges its own pair"
    if pairs > 1:
        assert (judges.sort(-1).values.diff(dim=-1) > 0).all(), "nobody judges two pairs"
    meetings = torch.zeros(10, 10)
    first, second = players[:, 0, 0] % 10, players[:, 1, 0] % 10
    meetings.index_put_((first, second), torch.ones(first.shape), accumulate=True)
    counts = (meetings + meetings.T)[~torch.eye(10, dtype=torch.bool)]
    expected = 2000 * pairs / 45
    assert ((counts - expected).abs() < 5 * expected**0.5).all(), "every pair is as likely"
    third = torch.bincount(drawn.judges.flatten() % 10, minlength=10)
    assert ((third - third.float().mean()).abs() < 5 * third.float().mean() ** 0.5).all()


def test_assignment_errors_are_as_frequent_as_asked():
    drawn = make(10, assignment_error=0.1).draw_rounds(1000)
    assert drawn.errors.float().mean().item() == pytest.approx(0.1, abs=0.005)


def test_an_error_flips_the_new_reputation():
    game = make(1, norm=IMAGE_SCORING)
    players, actions = pair(game, COOPERATE, COOPERATE)
    errors = torch.tensor([1, 0])
    game.assign(players, actions, torch.zeros_like(actions), errors)
    assert game.reputations[:2].tolist() == [BAD, GOOD]


def test_a_round_of_steps_is_a_round_of_the_rules():
    game = make(5, pairing="all", assignment_error=0.0)
    before = game.reputations.clone()
    drawn = game._round
    actions = torch.randint(0, 2, (5, 10), generator=torch.Generator().manual_seed(1))
    observations, rewards = game.step(actions)
    for world in range(5):
        for a, b in game._numbers(drawn.players[0], world):
            for me, other in ((a, b), (b, a)):
                mine, its = actions[world, me].item(), actions[world, other].item()
                assert rewards[world, me].item() == 5 * its - mine
                good = WORDS[STERN_JUDGING](mine, before[10 * world + other].item())
                assert game.reputations[10 * world + me].item() == good == observations[world, me, 0].item()


def test_observations_show_the_next_partner():
    game = make(2)
    seen = game.reset()
    for world in range(2):
        a, b = game._numbers(game._round.players[0], world)[0]
        assert seen[world, :, 2].nonzero().flatten().tolist() == sorted([a, b])
        assert seen[world, a, 1] == game.reputations[10 * world + b]
        assert seen[world, b, 1] == game.reputations[10 * world + a]
        assert (seen[world, :, 3:] == 0).all()


def test_judges_see_what_they_judge_and_decide():
    game = make(1, judges=True, assignment_error=0.0, initial="bad")
    game.reset()
    (a, b), judge = game._round.players[0].tolist(), game._round.judges[0, 0].item()
    game.reputations[b] = GOOD
    actions = torch.zeros(1, 10, dtype=torch.int64)
    actions[0, a] = COOPERATE
    seen, rewards = game.step(actions)
    assert rewards[0, a] == -1.0 and rewards[0, b] == 5.0 and rewards.abs().sum() == 6.0
    assert seen[0, judge, 1:].tolist() == [GOOD, 0.0, 1.0, COOPERATE]  # a cooperated with somebody good
    assert (seen[0, :, 2:4].sum(0) == torch.tensor([0.0, 1.0])).all()
    verdict = torch.zeros(1, 10, dtype=torch.int64)
    verdict[0, judge] = GOOD
    seen, rewards = game.step(verdict)
    assert game.reputations[a] == GOOD and rewards.abs().sum() == 0.0
    assert seen[0, judge, 1:].tolist() == [BAD, 0.0, 1.0, DEFECT]  # a was bad when b defected
    game.step(torch.zeros(1, 10, dtype=torch.int64))
    assert game.reputations[b] == BAD and game._phase == 0


def test_text_shows_reputations_and_what_was_done():
    game = make(1, agents=2, initial="good", norm=ALWAYS_BAD, assignment_error=0.0)
    assert game.text().splitlines()[1] == "reputation  good good"
    a, b = game._round.players[0].tolist()
    game.step(torch.tensor([[COOPERATE if agent == a else DEFECT for agent in range(2)]]))
    lines = game.text().splitlines()
    assert lines[1] == "reputation   bad  bad" and lines[2] == f"last  {a} gives {b} and {b} gives {a} nothing"
    assert lines[3].startswith("next  ") and "meets" in lines[3]


def test_the_same_seed_is_the_same_world():
    def played():
        game, actions = make(2, judges=True), torch.Generator().manual_seed(5)
        return [game.step(torch.randint(0, 2, (2, 10), generator=actions))[0] for _ in range(30)]

    assert all(torch.equal(a, b) for a, b in zip(played(), played(), strict=True))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"norm": 16}, "norm is 16; it must be from 0 to 15"),
        ({"agents": 3}, "cannot all be paired"),
        ({"agents": 2, "judges": True}, "too few for judges"),
        ({"pairing": "some"}, "pairing is some; it must be one of"),
        ({"benefits": 3}, "donation-game has no option 'benefits', did you mean 'benefit'?"),
    ],
)
def test_impossible_options_are_refused(options, words):
    with pytest.raises(UserError, match=words.replace("?", r"\?")):
        make_game("donation-game", 1, torch.Generator(), **options)


def test_unknown_games_are_refused():
    with pytest.raises(UserError, match="did you mean 'donation-game'"):
        make_game("donation", 1, torch.Generator())
