"""CleanUp-lite rule by rule, on states that are set by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.errors import UserError
from envs.social.cleanup import DOWN, LEFT, RIGHT, STAY, UP, ZAP, Cleanup, CleanupConfig

W = 400


def make(places=((2, 0), (2, 3)), worlds=W, apples=0, dirt=0, rule="cells", **options):
    """Return worlds in one state: agents at (column, row), apples and dirt in the first rows."""
    options = {"dirt_rate": 0.0, "apples": rule} | options
    game = Cleanup(worlds, CleanupConfig(**options), torch.Generator().manual_seed(0))
    game.places = torch.tensor(places).expand(worlds, 2, 2).clone()
    game.apples = (torch.arange(4) < apples).expand(worlds, 4).clone()
    game.dirt = (torch.arange(4) < dirt).expand(worlds, 4).clone()
    return game


def step(game, one=STAY, other=STAY):
    return game.step(torch.tensor([one, other]).expand(len(game.places), 2))


def zapped(game):
    return game.events["zapped"].bool()


def share(flags):
    return flags.float().mean().item()


def test_start():
    game = Cleanup(W, CleanupConfig(), torch.Generator().manual_seed(0))
    assert not game.apples.any() and (game.dirt.sum(-1) == 3).all() and not game.frozen.any()
    cells = (game.places[..., 0] + 5 * game.places[..., 1]).flatten()
    assert torch.bincount(cells, minlength=20).min() > 0 and len(torch.bincount(cells)) == 20


@pytest.mark.parametrize(
    ("action", "place"),
    [(RIGHT, [3, 1]), (LEFT, [1, 1]), (UP, [2, 0]), (DOWN, [2, 2]), (STAY, [2, 1]), (ZAP, [2, 1])],
)
def test_moves(action, place):
    game = make(((2, 1), (0, 3)))
    step(game, action)
    assert game.places[0].tolist() == [place, [0, 3]]


def test_walls_and_sharing_a_cell():
    game = make(((0, 0), (4, 3)))
    for one, other in ((LEFT, RIGHT), (UP, DOWN)):
        step(game, one, other)
    assert game.places[0].tolist() == [[0, 0], [4, 3]]
    game = make(((1, 0), (3, 0)))
    step(game, RIGHT, LEFT)
    assert game.places[0].tolist() == [[2, 0], [2, 0]]


def test_dirt_appears_with_its_probability_on_one_free_cell():
    game = make(dirt=2, dirt_rate=0.35)
    step(game)
    assert game.dirt[:, :2].all() and share(game.dirt.sum(-1) == 3) == pytest.approx(0.35, abs=0.08)
    assert share(game.dirt[:, 2]) == pytest.approx(share(game.dirt[:, 3]), abs=0.1)
    full = make(dirt=4, dirt_rate=1.0)
    step(full)
    assert full.dirt.all()


@pytest.mark.parametrize(("dirt", "chance"), [(0, 1.0), (1, 2 / 3), (2, 1 / 3), (3, 0.0), (4, 0.0)])
def test_apples_grow_the_less_dirt_there_is(dirt, chance):
    game = make(dirt=dirt)
    step(game)
    assert share(game.apples.sum(-1) == 1) == pytest.approx(chance, abs=0.08) and game.apples.sum(-1).max() <= 1


def test_taking_an_apple_and_not_cleaning_is_rewarded():
    game = make(((0, 1), (4, 0)), apples=2, dirt=4)
    _, rewards = step(game)
    assert rewards[0].tolist() == [1.0, 0.0] and game.apples[0].tolist() == [True, False, False, False]
    assert game.dirt[0].tolist() == [False, True, True, True]
    assert game.events["cleaned"][0].tolist() == [0, 1] and game.events["dirt"][0].tolist() == [3, 3]


def test_what_grows_under_an_agent_is_taken_at_once():
    game = make(((0, 0), (0, 0)))  # No dirt: an apple appears for certain, on this cell in a quarter of the worlds.
    _, rewards = step(game)
    assert share(rewards.sum(-1) == 1) == pytest.approx(0.25, abs=0.08)


def test_one_of_two_takes_an_apple():
    game = make(((0, 0), (0, 0)), apples=1, dirt=4)
    _, rewards = step(game)
    assert (rewards.sum(-1) == 1).all() and not game.apples.any()
    assert rewards[:, 0].mean() == pytest.approx(0.5, abs=0.1)


def test_zapping():
    game = make(((1, 0), (3, 2)))
    step(game, ZAP, RIGHT)
    assert share(zapped(game)[:, 0]) == pytest.approx(0.9, abs=0.05) and not zapped(game)[:, 1].any()
    hit = zapped(game)[:, 0]
    assert (game.frozen[hit, 1] == 5).all() and not game.frozen[~hit].any()
    assert (game.places[hit, 1] == torch.tensor([3, 2])).all()  # It had no time to move.
    assert (game.places[~hit, 1] == torch.tensor([4, 2])).all()


def test_out_of_reach():
    game = make(((0, 0), (3, 0)))
    step(game, ZAP, ZAP)
    assert not zapped(game).any()


def test_victims_take_no_part_for_five_steps_and_are_not_hit_again():
    game = make(((0, 0), (0, 0)), apples=4, dirt=4, zap_success=1.0)
    step(game, ZAP, STAY)
    for _ in range(5):
        assert (game.frozen[:, 1] > 0).all()
        game.apples[:] = True
        _, rewards = step(game, ZAP, RIGHT)
        assert (rewards[:, 0] == 1).all() and not rewards[:, 1].any() and not zapped(game).any()
    assert not game.frozen.any() and game.places[0, 1].tolist() == [0, 0]
    step(game, STAY, ZAP)
    assert zapped(game)[:, 1].all()


def test_both_can_hit_each_other():
    game = make(zap_success=1.0, places=((2, 0), (2, 1)))
    step(game, ZAP, ZAP)
    assert zapped(game).all() and (game.frozen == 5).all()


def test_apples_as_a_number():
    game = make(((0, 3), (0, 0)), apples=2, dirt=4, rule="level")
    _, rewards = step(game)
    # Each takes one with probability 2/4.
    assert rewards.mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.1)
    assert torch.equal(game.apples.sum(-1), (2 - rewards.sum(-1)).long())
    last = make(((0, 3), (0, 0)), apples=1, dirt=4, rule="level")
    _, rewards = step(last)
    assert (last.apples.sum(-1) >= 0).all() and rewards.sum(-1).max() == 2  # Both may take the last one.


def test_observations_are_the_state_from_both_sides():
    game = make(((1, 0), (3, 2)), apples=1, dirt=3, zap_success=1.0)
    seen, _ = step(game, ZAP)
    own, other, apples, dirt, frozen = seen[0].split([20, 20, 4, 4, 2], -1)
    assert own.argmax(-1).tolist() == [1, 13] and other.argmax(-1).tolist() == [13, 1]
    assert apples.tolist() == [[1, 0, 0, 0]] * 2 and dirt.tolist() == [[1, 1, 1, 0]] * 2
    assert frozen.tolist() == [[0, 1], [1, 0]]


def test_text():
    game = make(((0, 0), (4, 1)), apples=2, dirt=1, zap_success=1.0)
    game.frozen[0, 1] = 3
    assert game.text() == "0 . . . #\no . . . y\n, . . . ~\n, . . . ~"
    game.places[0, 1] = torch.tensor([0, 0])
    assert game.text().startswith("& ")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["cells", "level"]))
def test_what_is_always_true(seed, rule):
    generator = torch.Generator().manual_seed(seed)
    game = Cleanup(16, CleanupConfig(apples=rule), generator)
    for _ in range(20):
        before = game.apples.sum(-1)
        seen, rewards = game.step(torch.randint(6, (16, 2), generator=generator))
        assert ((seen == 0) | (seen == 1)).all() and seen.shape == (16, 2, game.observation_size)
        assert (game.places >= 0).all() and (game.places <= torch.tensor([4, 3])).all()
        assert ((game.frozen >= 0) & (game.frozen <= 5)).all()
        assert (game.apples.sum(-1) <= before + 1).all() and ((rewards == 0) | (rewards == 1)).all()


@pytest.mark.parametrize("options", [{"dirt_rate": 1.5}, {"apples": "many"}, {"horizon": 0}, {"first_dirt": 5}])
def test_bad_options(options):
    with pytest.raises(UserError, match=next(iter(options))):
        Cleanup(1, CleanupConfig(**options), torch.Generator())
