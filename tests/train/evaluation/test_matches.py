from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from envs.batch_env import BatchEnv
from envs.layouts import LayoutBank
from envs.options.scenario_options import BlueprintOptions
from envs.scenarios import get
from train.commands.evaluate import _verdict
from train.evaluation.matches import evaluate, play_match
from train.play.players import RandomPlayer, StillPlayer

BINS, NO_ACTION = (11, 11, 11, 2, 2), (5, 5, 5, 0, 0)


@dataclass
class FakeEnv:
    """Two agents; 4-step episodes with 2 live steps. A hider is seen in a live step if the seeker's first action is 10.

    ``broken`` names (world, step) at which a world's physics fails: its episode ends and is left out of the statistics.
    """

    num_worlds: int
    broken: set = field(default_factory=set)
    num_agents: int = 2
    num_diverged: int = 0
    scenario: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(hiders=1, horizon=4))
    closed: bool = False

    def observe(self):
        episode = self.episode.float()[:, None, None].expand(-1, 2, 1)
        return {"self": episode.clone()}

    def reset(self):
        self.time = torch.zeros(self.num_worlds, dtype=torch.long)
        self.episode = torch.zeros(self.num_worlds, dtype=torch.long)
        self.clock = 0
        return self.observe()

    def step(self, actions):
        assert actions.shape == (self.num_worlds, 2, 5) and actions.dtype == torch.int64
        live = self.time >= 2
        seen = actions[:, 1, 0] == 10
        diverged = torch.tensor([(w, self.clock) in self.broken for w in range(self.num_worlds)])
        self.clock += 1
        self.time += 1
        self.num_diverged += int(diverged.sum())
        done = (self.time == 4) | diverged
        counted = done & ~diverged
        number = int(counted.sum())
        statistics = {"return/hiders": self.episode[counted].float(), "return/seekers": torch.full((number,), 2.0)}
        self.time[done] = 0
        self.episode[done] += 1
        return SimpleNamespace(
            obs=self.observe(), done=done, live=live, hiders_seen=seen, statistics=statistics, counted=counted
        )

    def refill(self):
        pass

    def close(self):
        self.closed = True


class Scripted:
    """Presses 10 in every step of episodes whose number, as observed, is in ``eager``; records when it is restarted."""

    def __init__(self, eager, name="scripted"):
        self.eager, self.name = eager, name

    def begin(self, num_sequences):
        self.started = []

    def act(self, obs, started):
        self.started.append(started.tolist())
        press = torch.tensor([[int(e) in self.eager for e in world] for world in obs["self"][..., 0].tolist()])
        actions = torch.zeros(*press.shape, 5, dtype=torch.long)
        actions[..., 0] = 10 * press
        return actions


def test_episodes_are_in_order_of_rounds_then_worlds():
    match = play_match(FakeEnv(2), StillPlayer(NO_ACTION), Scripted({1}), episodes=5)
    assert match.seen.tolist() == [0, 0, 1, 1, 0]
    assert match.returns["hiders"].tolist() == [0, 0, 1, 1, 2]
    assert match.lengths.tolist() == [4] * 5


def test_only_the_seekers_player_moves_the_seekers():
    match = play_match(FakeEnv(1), Scripted({0, 1}), StillPlayer(NO_ACTION), episodes=2)
    assert match.seen.tolist() == [0, 0]


def test_players_hear_of_new_episodes():
    player = Scripted({0})
    play_match(FakeEnv(1), player, player, episodes=2)
    assert player.started == [[True]] + [[False]] * 3 + [[True]] + [[False]] * 3  # once per step although it plays both


def test_a_broken_world_plays_another_episode():
    match = play_match(FakeEnv(2, broken={(0, 1)}), StillPlayer(NO_ACTION), Scripted({1}), episodes=2)
    assert match.diverged == 1
    assert match.returns["hiders"].tolist() == [1, 0]
    assert match.seen.tolist() == [1, 0]
    assert match.layouts.tolist() == [2, 1]  # World 0's second, world 1's first.


def test_only_episodes_of_the_same_layout_are_pairs():
    """World 0 of 2 breaks in its second episode of the first match: layout 2 is missing there, 4 is played instead.

    The rival's seekers see in episodes 1 alone, the subject's in all: ratio 1 over 1 / 3 on layouts 0, 1 and 3.
    """
    envs = iter([FakeEnv(2, broken={(0, 5)}), *(FakeEnv(2) for _ in range(3))])
    result = evaluate(lambda: next(envs), Scripted(set(range(9)), "a"), Scripted({1}, "b"), episodes=4, seed=0)
    assert result.matches[0].layouts.tolist() == [0, 1, 4, 3] and result.matches[1].layouts.tolist() == [0, 1, 2, 3]
    assert (result.seekers_pairs, result.hiders_pairs) == (3, 4)
    assert result.seekers_ratio.value == pytest.approx(3)
    assert result.to_plain()["seekers_ratio"]["pairs"] == 3
    episodes = [row.split(",")[2] for row in result.to_csv().splitlines()[1:]]
    assert episodes == ["0", "1", "4", "3", *"0123" * 3]
    assert lines_of(result)[-1] == (
        "1 worlds were reset because of NaN physics; these episodes do not count, "
        "and 3 and 4 of 4 pairs are left to compare"
    )


def lines_of(result):
    return _verdict(result, "random")


def test_without_a_pair_there_is_no_ratio():
    envs = iter([FakeEnv(1, broken={(0, 1)}), *(FakeEnv(1) for _ in range(3))])
    result = evaluate(lambda: next(envs), Scripted({0, 1}, "a"), Scripted({0, 1}, "b"), episodes=1, seed=0)
    assert result.seekers_pairs == 0 and result.to_plain()["seekers_ratio"]["value"] is None
    assert result.hiders_ratio.value == 1.0
    assert "wanted >= 2: no" in lines_of(result)[1]


def test_worlds_whose_episodes_end_at_once_do_not_play_a_layout_twice():
    """The layouts of a GPU wait in a table, which must be filled as fast as short episodes use it up."""
    scenario = get("blueprint/small", horizon=20, blueprint=BlueprintOptions(sites=(1, 1), radius=5.0))
    env = BatchEnv(scenario, 2, threads=1)
    env._schedule.layouts = LayoutBank(scenario, 0, 2)
    match = play_match(env, StillPlayer(NO_ACTION), StillPlayer(NO_ACTION), episodes=30)
    assert (match.lengths == 1).all() and env.num_repeated_layouts == 0
    env.close()


def test_ratios_and_json():
    """The subject's seekers see always, the rival's in the even half of episodes: ratio 2. Its hiders change nothing:
    1."""
    envs = []

    def make_env():
        envs.append(FakeEnv(4))
        return envs[-1]

    result = evaluate(make_env, Scripted(set(range(9)), "a"), Scripted({0, 2}, "b"), episodes=16, seed=0)
    assert [(m.seekers, m.hiders) for m in result.matches] == [("a", "b"), ("b", "b"), ("b", "a"), ("a", "a")]
    assert [m.seen.mean() for m in result.matches] == [1.0, 0.5, 0.5, 1.0]
    assert result.seekers_ratio.value == 2.0
    assert result.hiders_ratio.value == 1.0
    assert result.hiders_ratio.low == result.hiders_ratio.high == 1.0
    assert all(env.closed for env in envs)
    plain = result.to_plain()
    assert plain["episodes"] == 16
    assert plain["seekers_ratio"]["value"] == 2.0
    assert plain["matches"][0]["seen_fraction"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert plain["matches"][0]["returns"]["seekers"]["value"] == 2.0
    assert len(result.to_csv().splitlines()) == 1 + 4 * 16


def test_random_player_uses_every_bin_equally_and_repeats_itself():
    player = RandomPlayer(BINS, seed=3)
    obs = {"self": torch.zeros(1000, 4, 1)}
    started = torch.zeros(1000, dtype=torch.bool)
    player.begin(4000)
    first = player.act(obs, started)
    assert first.shape == (1000, 4, 5)
    for component, bins in enumerate(BINS):
        share = np.bincount(first[..., component].flatten(), minlength=bins) / 4000
        assert len(share) == bins
        assert share == pytest.approx(1 / bins, abs=0.04)
    player.begin(4000)
    assert torch.equal(player.act(obs, started), first)
