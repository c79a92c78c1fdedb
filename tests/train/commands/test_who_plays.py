"""Words that mean players: where an agent is no policy, a script has one team, and a mistyped name gets a hint."""

import pytest

from envs.errors import did_you_mean
from envs.scenarios import SCENARIOS
from train.cli import COMMANDS, main

NO_POLICY = "is an agent without a policy"
AGENTS = "agents without a policy are random, zero, chaser"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "random"], f"random {NO_POLICY}; name a run beside it"),
        (["evaluate", "chaser:0.5"], f"chaser:0.5 {NO_POLICY}"),
        (["export", "random", "-o", "x.onnx"], f"random {NO_POLICY}"),
        (["transfer", "random"], f"random {NO_POLICY}"),
        (["transfer", "quickstart", "--counts-from", "zero"], f"zero {NO_POLICY}"),
        (["stages", "blocker"], f"blocker {NO_POLICY}; examine it with --agent blocker"),
        (["record", "blocker", "-o", "x.npz"], f"blocker {NO_POLICY}; show it with --agent blocker"),
        (["watch", "chaser"], f"chaser {NO_POLICY}; let it play with --hiders chaser or --seekers chaser"),
        (["train", "quickstart", "--init-from", "random"], f"random {NO_POLICY}"),
        (["train", "quickstart", "--ppo.teacher", "chaser"], f"chaser {NO_POLICY}"),
        (["stages", "door-blocking", "--hiders", "chaser"], "chaser plays seekers, not hiders"),
        (["stages", "--agent", "blocker", "--seekers", "blocker"], "blocker plays hiders, not seekers"),
        (["stages", "--agent", "blocker", "--hiders", "random"], "blocker plays hiders, not seekers"),
        (["record", "--agent", "chaser", "--seekers", "random", "-o", "x.npz"], "chaser plays seekers, not hiders"),
        (["record", "door-blocking", "--seekers", "ramp-thief", "-o", "x.npz"], "ramp-thief plays hiders, not seekers"),
        (["video", "door-blocking", "--hiders", "climber:0.5", "-o", "x.mp4"], "climber:0.5 plays seekers, not hiders"),
        (["watch", "--hiders", "chaser"], "chaser plays seekers, not hiders"),
        (["stages", "door-blockin"], "no run or checkpoint at door-blockin, did you mean 'door-blocking'?"),
        (["exploit", "door-blockin", "--side", "hiders"], "at door-blockin, did you mean 'door-blocking'?"),
        (["watch", "door-blockin"], "no run or checkpoint at door-blockin, did you mean 'door-blocking'?"),
        (["stages", "door-blocking", "--hiders", "blockr"], "at blockr, did you mean 'blocker'?"),
        (["stages", "door-blocking", "--hiders", "nobody"], AGENTS),
        (["evaluate", "quickstart", "nobody"], AGENTS),
        (["evaluate", "quickstart", "--against", "nobody"], AGENTS),
        (["exploit", "nobody", "--side", "hiders"], AGENTS),
        (["stages", "door-blocking", "--scenario", "hide-and-seek/full"], "--scenario is where an --agent plays"),
        (["exploit", "quickstart", "--side", "hiders", "--scenario", "hide-and-seek/full"], "--scenario is where"),
        (["exploit", "quickstart", "--side", "hiders", "--checkpoints", "all"], "quickstart is no run folder"),
        (["exploit", "random", "--side", "hiders", "--checkpoints", "all"], "random has none"),
        (["video", "door-blocking", "--best-for", "seekers", "-o", "x.mp4"], "say how many with --best-of"),
        (["video", "x.npz", "--hiders", "blocker"], "--hiders does not go with an episode file"),
        (["watch", "x.npz", "--seekers", "random"], "with its own players"),
    ],
)
def test_it_is_one_line_and_nothing_is_written(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "choices", "hint"),
    [
        ("trian", COMMANDS, ", did you mean 'train'?"),
        ("frobnicate", COMMANDS, ""),
        ("nowhere", SCENARIOS, ""),
        ("nothing", ["door-blocking"], ""),
        ("random", ["ramp-use"], ""),
        ("quadrant", SCENARIOS, ", did you mean 'hide-and-seek/quadrant'?"),
        ("quadrnt", SCENARIOS, ", did you mean 'hide-and-seek/quadrant'?"),
    ],
)
def test_a_hint_is_close_to_what_was_typed(word, choices, hint):
    assert did_you_mean(word, choices) == hint
