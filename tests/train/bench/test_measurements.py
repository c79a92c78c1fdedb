"""The benchmark's arithmetic and tables."""

import dataclasses

import pytest
from rich.console import Console

from envs.errors import UserError
from tests.train.test_trainer import TINY
from train.bench import measurements
from train.bench.step_parts import PARTS, split, time_parts
from train.commands.bench import sweep_table
from train.config.league_config import LeagueConfig
from train.league.league import NEWEST, RANDOM_PLAYER
from train.trainer import Trainer


def test_parts_are_what_is_left_of_those_that_hold_others():
    seconds = {"physics": 5.0, "rays": 2.0, "observations": 1.0, "environment": 10.0, "policy": 3.0}
    seconds |= {"rollout": 14.0, "learning": 6.0}
    assert split(seconds, 2000) == pytest.approx(
        {"physics": 2.5, "rays": 1.0, "observations": 0.5, "rules": 1.0, "policy": 1.5, "rest": 0.5, "learning": 3.0}
    )


def test_every_part_is_measured_and_the_trainer_left_as_it_was():
    trainer = Trainer(TINY)
    trainer.begin()
    parts = time_parts(trainer)
    assert [*parts] == [*PARTS] and all(value > 0 for value in parts.values())
    for owner in (trainer, trainer.env, trainer.env._worlds, trainer.env.engine, trainer.learners):
        assert not {"step", "rays", "collect", "update", "advance", "observe"} & set(vars(owner))
    assert "act" not in vars(trainer.policy)


def test_sweep_stops_at_what_does_not_fit(monkeypatch):
    make = measurements.Trainer

    def trainer(config):
        if config.num_worlds == 4:
            raise UserError("4 worlds do not fit into the memory of 'cuda:0'; use fewer")
        return make(config)

    monkeypatch.setattr(measurements, "Trainer", trainer)
    configs = [dataclasses.replace(TINY, num_worlds=n) for n in (2, 3, 4, 5)]
    reports = measurements.sweep(configs, seconds=0.02, turns=1)
    assert [r["num_worlds"] for r in reports] == [2, 3, 4]
    assert reports[0]["memory"] is None and reports[1]["environment"] > 0
    console = Console(width=300, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(sweep_table(reports))
    lines = console.export_text().splitlines()
    assert len(lines) == 4 and "physics, ms" in lines[0] and "training, env steps/s" in lines[0]
    assert "do not fit" in lines[3]


def test_table_shows_memory():
    report = {
        "num_worlds": 4096, "engine": 3e5, "environment": 2e5, "inference": 1e5, "training": 5e4,
        "milliseconds_per_step": dict.fromkeys(PARTS, 1.25),
        "memory": {"in_use_bytes": 3 * 2**30, "torch_peak_bytes": 2**30},
    }  # fmt: skip
    console = Console(width=300, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(sweep_table([report]))
    assert [w for w in console.export_text().splitlines()[1].split()] == [
        "4,096", "300,000", "200,000", "100,000", "50,000", *["1.25"] * 7, "3.0", "GiB,", "torch", "1.0", "GiB"
    ]  # fmt: skip


def test_training_is_against_past_versions():
    """What is measured is what a run does: past versions and random play have seats, in the share that was
    asked for."""
    config = dataclasses.replace(
        TINY,
        num_worlds=16,
        league=LeagueConfig(fraction=1.0, random_share=0.5, at_once=2, interval=4, rating_interval=0),
    )
    benchmark = measurements.Benchmark(config)
    try:
        assert benchmark.run(0.01, 1, parts=["training"])["training"][0] > 0
        league = benchmark.trainer.league
        assert (league.seats > NEWEST).any() and (league.seats == RANDOM_PLAYER).any() and len(league._policies) >= 2
        assert benchmark.config.ppo.rollout_steps == config.ppo.rollout_steps
    finally:
        benchmark.close()


def test_gpu_speeds_are_of_whole_blocks(monkeypatch):
    """What queues work is waited for after a block of steps, and only then is the clock read."""
    benchmark = measurements.Benchmark(dataclasses.replace(TINY, num_worlds=2))
    monkeypatch.setattr(type(benchmark.env.engine), "queues", True)
    calls, waits = [], []
    monkeypatch.setattr(measurements, "synchronize", lambda device: waits.append(len(calls)))
    benchmark._rate(lambda: calls.append(0) or 2, 0.0)
    assert len(calls) == 16 and waits == [16]
