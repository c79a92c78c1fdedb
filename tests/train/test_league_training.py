"""Training with the league, with a policy of its own for each team, and what a run shows at its end."""

import dataclasses

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from policies.teams import TeamPolicies
from tests.train.test_trainer import TINY, numbers, resume, train
from train.config.league_config import LeagueConfig
from train.config.train_config import ReportConfig
from train.league.past_versions import VersionFolder
from train.runs.checkpoints import load_checkpoint
from train.runs.metrics import read_metrics
from train.runs.saved_policy import load_policy
from train.trainer import Trainer

LEAGUE = dataclasses.replace(
    TINY,
    threads=1,
    league=LeagueConfig(fraction=0.6, interval=1, size=2, rating_interval=2, rating_episodes=2, rating_opponents=1),
    report=ReportConfig(histogram_interval=2),
    scenario=dataclasses.replace(TINY.scenario, hiders=2, horizon=20),
)
"""Versions 1, then 1 and 2, then 2, then 2 and 4: the pool is thinned."""


@pytest.fixture(scope="module")
def league_run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("league") / "a", LEAGUE)


class TestLeague:
    def test_versions_are_kept_thinned_and_can_be_evaluated(self, league_run):
        names = sorted(file.name for file in league_run.league.iterdir())
        assert names[-1] == "version-0000004.safetensors" and len(names) <= 3
        saved = load_policy(league_run.league / "version-0000004.safetensors")
        assert saved.iteration == 4

    def test_versions_are_pruned_by_whole_checkpoints_alone(self, tmp_path, monkeypatch):
        """Files of later iterations, and those that were cut short, do not say what a run can go on from."""
        asked = []
        monkeypatch.setattr(VersionFolder, "prune", lambda self, oldest, now: asked.append((oldest, now)))
        config = dataclasses.replace(LEAGUE, iterations=2, checkpoint_interval=1, keep_checkpoints=2)
        run = train(tmp_path / "a", config)
        asked.clear()
        run.checkpoints.file(90).write_bytes(b"half")
        run.checkpoints.file(1).write_bytes(b"half")
        resume(run, dataclasses.replace(config, iterations=4))
        span = config.scenario.horizon // config.ppo.rollout_steps + 1
        assert asked == [(max(2 - span, 0), 3), (max(3 - span, 0), 4)]

    def test_metrics(self, league_run):
        lines = read_metrics(league_run.metrics_file)
        assert any(line.get("selfplay/league_fraction", 0) > 0 for line in lines)
        assert [("selfplay/rating" in line) for line in lines] == [False, True, False, True]
        assert lines[-1]["selfplay/rating"] == pytest.approx(
            (lines[-1]["selfplay/rating_hiders"] + lines[-1]["selfplay/rating_seekers"]) / 2
        )
        assert all("perf/league_seconds" in line for line in lines)
        board = EventAccumulator(str(league_run.path), size_guidance={"histograms": 0}).Reload()
        histogram = board.Histograms("actions/hiders/force_x")
        assert [event.step for event in histogram] == [180, 360]
        assert len(histogram[0].histogram_value.bucket) == 11

    @pytest.mark.parametrize("stop_after", [3])
    def test_resume_is_exact(self, league_run, tmp_path, stop_after):
        run = train(tmp_path / "b", LEAGUE, stop_after=stop_after)
        resume(run, LEAGUE)
        assert numbers(run) == numbers(league_run)
        first, second = (load_checkpoint(r.checkpoints.file(4)) for r in (league_run, run))
        assert first.tensors.keys() == second.tensors.keys()
        assert all(torch.equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())
        assert "ratings.table" in first.tensors and first.tensors["league.seats"].shape == (3, 3)

    def test_what_past_versions_do_is_never_learned_from(self, league_run, monkeypatch):
        """Past versions' steps carry data that say whose they are; the update must be the same without them."""
        results = []
        for noise in (0.0, 50.0):
            trainer = Trainer(LEAGUE)
            trainer.restore(load_checkpoint(league_run.checkpoints.file(4)), "x")
            trainer.league.open(VersionFolder(league_run.league, 1, 2, print))
            foreign = 0
            for _ in range(2):
                trainer.collect()
                others = ~trainer.buffer.own
                foreign += int(others.sum())
                for table in (trainer.buffer.rewards, trainer.buffer.values, trainer.buffer.log_probs):
                    table[others] += noise
                trainer.buffer.observation["self"][others] += noise
                trainer.buffer.actions[others] = int(noise > 0)
                losses = trainer.learners.update(trainer.buffer, trainer.update_generator)
                trainer.iteration += 1
            assert foreign > 50
            results.append((losses, trainer.policy.state_dict()))
            trainer.close()
        assert results[0][0] == results[1][0]
        assert all(torch.equal(tensor, results[1][1][name]) for name, tensor in results[0][1].items())

    def test_own_is_what_the_newest_policy_played(self, league_run):
        """A newest policy that always pushes hard: whoever does something else is not it."""
        trainer = Trainer(LEAGUE)
        trainer.restore(load_checkpoint(league_run.checkpoints.file(4)), "x")
        trainer.league.open(VersionFolder(league_run.league, 1, 2, print))
        with torch.no_grad():
            trainer.policy.action_head.linear.bias[10] = 1e4
        trainer.collect()
        pushes = trainer.buffer.actions[..., 0] == 10
        assert pushes[trainer.buffer.own].all()
        assert pushes[~trainer.buffer.own].float().mean() < 0.5
        trainer.close()


class TestSeparatePolicies:
    CONFIG = dataclasses.replace(TINY, separate_policies=True, iterations=3)

    def test_trains_resumes_and_plays(self, tmp_path):
        run = train(tmp_path / "a", self.CONFIG)
        again = train(tmp_path / "b", self.CONFIG, stop_after=2)
        resume(again, self.CONFIG)
        assert numbers(run) == numbers(again)
        assert {"losses/policy_loss", "losses/hiders/entropy", "losses/seekers/entropy"} <= set(numbers(run)[0])
        assert isinstance(load_policy(run.path).policy, TeamPolicies)

    def test_each_team_learns_from_its_own_steps(self):
        """Rewards of seekers alone: the hiders' network must not see them."""
        results = []
        for noise in (0.0, 5.0):
            trainer = Trainer(self.CONFIG)
            trainer.begin()
            trainer.collect()
            rewards = trainer.buffer.rewards.unflatten(2, (3, 2))
            rewards[..., 1] += noise * torch.arange(rewards.shape[0])[:, None, None]
            trainer.learners.update(trainer.buffer, trainer.update_generator)
            results.append(trainer.policy)
            trainer.close()
        hiders, seekers = ([policy.member(k).state_dict() for policy in results] for k in range(2))
        assert all(torch.equal(tensor, hiders[1][name]) for name, tensor in hiders[0].items())
        assert not all(torch.equal(tensor, seekers[1][name]) for name, tensor in seekers[0].items())


def test_the_end_of_a_run_shows_where_the_time_went(tmp_path, capsys):
    train(tmp_path / "a", dataclasses.replace(TINY, iterations=1))
    out = capsys.readouterr().out
    for part in ("environment", "inference", "learning", "saving"):
        assert f"\n{part}" in out
    (line,) = read_metrics(tmp_path / "a" / "metrics.jsonl")
    parts = sum(line[f"perf/{name}_seconds"] for name in ("environment", "inference", "storing", "league", "waiting"))
    assert parts == pytest.approx(line["perf/rollout_seconds"], rel=0.05)
