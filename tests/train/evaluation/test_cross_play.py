"""Cross-play of scripted players: who met whom, on which layouts, and whether ratings recover a known order."""

import csv
import io
from dataclasses import dataclass

import pytest
import torch

from envs.errors import UserError
from tests.train.evaluation.test_matches import FakeEnv, Scripted
from train.evaluation.cross_play import play_all
from train.evaluation.cross_play_tables import remarks, tables
from train.evaluation.heat_map import heat_map
from train.support.plotting import require_matplotlib


@dataclass
class TugEnv(FakeEnv):
    """Who presses more often wins: a hider is seen in a live step if the seeker presses and the hider does not."""

    def step(self, actions):
        pressed = actions[:, :, 0] == 10
        if not hasattr(self, "score"):
            self.score = torch.zeros(self.num_worlds)
        live = self.time >= 2
        seen = pressed[:, 1] & ~pressed[:, 0]
        self.score += torch.where(live, torch.where(seen, -1.0, 1.0), 0.0)
        result = super().step(actions)
        result.hiders_seen = seen
        result.statistics = {"return/hiders": self.score[result.done], "return/seekers": -self.score[result.done]}
        self.score[result.done] = 0
        return result


class Handicapped:
    """Presses, but for every k-th step, in which its action is random; worlds differ in which steps these are."""

    def __init__(self, k, seed):
        self.name, self.k, self.seed = f"every {k}", k, seed

    def begin(self, num_sequences):
        self.generator, self.steps = torch.Generator().manual_seed(self.seed), 0

    def act(self, obs, started):
        self.steps += 1
        worlds = torch.arange(len(started))
        actions = torch.zeros(len(worlds), 2, 5, dtype=torch.long)
        random = torch.randint(0, 11, (len(worlds), 2), generator=self.generator)
        actions[..., 0] = torch.where(((self.steps + worlds) % self.k == 0)[:, None], random, 10)
        return actions


def test_every_pairing_on_the_same_layouts():
    envs = []

    def make_env():
        envs.append(FakeEnv(2))
        return envs[-1]

    result = play_all(make_env, [Scripted({0}, "a"), Scripted(set(range(9)), "b")], episodes=4, seed=0)
    assert [[(m.hiders, m.seekers) for m in row] for row in result.matches] == [
        [("a", "a"), ("a", "b")],
        [("b", "a"), ("b", "b")],
    ]
    assert [[cell.value for cell in row] for row in result.seen] == [[0.5, 1.0], [0.5, 1.0]]
    assert len(envs) == 4 and all(env.closed for env in envs)
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [(row["hiders"], row["seekers"]) for row in rows] == [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    assert float(rows[1]["seen_fraction"]) == 1.0
    plain = result.to_plain()
    assert plain["players"] == ["a", "b"] and plain["episodes"] == 4
    assert plain["matches"][2]["hiders"] == "b"
    assert len(tables(result)) == 3 and len(remarks(result)) == 2


def test_games_compare_teams_that_met_the_same_opponent_on_the_same_layout():
    result = play_all(lambda: FakeEnv(2), [Scripted({0}, "a"), Scripted(set(), "b")], episodes=4, seed=0)
    assert result.games("hiders") == [{"a": float(n), "b": float(n)} for n in (0, 0, 0, 0, 1, 1, 1, 1)]


def test_games_leave_out_who_did_not_play_the_layout():
    """In the first match, a's hiders against a's seekers, world 0 breaks in its first episode: layout 0 is
    missing there."""
    envs = iter([FakeEnv(2, broken={(0, 1)}), *(FakeEnv(2) for _ in range(3))])
    result = play_all(lambda: next(envs), [Scripted({0}, "a"), Scripted(set(), "b")], episodes=4, seed=0)
    assert result.matches[0][0].layouts.tolist() == [2, 1, 4, 3]
    # By layout, and by the seekers met: a's, then b's.
    assert result.games("hiders") == [
        {"b": 0.0}, {"a": 0.0, "b": 0.0}, *[{"a": 0.0, "b": 0.0}] * 2, *[{"a": 1.0, "b": 1.0}] * 4, {"a": 2.0}
    ]  # fmt: skip
    assert result.incomplete == 4 and result.to_plain()["incomplete_games"] == 4
    assert remarks(result)[-1].endswith("4 games of the ratings are without a player for it")


@pytest.mark.parametrize("seed", range(3))
def test_ratings_recover_a_known_order(seed):
    """Every k-th action random, 200 episodes: the rarer, the better."""
    ks = [2, 16, 1, 4]
    players = [Handicapped(k, 10 * seed + number) for number, k in enumerate(ks)]
    result = play_all(lambda: TugEnv(20), players, episodes=200, seed=seed)
    assert result.ranking() == ["every 16", "every 4", "every 2", "every 1"]
    for team in ("hiders", "seekers"):
        ratings = result.ratings[team]
        assert ratings["every 16"].mu > ratings["every 2"].mu > ratings["every 1"].mu


def test_heat_map_is_a_picture():
    pytest.importorskip("matplotlib")
    result = play_all(lambda: FakeEnv(2), [Scripted({0}, "a"), Scripted(set(), "b")], episodes=4, seed=0)
    assert heat_map(result).startswith(b"\x89PNG")


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[reports\]'"):
        require_matplotlib()
