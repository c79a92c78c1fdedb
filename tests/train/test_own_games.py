"""Games of users that change hide-and-seek a little are hide-and-seek everywhere; games of another kind are not."""

import dataclasses
from types import SimpleNamespace

import pytest

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.games.hide_and_seek import HideAndSeek
from envs.games.trade import Trade
from tests.train.test_trainer import TINY, numbers, train
from train.cli import main
from train.config.presets import choose
from train.config.train_config import ReportConfig
from train.play.scripted import SCRIPTS
from train.stages.strategies import strategies_of
from train.sweep import runs
from train.transfer.starts import HIDE_AND_SEEK, _require_kind


class Shaped(HideAndSeek):
    """Hide-and-seek with half of the reward."""

    def judge(self, view):
        verdict = super().judge(view)
        verdict.reward = verdict.reward / 2
        return verdict


class Bazaar(Trade):
    """The Trading Game under another name."""


@pytest.fixture(autouse=True)
def own_games(monkeypatch):
    """Know two games more, for one test."""
    for name, game in (("shaped", Shaped), ("bazaar", Bazaar)):
        monkeypatch.setitem(scenarios.GAMES, name, game)


def shaped(scenario):
    return dataclasses.replace(scenario, name="custom/shaped", game="shaped")


def test_it_has_the_strategies_and_scripts_of_hide_and_seek():
    scenario = shaped(scenarios.QUICKSTART)
    assert strategies_of(scenario).keys() == strategies_of(scenarios.QUICKSTART).keys()
    for name in ("chaser", "blocker", "climber"):
        SCRIPTS[name].check(name, scenario)
    with pytest.raises(UserError, match="not the game trade"):
        SCRIPTS["trader"].check("trader", scenario)


def test_its_runs_look_for_stages(tmp_path):
    scenario, report = shaped(TINY.scenario), ReportConfig(stage_interval=1, stage_episodes=2)
    run = train(tmp_path / "a", dataclasses.replace(TINY, scenario=scenario, iterations=1, report=report))
    assert "stages/chasing" in numbers(run)[0]


def test_sweeps_judge_it_by_who_sees_whom(monkeypatch):
    match = SimpleNamespace(seen=[0.25, 0.75], returns={"hiders": [1.0]})
    monkeypatch.setattr(runs, "load_policy", lambda *_: SimpleNamespace(policy=None))
    monkeypatch.setattr(runs, "PolicyPlayer", lambda *_: None)
    monkeypatch.setattr(runs, "judging_match", lambda *_: match)
    config = dataclasses.replace(TINY, scenario=shaped(TINY.scenario))
    judged = runs.judge(config, SimpleNamespace(path=None), 2, lambda: False)
    assert judged == {runs.FINDING: 0.5, runs.HIDING: 0.5}


def test_its_policies_start_transfer():
    saved = SimpleNamespace(path="run", config=dataclasses.replace(TINY, scenario=shaped(TINY.scenario)))
    _require_kind(saved, HIDE_AND_SEEK)


def test_what_is_observed_without_a_preparation_phase_is_the_same():
    observed = []
    for scenario in (scenarios.QUADRANT, shaped(scenarios.QUADRANT)):
        env = BatchEnv(dataclasses.replace(scenario, preparation_fraction=0.0), 1, threads=1)
        env.reset()
        observed.append(env.step(env._actions.none.expand(1, env.num_agents, -1)).obs["self"])
        env.close()
    assert observed[0].equal(observed[1])


def test_a_trade_of_ones_own_needs_the_market():
    own = dataclasses.replace(scenarios.get("trade/lite"), name="custom/bazaar", game="bazaar")
    scenarios.validate(own)
    SCRIPTS["trader"].check("trader", own)
    with pytest.raises(UserError, match="trade and market only go together"):
        scenarios.validate(dataclasses.replace(own, layout="empty"))


def test_stages_of_what_has_none_are_refused_before_a_folder_is_made(tmp_path, capsys):
    folder = tmp_path / "run"
    words = ["train", "explore/small", "--report.stage-interval", "5", "--iterations", "1", "--run-dir", str(folder)]
    assert main(words) == 2
    assert "--report.stage-interval is 5; scenario 'explore/small' is not hide-and-seek" in capsys.readouterr().err
    assert not folder.exists()


def test_presets_look_for_stages_where_there_are_some():
    assert choose("hide-and-seek/door", "laptop").report.stage_interval == 50
    assert choose("lock-and-return", "laptop").report.stage_interval == 0
    assert choose("hide-and-seek/full", None).report.stage_interval > 0
