"""Imitation: what agents saw is found again exactly, and policies learn what was done."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.layouts import JUDGING, LayoutStream
from envs.observations import spec
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.envs.busy import BusyAgents
from tests.train.test_trainer import TINY
from train.cli import main
from train.config.presets import get_preset
from train.imitation.cloning import CloningOptions, clone, judge
from train.imitation.demonstrations import Demonstrations, demonstrations_of
from train.play.episode_files import save_episodes
from train.play.episodes import play_episode
from train.play.players import RandomPlayer, flatten_agents
from train.runs.run_folder import RunFolder
from train.runs.saved_policy import load_policy
from train.trainer import Trainer

SHORT = scenarios.get("hide-and-seek/quickstart", horizon=12, preparation_fraction=0.5)
NETWORK = NetworkConfig(embedding_size=8, attention_heads=2, hidden_size=16, lstm_size=16, lidar_filters=2)


class Watched:
    """Plays like another player, and keeps what it was shown."""

    def __init__(self, player):
        self.player, self.name, self.seen = player, player.name, []

    def begin(self, worlds):
        self.player.begin(worlds)

    def act(self, obs, started):
        self.seen.append({name: values.clone() for name, values in flatten_agents(obs).items()})
        return self.player.act(obs, started)


def play(scenario, number, make=lambda env: BusyAgents(env.num_agents, 5)):
    """Return episodes and, by episode, what was seen in each step."""
    env = BatchEnv(scenario, 1, 3, threads=1)
    layouts, seen, episodes = LayoutStream(scenario, 3, 1, domain=JUDGING), [], []
    for _ in range(number):
        player = Watched(make(env))
        player.begin(env)
        episodes.append(play_episode(env, player, layouts.draw(torch.zeros(1, dtype=torch.int64)), 3))
        seen.append(player.seen)
    env.close()
    return episodes, seen


def random_player(env):
    return RandomPlayer(env.scenario.action_bins, 1)


@pytest.mark.parametrize("name", ["hide-and-seek/quickstart", "hide-and-seek/random-teams", "lock-and-return"])
def test_what_agents_saw_is_found_again(name):
    """Up to what an episode's float32 poses keep."""
    fraction = {"preparation_fraction": 0.5} if name.startswith("hide") else {}
    scenario = scenarios.get(name, horizon=12, **fraction)
    episodes, seen = play(scenario, 3, random_player)
    found = demonstrations_of(episodes, threads=1)
    for number, steps in enumerate(seen):
        rows = slice(number * scenario.num_agents, (number + 1) * scenario.num_agents)
        for step, obs in enumerate(steps):
            for key, values in obs.items():
                assert torch.allclose(found.observation[key][step, rows].float(), values.float(), atol=1e-4), (
                    key,
                    step,
                )
        length = len(steps)
        present = episodes[number].layout.agent_present[0]
        assert (found.running[:length, rows] == present).all() and not found.running[length:, rows].any()
        assert (found.actions[:length, rows].numpy() == episodes[number].actions).all()


def test_steps_without_effect_are_not_learned():
    """Seekers are frozen in the first six of twelve steps; absent agents do nothing."""
    episodes, _ = play(SHORT, 2, random_player)
    found = demonstrations_of(episodes, threads=1)
    assert found.steps[:, 0].all() and not found.steps[:6, 1].any() and found.steps[6:, 1].all()
    scenario = scenarios.get("hide-and-seek/random-teams", horizon=6, preparation_fraction=0.5)
    episodes, _ = play(scenario, 4, random_player)
    found = demonstrations_of(episodes, threads=1)
    present = torch.cat([episode.layout.agent_present[0] for episode in episodes])
    assert not present.all() and torch.equal(found.steps.any(0), present)


def test_absent_agents_teach_nothing():
    """Whatever their rows hold, neither normalisers nor the critic learn from it; a batch may have nobody else."""
    scenario = scenarios.get("hide-and-seek/random-teams", horizon=6, preparation_fraction=0.5)
    every = demonstrations_of(play(scenario, 4, random_player)[0], threads=1)
    absent = ~every.running.any(0)
    assert absent.any()
    changed = dataclasses.replace(
        every,
        observation={key: values.clone() for key, values in every.observation.items()},
        rewards=torch.where(absent, 7.0, every.rewards),
    )
    changed.observation["self"][:, absent] = 100.0
    learned = []
    for some in (every, changed):
        torch.manual_seed(0)
        policy = ActorCritic(ObservationSpec.from_dict(spec(scenario)), scenario.action_bins, NETWORK)
        clone(policy, some, every, CloningOptions(epochs=1, batch=1), 0.99, lambda *_: None)
        learned.append(policy.state_dict())
    assert all(torch.equal(tensor, learned[1][name]) for name, tensor in learned[0].items())


def test_shorter_episodes_end_earlier():
    episodes, _ = play(SHORT, 2, random_player)
    cut = dataclasses.replace(
        episodes[1],
        actions=episodes[1].actions[:4],
        rewards=episodes[1].rewards[:4],
        live=episodes[1].live[:4],
        states={name: values[:5] for name, values in episodes[1].states.items()},
    )
    found = demonstrations_of([episodes[0], cut], threads=1)
    assert found.running.sum(0).tolist() == [12, 12, 4, 4]
    assert not found.steps[4:, 2:].any() and not found.rewards[4:, 2:].any()


def test_returns_by_hand():
    rewards = torch.tensor([[1.0], [0.0], [2.0]])
    table = Demonstrations({}, torch.zeros(3, 1, 5), rewards, rewards > 0, rewards >= 0)
    assert table.returns(0.5).flatten().tolist() == [1 + 0 + 0.25 * 2, 1.0, 2.0]


def test_a_policy_learns_what_it_must_remember_and_is_judged_by_others():
    episodes, _ = play(SHORT, 40, random_player)
    every = demonstrations_of(episodes, threads=1)
    heading = (every.observation["self"][0, :, 0] > 3.0).long()  # Where it began: left or right.
    every = dataclasses.replace(every, actions=heading[None, :, None].expand_as(every.actions).clone())
    learned, held_out = every.select(torch.arange(60)), every.select(torch.arange(60, 80))
    torch.manual_seed(0)
    policy = ActorCritic(ObservationSpec.from_dict(spec(SHORT)), SHORT.action_bins, NETWORK)
    before = judge(policy, held_out)
    lines = []
    options = CloningOptions(epochs=25, batch=8, learning_rate=3e-3)
    cloned = clone(policy, learned, held_out, options, 0.99, lambda *line: lines.append(line))
    assert len(lines) == 25 and not cloned.stopped
    assert cloned.score == judge(policy, held_out) == min((line[2] for line in lines), key=lambda score: score.nats)
    assert cloned.score.nats < 0.3 * before.nats and min(cloned.score.accuracy) > 0.85
    share = float(heading[60:].float().mul(every.steps[:, 60:].float()).sum() / every.steps[:, 60:].sum())
    common = int(every.actions[:, :60][every.steps[:, :60]].float().mean() > 0.5)
    assert cloned.commonest == pytest.approx([share if common else 1 - share] * 5, abs=1e-6)


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    file = tmp_path_factory.mktemp("episodes") / "mine.npz"
    save_episodes(file, play(SHORT, 6, random_player)[0])
    return file


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    config = dataclasses.replace(get_preset("quickstart"), network=NETWORK, num_worlds=3, ppo=TINY.ppo)
    monkeypatch.setattr("train.commands.imitate.choose", lambda *_: config)


def test_the_result_is_a_run_that_plays_trains_and_starts_others(recorded, tmp_path, capsys):
    run = RunFolder(tmp_path / "clone")
    words = ["imitate", str(recorded), "--epochs", "2", "--run-dir", str(run.path), "--held-out", "0.34"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "2 episodes are held out" in out and "epoch 2/2" in out and "held-out accuracy" in out
    assert "next: hideseek stages" in out
    about = json.loads((run.path / "imitation.json").read_text())
    assert about["episodes"] == 6 and set(about["held_out_accuracy"]) == {
        "force_x",
        "force_y",
        "torque",
        "grab",
        "lock",
    }
    saved = load_policy(run.path)
    assert saved.iteration == 0 and saved.config.scenario == SHORT
    assert main(["train", "--resume", str(run.path), "--iterations", "1"]) == 0
    assert run.checkpoints.iterations() == [0, 1]
    file = run.checkpoints.file(0)
    weights = load_policy(file).policy.state_dict()
    assert all(np.array_equal(weights[name], tensor) for name, tensor in saved.policy.state_dict().items())


def test_ended_while_it_writes_leaves_no_run(recorded, tmp_path, monkeypatch):
    """Between the configuration and the checkpoint; a kill is tested with ``whole_run``."""
    run = RunFolder(tmp_path / "clone")

    def die(_trainer, folder):
        assert folder.config_file.is_file() and not run.path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "save", die)
    assert main(["imitate", str(recorded), "--epochs", "1", "--run-dir", str(run.path)]) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_market_has_six_components_and_one_network(tmp_path, monkeypatch, capsys):
    market = get_preset("trade/night-market")
    assert market.agent_policies
    config = dataclasses.replace(
        market, network=NETWORK, num_worlds=4, ppo=dataclasses.replace(market.ppo, minibatches=1)
    )
    monkeypatch.setattr("train.commands.imitate.choose", lambda *_: config)
    save_episodes(tmp_path / "x.npz", play(market.scenario, 3, random_player)[0])
    run = RunFolder(tmp_path / "clone")
    assert main(["imitate", str(tmp_path / "x.npz"), "--epochs", "1", "--run-dir", str(run.path)]) == 0
    out = capsys.readouterr().out
    assert "game_0" in out and "next: hideseek watch" in out
    about = json.loads((run.path / "imitation.json").read_text())
    assert [*about["held_out_accuracy"]] == [*about["commonest_bin"]]
    assert [*about["commonest_bin"]] == ["force_x", "force_y", "torque", "grab", "lock", "game_0"]
    saved = load_policy(run.path)
    assert isinstance(saved.policy, ActorCritic) and saved.policy.action_bins == market.scenario.action_bins


def test_a_clone_that_diverges_is_a_line_and_leaves_nothing(recorded, tmp_path, capsys):
    words = ["imitate", str(recorded), "--epochs", "3", "--learning-rate", "1e30", "--run-dir", str(tmp_path / "x")]
    assert main(words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "the clone became NaN in epoch 1; lower --learning-rate 1e+30" in error
    assert list(tmp_path.iterdir()) == []


def test_impossible_requests_are_a_line_and_write_nothing(recorded, tmp_path, capsys):
    other = tmp_path / "other.npz"
    save_episodes(other, play(dataclasses.replace(SHORT, horizon=8), 1, random_player)[0])
    single = tmp_path / "single.npz"
    save_episodes(single, play(SHORT, 1, random_player)[0])
    for words, said in [
        ([], "name episode files"),
        ([tmp_path / "no.npz"], "no episode file at"),
        ([recorded, other], "of hide-and-seek/quickstart with other options; imitate one scenario"),
        ([single], "1 episode is too few"),
        ([recorded, "--run-dir", tmp_path], "already exists"),
        ([recorded, "--epochs", "0"], "--epochs is 0"),
    ]:
        folder = [] if "--run-dir" in words else ["--run-dir", tmp_path / "x"]
        assert main(["imitate", *map(str, [*words, *folder])]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "x").exists()
