"""Seats of past versions: who gets them, who plays them, and what is learned."""

import dataclasses

import pytest
import torch

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.policies.helpers import mark
from train.config.league_config import LeagueConfig
from train.evaluation.ratings import Rating
from train.league.league import NEWEST, RANDOM_PLAYER, League, draw_weights, roles
from train.league.past_versions import VersionFolder
from train.support.ranks import Ranks

SPEC = ObservationSpec(1, 0, {"boxes": (2, 1)})
NETWORK = NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=8, lstm_size=8)
SIZES, WORLDS = (2, 1), 400
AGENTS = sum(SIZES)
BINS = (11, 11, 11, 2, 2)


def make_policy():
    return ActorCritic(SPEC, BINS, NETWORK)


def observe(worlds=WORLDS):
    n = worlds * AGENTS
    masks = {f"boxes_{kind}": torch.ones(n, 2, dtype=torch.bool) for kind in ("visible", "present")}
    return {"self": torch.randn(n, 1), "boxes": torch.randn(n, 2, 1)} | masks


def new_league(folder=None, ranks=None, worlds=WORLDS, seed=3, **changes):
    league = League(
        LeagueConfig(**{"fraction": 0.3, "interval": 1, **changes}),
        seed,
        SIZES,
        worlds,
        ranks or Ranks(),
        make_policy(),
    )
    league.open(folder)
    return league


@pytest.fixture
def folder(tmp_path):
    """A pool of versions 1 to 5; version v always plays bin v first."""
    pool = VersionFolder(tmp_path / "league", 1, 50, print)
    for version in range(1, 6):
        tensors = mark(make_policy(), version).state_dict()
        pool.save(version, {f"policy.{name}": tensor for name, tensor in tensors.items()}, {})
    return pool


def started(value=True, worlds=WORLDS):
    return torch.full((worlds * AGENTS,), value)


class TestRoles:
    def test_whole_teams_and_single_agents_of_teams_of_several(self):
        whole, single = roles((2, 1))
        assert whole.tolist() == [[True, True, False], [False, False, True]]
        assert single.tolist() == [[True, False, False], [False, True, False]]

    @pytest.mark.parametrize(
        ("sizes", "numbers"), [((1, 1), (2, 0)), ((2, 0), (0, 2)), ((1, 0), (0, 0)), ((3, 3), (2, 6))]
    )
    def test_numbers(self, sizes, numbers):
        assert tuple(len(rows) for rows in roles(sizes)) == numbers


class TestDrawing:
    def test_by_age_the_newest_is_met_most_and_the_oldest_still(self):
        assert draw_weights([10, 20, 30, 40], "age", {}) == [1 / 4, 1 / 3, 1 / 2, 1]
        assert draw_weights([10, 20, 30, 40], "uniform", {}) == [1, 1, 1, 1]

    def test_by_rating_the_strong_are_met_more(self):
        strong, weak = ({team: Rating(mu, 1.0) for team in ("hiders", "seekers")} for mu in (30.0, 10.0))
        ratings = {10: weak, 20: strong, 40: strong}
        weights = draw_weights([10, 11, 20, 40], "rating", ratings)
        assert weights[2] == weights[3] == pytest.approx(0.5)
        assert weights[0] == weights[1] < 0.1  # 11 is like 10, the rated version nearest in age

    def test_fractions(self, folder):
        league = new_league(folder, beside=0.25, worlds=4000)
        league.begin_rollout(5)
        league.act(observe(4000), started(worlds=4000), torch.zeros(4000 * AGENTS, 5, dtype=torch.int64))
        past = league.seats > 0
        assert past.any(1).float().mean() == pytest.approx(0.3, abs=0.03)
        patterns = {
            tuple(row.tolist()): int(count) for row, count in zip(*past.unique(dim=0, return_counts=True), strict=True)
        }
        assert set(patterns) == {(0, 0, 0), (1, 1, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0)}
        beside = patterns[1, 0, 0] + patterns[0, 1, 0]
        assert beside / (4000 - patterns[0, 0, 0]) == pytest.approx(0.25, abs=0.05)
        assert len(league.seats.unique()) == 1 + 2  # two versions at once
        assert all(len(row[row > 0].unique()) <= 1 for row in league.seats)

    def test_seats_are_kept_until_the_episode_ends(self, folder):
        league = new_league(folder)
        actions = torch.zeros(WORLDS * AGENTS, 5, dtype=torch.int64)
        league.begin_rollout(5)
        league.act(observe(), started(), actions)
        before = league.seats.clone()
        league.begin_rollout(6)
        league.act(observe(), started(False), actions)
        assert torch.equal(league.seats, before)
        ended = torch.zeros(WORLDS, dtype=torch.bool)
        ended[: WORLDS // 2] = True
        league.act(observe(), ended.repeat_interleave(AGENTS), actions)
        assert torch.equal(league.seats[WORLDS // 2 :], before[WORLDS // 2 :])
        assert not torch.equal(league.seats[: WORLDS // 2], before[: WORLDS // 2])

    def test_nobody_plays_without_versions_or_without_a_folder(self, folder):
        for league, iteration in (
            (new_league(folder), 0),
            (new_league(None), 5),
            (new_league(folder, fraction=0.0), 5),
        ):
            league.begin_rollout(iteration)
            actions = torch.ones(WORLDS * AGENTS, 5, dtype=torch.int64)
            assert league.act(observe(), started(), actions) is actions
            assert league.own.all()

    def test_processes_draw_the_seats_of_one_process(self, folder):
        whole = new_league(folder)
        parts = [new_league(folder, FakeRanks(rank, 2)) for rank in range(2)]
        for league in (whole, *parts):
            league.begin_rollout(5)
            n = league.num_worlds
            league.act(observe(n), started(worlds=n), torch.zeros(n * AGENTS, 5, dtype=torch.int64))
        assert torch.equal(whole.seats, torch.cat([league.seats for league in parts]))


@dataclasses.dataclass(frozen=True)
class FakeRanks(Ranks):
    """Several processes that are not connected."""


class TestPlay:
    def test_every_seat_is_played_by_its_version(self, folder):
        league = new_league(folder)
        newest = torch.full((WORLDS * AGENTS, 5), 9)
        for iteration in (3, 5):
            league.begin_rollout(iteration)
            for step in range(3):
                actions = league.act(observe(), started(step == 0), newest)
                expected = torch.where(league.seats.flatten() > 0, league.seats.flatten(), 9)
                assert torch.equal(actions[:, 0], expected)
                assert torch.equal(league.own, league.seats.flatten() == 0)

    def test_memories_are_kept_apart(self, folder, tmp_path):
        """A seat plays like the version alone would, fed with what the seat saw since the episode began."""
        league = new_league(folder, at_once=5)
        for version in range(1, 6):
            policy = make_policy()
            torch.nn.init.normal_(policy.action_head.linear.weight)
            folder.save(version, {f"policy.{k}": v for k, v in policy.state_dict().items()}, {})
        league.begin_rollout(5)
        newest = torch.zeros(WORLDS * AGENTS, 5, dtype=torch.int64)
        history = [observe() for _ in range(4)]
        for step, obs in enumerate(history):
            league.act(obs, started(step == 0), newest)
        for player in league._players.players:
            version, policy, rows = player.version, player.policy, player.rows
            assert (league.seats.flatten()[rows] == version).all()
            state = policy.initial_state(len(rows))
            for step, obs in enumerate(history):
                seen = {name: values[rows] for name, values in obs.items()}
                *_, state = policy.act(seen, state, started(step == 0)[rows])
            torch.testing.assert_close(league._memory[0, rows], state.actor_h)
        assert len(league._players.players) == 5

    def test_an_episode_that_ends_in_a_rollout_hands_its_seats_over(self, folder):
        """The version that leaves plays its last step, the next one its first; neither sees the other's memory."""
        league = new_league(folder, at_once=5, fraction=1.0)
        newest = torch.full((WORLDS * AGENTS, 5), 9)
        league.begin_rollout(5)
        league.act(observe(), started(), newest)
        leaving = league.seats.clone()
        league.begin_rollout(6)
        ends = torch.zeros(WORLDS, dtype=torch.bool)
        ends[::2] = True
        last = league.act(observe(), started(False), newest)
        assert torch.equal(last[:, 0], torch.where(leaving > 0, leaving, 9).flatten())
        first = league.act(observe(), ends.repeat_interleave(AGENTS), newest)
        coming = torch.where(ends[:, None], league._next_seats, leaving)
        assert (coming != leaving).any() and torch.equal(league.seats, coming)
        assert torch.equal(first[:, 0], torch.where(coming > 0, coming, 9).flatten())

    def test_a_version_that_cannot_be_read_gives_its_seats_back(self, folder, capsys):
        league = new_league(folder, at_once=1)
        league.begin_rollout(5)
        league.act(observe(), started(), torch.zeros(WORLDS * AGENTS, 5, dtype=torch.int64))
        (version,) = league.seats.unique()[1:].tolist()
        again = new_league(folder, at_once=1)
        again.load_state_dict(league.state_dict())
        folder.file(version).unlink()
        again.begin_rollout(1 if version != 1 else 2)
        assert not (again.seats == version).any()
        assert "plays without it" in capsys.readouterr().out

    def test_state_and_ratings_round_trip(self, folder):
        league, twin = new_league(folder), new_league(folder)
        newest = torch.zeros(WORLDS * AGENTS, 5, dtype=torch.int64)
        league.begin_rollout(5)
        league.act(observe(), started(), newest)
        league.ratings = {5: {"hiders": Rating(20.0, 3.0), "seekers": Rating(30.0, 2.0)}}
        twin.load_state_dict(league.state_dict())
        twin.ratings_from_tensor(league.ratings_to_tensor())
        assert twin.ratings == league.ratings
        obs = observe()
        for each in (league, twin):
            each.begin_rollout(6)
        assert torch.equal(league.act(obs, started(False), newest), twin.act(obs, started(False), newest))
        assert all(torch.equal(tensor, twin.state_dict()[name]) for name, tensor in league.state_dict().items())

    def test_loading_uses_up_no_random_numbers_of_the_run(self, folder):
        league = new_league(folder)
        before = torch.get_rng_state()
        league.begin_rollout(5)
        assert torch.equal(before, torch.get_rng_state())

    def test_returns_against_past_opponents(self):
        league = new_league(worlds=4)
        league.seats = torch.tensor([[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]])
        rewards = torch.tensor([[9.0, 9.0, 1.0], [2.0, 4.0, 9.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
        there = torch.ones(4, 3, dtype=torch.bool)
        for done in (torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)):
            league.add(rewards, done, there, done)
        assert league.pop() == {
            "selfplay/league_fraction": 0.75,
            "selfplay/return_against_past/hiders": 6.0,
            "selfplay/return_against_past/seekers": 2.0,
        }
        assert league.pop() == {}

    def test_returns_of_episodes_that_do_not_count_are_left_out(self):
        """World 1 began in a kept state, say; the hiders of world 0 earned 3 against a past seeker."""
        league = new_league(worlds=2)
        league.seats = torch.tensor([[0, 0, 1], [0, 0, 1]])
        rewards, there = torch.tensor([[3.0, 3.0, 0.0], [9.0, 9.0, 0.0]]), torch.ones(2, 3, dtype=torch.bool)
        league.add(rewards, torch.tensor([True, True]), there, torch.tensor([True, False]))
        assert league.pop() == {"selfplay/league_fraction": 1.0, "selfplay/return_against_past/hiders": 3.0}

    def test_absent_agents_are_in_no_mean_and_on_no_side(self):
        """World 0: one hider against a past seeker earns 4. World 1: of two past hiders one is there, a whole team: the
        seeker earns 2. World 2: the past version was given an absent seat, and nobody of the past plays. World 3: an
        absent hider does not make the past one beside it any less of a team: the seeker earns 6."""
        league = new_league(worlds=4)
        league.seats = torch.tensor([[0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 0]])
        present = torch.tensor([[True, False, True], [True, False, True], [True, False, True], [True, False, True]])
        rewards = torch.tensor([[4.0, 0.0, 1.0], [3.0, 0.0, 2.0], [5.0, 0.0, 5.0], [7.0, 0.0, 6.0]])
        done = torch.ones(4, dtype=torch.bool)
        league.add(rewards, done, present, done)
        assert league.pop() == {
            "selfplay/league_fraction": 0.75,
            "selfplay/return_against_past/hiders": 4.0,
            "selfplay/return_against_past/seekers": 4.0,
        }


class TestRandomPlay:
    def test_share(self, folder):
        league = new_league(folder, fraction=0.5, random_share=0.4, worlds=4000)
        league.begin_rollout(5)
        league.act(observe(4000), started(worlds=4000), torch.zeros(4000 * AGENTS, 5, dtype=torch.int64))
        random, any_past = (league.seats == RANDOM_PLAYER).any(1), (league.seats != NEWEST).any(1)
        assert any_past.float().mean() == pytest.approx(0.5, abs=0.03)
        assert random.float().mean() == pytest.approx(0.2, abs=0.03)
        assert not (random & (league.seats > 0).any(1)).any()

    def test_every_action_is_as_likely_as_any_other(self, folder):
        """400 worlds for 50 steps: about 12,000 actions on its seats; nobody else's actions change."""
        league = new_league(folder, fraction=1.0, random_share=0.5)
        newest = torch.full((WORLDS * AGENTS, 5), 99)
        league.begin_rollout(5)
        chosen = []
        for step in range(50):
            actions = league.act(observe(), started(step == 0), newest)
            random = league.seats.flatten() == RANDOM_PLAYER
            assert (actions[league.own] == 99).all() and not league.own[random].any()
            assert torch.equal(actions[:, 0] == league.seats.flatten(), league.seats.flatten() > 0)
            chosen.append(actions[random])
        chosen = torch.cat(chosen)
        for dimension, bins in enumerate(BINS):
            counts = chosen[:, dimension].bincount(minlength=bins)
            assert len(counts) == bins
            torch.testing.assert_close(counts / len(chosen), torch.full((bins,), 1 / bins), atol=0.02, rtol=0)

    def test_it_plays_when_all_past_versions_are_drawn_away(self, folder):
        league = new_league(folder, fraction=1.0, random_share=1.0)
        league.begin_rollout(5)
        actions = league.act(observe(), started(), torch.full((WORLDS * AGENTS, 5), 99))
        assert not league._players and set(league.seats.unique().tolist()) == {RANDOM_PLAYER, NEWEST}
        assert torch.equal((actions < 99).all(1), ~league.own)
        league.begin_rollout(6)  # It is no version whose file could be missing.
        assert (league.seats == RANDOM_PLAYER).any()

    def test_processes_play_the_actions_of_one_process(self, folder):
        whole = new_league(folder, fraction=1.0, random_share=0.5)
        parts = [new_league(folder, FakeRanks(rank, 2), fraction=1.0, random_share=0.5) for rank in range(2)]
        played = []
        for league in (whole, *parts):
            league.begin_rollout(5)
            n = league.num_worlds
            actions = league.act(observe(n), started(worlds=n), torch.full((n * AGENTS, 5), 99))
            played.append(torch.where((league.seats.flatten() == RANDOM_PLAYER)[:, None], actions, 0))
        assert torch.equal(played[0], torch.cat(played[1:]))


def test_side_by_side_or_one_after_the_other(folder, monkeypatch):
    """It makes no difference to what is played, but for rounding, which no action here hangs on."""
    from train.league import seated_versions

    played = []
    for limit in (1, 99):
        monkeypatch.setattr(seated_versions, "SIDE_BY_SIDE", limit)
        torch.manual_seed(1)
        league = new_league(folder, at_once=5, fraction=1.0)
        league.begin_rollout(5)
        assert len(league._players.players) == 5
        steps = [league.act(observe(), started(step == 0), torch.full((WORLDS * AGENTS, 5), 9)) for step in range(3)]
        played.append((torch.stack(steps), league._memory))
    assert torch.equal(played[0][0], played[1][0])
    torch.testing.assert_close(played[0][1], played[1][1])
