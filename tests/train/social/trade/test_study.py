"""``hideseek reproduce trade``, cut down until it takes seconds: every part of it runs, and says what it found."""

import json
from dataclasses import replace

import pytest

from envs.scenarios import get
from train.cli import main
from train.play.scripted import ScriptedPlayer
from train.social.trade import conditions, findings, training
from train.social.trade.episodes import play
from train.social.trade.probes import PROBES, probe, probes_for


@pytest.fixture
def tiny(monkeypatch):
    """Few worlds and short runs."""
    for name in ("NIGHT_MARKET", "LITE"):
        config = getattr(conditions, name)
        ppo = replace(config.ppo, minibatches=1, epochs=1)
        monkeypatch.setattr(conditions, name, replace(config, num_worlds=2, iterations=3, ppo=ppo))
    monkeypatch.setattr(training, "_EPISODES", 2)


def test_the_quick_study(tiny, tmp_path, capsys):
    """What must hold cannot hold after three iterations: that is said, and the exit status is 1."""
    words = ["reproduce", "trade", "--quick", "--seeds", "1", "--jobs", "1", "--run-dir", str(tmp_path / "run")]
    assert main([*words, "--json", str(tmp_path / "out.json")]) == 1
    assert "does not hold: the same, worst seed, sharing 0.5" in capsys.readouterr().out
    plain = json.loads((tmp_path / "out.json").read_text())
    night, probes, lite = (
        plain["sections"][name] for name in (conditions.PARTS["night"], "Probes, night", conditions.PARTS["lite"])
    )
    assert [result["must_hold"] for result in night["results"]] == [False, True] * 2
    assert [row[1] for row in probes["table"][1:]] == ["reclaim", "grab"] * 2
    assert [row[0] for row in lite["table"][1:]] == ["forager", "trader", "selfish"]
    run = plain["data"]["night-share50"][0]
    assert len(run["curves"]["exchanged"]) == 3 and run["steps"] == 3 * 24 * 2 * 2
    text = (tmp_path / "run" / "report.md").read_text()
    assert "Garbus and Pollack" in text and (tmp_path / "run" / "figures" / "01.png").exists()


def test_pieces_and_their_order():
    """Six nights and a market, the longest first; both anchors last."""
    study = training.pieces_of
    made = conditions.conditions(("night", "lite"), quick=True)
    assert [len(study(condition, 0, None)) for condition in made] == [3, 3, 1]
    assert [condition.name for condition in made] == ["night-share50", "night-share00", "lite-share00"]


def test_what_counts_as_reproduced():
    """The worst seed decides: at least 1.5 with one reward, at most 0.1 without."""
    night = conditions.conditions(("night",), quick=True)
    runs = {0.5: (1.4, 2.0, 2.0), 0.0: (0.0, 0.05, 0.2)}
    found = [
        findings.Found(condition, [{"final": {"exchanged": units}} for units in runs[condition.config.reward.sharing]])
        for condition in night
    ]
    results = findings._night(found, {})
    assert [result.holds for result in results] == [True, False, True, False]
    assert [result.values for result in results if result.must_hold] == [[1.4], [0.2]]


def test_lite_is_measured_by_scripted_foragers():
    (lite,) = conditions.conditions(("lite",), quick=True)
    final = {"total_reward": 45.0, "light_penalty": 3.0, "exchanged": 0.1}
    results = findings._lite([findings.Found(lite, [{"final": final}])], {"forager": {"total_reward": 50.0}})
    assert [(result.values, result.holds) for result in results[:2]] == [([0.9], True), ([0.06], False)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--parts", "nigth"], "unknown part 'nigth', did you mean 'night'? There are"),
        (["--parts", ","], "--parts is empty"),
        (["--scale", "0"], "--scale is 0.0; it must be positive"),
    ],
)
def test_mistakes_are_one_line(words, said, tmp_path, capsys):
    assert main(["reproduce", "trade", *words, "--run-dir", str(tmp_path / "run")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said.split("?")[0] in lines[0]
    assert not (tmp_path / "run").exists()


class TestProbes:
    """Against the scripted trader, of whom it is known what it does."""

    @pytest.fixture
    def market(self):
        scenario = get("trade/full", horizon=48)
        trade = replace(scenario.trade, patches="none", begins="dusk", goods=3.0)
        return replace(scenario, hiders=2, trade=trade)

    def probed(self, name, scenario):
        return probe(name, scenario, ScriptedPlayer("trader", scenario, 1.0, 0), 4, 0)

    def test_without_one(self, market):
        played = play(market, ScriptedPlayer("trader", market, 1.0, 0), 4, 0)
        assert played.numbers["exchanged"] == pytest.approx(3.0, abs=0.6)
        assert played.given[0, 1].item() == pytest.approx(1.5, abs=0.3)

    def test_a_grabber_takes_and_gives_nothing(self, market):
        """The trader puts half a unit down three times whatever its partner does."""
        found = self.probed("grab", market)
        assert found["takes"] == pytest.approx(1.5, abs=0.3) and found["loses"] == 0
        assert found["offered"] >= 1.5 and found["rescinded"] == pytest.approx(0, abs=0.2)

    def test_a_reclaimer_takes_nothing_of_others(self, market):
        found = self.probed("reclaim", market)
        assert found["takes"] == 0 and found["offered"] >= 1.0

    def test_an_intruder_needs_a_second_pair(self, market):
        full = get("trade/full", horizon=48)
        assert probes_for(market) == ["reclaim", "grab"] and probes_for(full) == [*PROBES]
        scenario = replace(full, trade=replace(full.trade, patches="none", begins="dusk", goods=3.0))
        found = self.probed("intrude", scenario)
        assert found["takes"] > 0.4 and found["loses"] == 0
