"""Players of a game for one team: the same episodes, early ends, hand-computed means, differences and ratios."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from train.cli import main
from train.evaluation.solo_matches import AloneEvaluation, evaluate_alone
from train.runs.metrics import read_metrics


class CountdownEnv:
    """One agent. Episode n of world w ends after 3 + n + w presses, else after 6 steps; ``broken`` ones do not count.

    The return is 10 minus the length.
    """

    num_agents = 1
    scenario = SimpleNamespace(hiders=1)

    def __init__(self, num_worlds, broken=()):
        self.num_worlds, self.broken, self.num_diverged = num_worlds, set(broken), 0

    def reset(self):
        self.episode, self.time, self.pressed = (torch.zeros(self.num_worlds, dtype=torch.long) for _ in range(3))
        return {"self": torch.zeros(self.num_worlds, 1, 1)}

    def step(self, actions):
        self.time += 1
        self.pressed += actions[:, 0, 4]
        reached = self.pressed >= 3 + self.episode + torch.arange(self.num_worlds)
        done = reached | (self.time == 6)
        diverged = torch.tensor([(w, int(e)) in self.broken for w, e in enumerate(self.episode)])
        done |= diverged
        counted = done & ~diverged
        self.num_diverged += int(diverged.sum())
        length = self.time[counted].float()
        statistics = {"return/hiders": 10 - length, "completed": reached[counted].float(), "length": length}
        self.episode[done] += 1
        self.time[done] = 0
        self.pressed[done] = 0
        live = torch.ones(self.num_worlds, dtype=torch.bool)
        obs = {"self": torch.zeros(self.num_worlds, 1, 1)}
        return SimpleNamespace(obs=obs, done=done, live=live, hiders_seen=~live, statistics=statistics, counted=counted)

    def refill(self):
        pass

    def close(self):
        pass


class Presser:
    """Presses lock in every step, or never."""

    def __init__(self, name, press):
        self.name, self.press = name, press

    def begin(self, num_sequences):
        pass

    def act(self, obs, started):
        actions = torch.zeros(len(started), 1, 5, dtype=torch.long)
        actions[..., 4] = self.press
        return actions


def test_two_players():
    """Pressing ends episodes after 3, 4 | 4, 5 steps (world 0 | 1); not pressing after 6, all of them."""
    players = [Presser("fast", 1), Presser("slow", 0)]
    result = evaluate_alone(lambda: CountdownEnv(2), players, episodes=4, seed=0)
    assert result.names == ["return", "completed", "length"]
    assert result.players["fast"]["length"].tolist() == [3, 4, 4, 5]
    assert result.players["slow"]["length"].tolist() == [6] * 4
    assert result.mean("fast", "return").value == 6
    assert result.difference("return").value == 2
    assert result.ratio("length").value == pytest.approx(16 / 24)
    assert result.mean("fast", "completed").to_plain() == {"value": 1.0, "low": 1.0, "high": 1.0}
    plain = result.to_plain()
    assert plain["episodes"] == 4
    assert plain["difference"]["completed"]["value"] == 1.0
    assert plain["ratio"]["completed"]["value"] is None  # Nobody else completed one.
    rows = list(csv.reader(io.StringIO(result.to_csv())))
    assert rows[0] == ["player", "episode", "return", "completed", "length"]
    assert rows[1] == ["fast", "0", "7", "1", "3"] and len(rows) == 9


def test_broken_episodes_are_played_again():
    result = evaluate_alone(lambda: CountdownEnv(1, {(0, 0), (0, 2)}), [Presser("a", 1)], episodes=2, seed=0)
    assert result.players["a"]["length"].tolist() == [4, 6]
    assert result.diverged == 2
    assert result.remarks()[1] == "2 worlds were reset because of NaN physics; these episodes do not count"


def test_only_episodes_of_the_same_layout_are_pairs():
    """Pressing takes 3 + n steps in episode n; the first player's episode 1 breaks, so that it plays 0, 2 and 3."""
    envs = iter([CountdownEnv(1, {(0, 1)}), CountdownEnv(1)])
    result = evaluate_alone(lambda: next(envs), [Presser("a", 1), Presser("b", 0)], episodes=3, seed=0)
    assert result.players["a"]["length"].tolist() == [3, 5, 6]
    assert result.difference("length").value == pytest.approx((3 - 6 + 5 - 6) / 2)
    assert result.ratio("length").value == pytest.approx(8 / 12)
    assert result.to_plain()["pairs"] == 2
    assert result.remarks()[1].endswith("and 2 of 3 pairs are left to compare")
    assert [row.split(",")[1] for row in result.to_csv().splitlines()[1:]] == ["0", "2", "3", "0", "1", "2"]


def test_three_players_have_no_difference():
    players = [Presser(name, 1) for name in "abc"]
    result = evaluate_alone(lambda: CountdownEnv(2), players, episodes=2, seed=0)
    assert "difference" not in result.to_plain()
    assert [column.header for column in result.table().columns] == ["mean over episodes", "a", "b", "c"]


def test_unknown_numbers_are_left_out():
    numbers = {"return": np.array([1.0, np.nan, 3.0])}
    layouts = dict.fromkeys("ab", np.arange(3))
    result = AloneEvaluation({"a": numbers, "b": {"return": np.array([1.0, 5.0, 1.0])}}, layouts, 0, 0)
    assert result.mean("a", "return").value == 2
    assert result.difference("return").value == 1
    assert result.ratio("return").value == 2


@pytest.mark.parametrize(("wavering", "ratio"), [([1.0, 3.0], 2.0), ([-1.0, 3.0], None), ([0.0, 4.0], 2.0)])
def test_means_that_may_have_either_sign_have_no_ratio(wavering, ratio):
    numbers = {"a": {"return": np.array(wavering * 2)}, "b": {"return": np.ones(4)}}
    result = AloneEvaluation(numbers, dict.fromkeys("ab", np.arange(4)), 0, 0)
    assert result.ratio("return").to_plain()["value"] == ratio


def test_command(tmp_path, capsys):
    """A short run of a task with an early end, judged against random play and beside itself."""
    run = tmp_path / "run"
    options = "--iterations 1 --num-worlds 4 --ppo.rollout-steps 40 --ppo.chunk-length 20 --ppo.epochs 1"
    changes = "--ppo.minibatches 1 --threads 1 --scenario.horizon 20 --scenario.blueprint.radius 5"
    assert main(["train", "blueprint/small", *options.split(), *changes.split(), "--run-dir", str(run)]) == 0
    assert read_metrics(run / "metrics.jsonl")[-1]["stats/completed"] == 1.0
    capsys.readouterr()
    few = ["--episodes", "4", "--num-worlds", "2", "--threads", "1"]
    assert main(["evaluate", str(run), *few, "--json", str(tmp_path / "a.json")]) == 0
    out = capsys.readouterr().out
    assert "completed" in out and "trained" in out and "nan" not in out
    assert main(["evaluate", str(run), "random", str(run), *few, "--csv", str(tmp_path / "a.csv")]) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 3 * 4
    assert main(["evaluate", str(run), "random", *few, "--png", str(tmp_path / "a.png")]) == 2
