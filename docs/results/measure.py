"""Play the evaluations of what comes with the project and write docs/results/results.json. ``make results`` runs it.

Each evaluation is a command that anybody can repeat; what it measures is said in docs/evaluation.md and docs/stages.md.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from train.cli import main as hideseek
from train.evaluation.shares import Share
from train.runs.run_folder import package_versions
from train.runs.saved_policy import load_policy
from train.runs.shipped_policies import find_shipped
from train.stages.study import StudyOptions, examine_agent, study
from train.support.files import write_json

DATA = Path(__file__).with_name("results.json")
PLAYERS = ("quickstart", "chaser", "random")
"""Who meets whom in the small room."""
STRATEGIES = (
    ("quickstart", "chasing", "chaser", {}),
    ("corner-shelter", "shelter", "blocker", {"seekers": "chaser"}),
    ("door-blocking", "door blocking", "blocker", {}),
    ("ramp-use", "ramp use", "climber", {"hiders": "blocker"}),
    ("ramp-defence", "ramp defence", "defender", {"seekers": "ramp-use"}),
)
"""A policy that comes with the project, what it shall have learned, the script that plays just that, and who plays the
other team against them all, if not they themselves."""


def main() -> None:
    """Measure and write: 200 s of CPU time."""
    write_json(DATA, measure(200, 100))


def measure(episodes: int, meetings: int) -> dict[str, Any]:
    """Return all numbers of the page.

    Args:
      episodes: of each match of the quickstart's policy with random play, and of each player whose strategy is told.
      meetings: episodes of each match of everybody against everybody.
    """
    return {
        "versions": package_versions(),
        "quickstart": _against_random(episodes),
        "cross_play": _cross_play(meetings),
        "strategies": [_strategy(*row, episodes) for row in STRATEGIES],
    }


def _against_random(episodes: int) -> dict[str, Any]:
    words = ["evaluate", "quickstart", "--episodes", str(episodes)]
    told = run_for_json(words)
    matches = [
        {"seekers": match["seekers"], "hiders": match["hiders"], "seen": rounded(match["seen_fraction"])}
        for match in told["matches"]
    ]
    ratios = {team: rounded(told[f"{team}_ratio"]) for team in ("seekers", "hiders")}
    return {"command": _shown(words), "episodes": episodes, "matches": matches, "ratios": ratios}


def _cross_play(episodes: int) -> dict[str, Any]:
    words = ["evaluate", *PLAYERS, "--episodes", str(episodes)]
    told = run_for_json(words)
    names = dict(zip(told["players"], PLAYERS, strict=True))
    seen = {
        f"{names[match['hiders']]} hiders, {names[match['seekers']]} seekers": rounded(match["seen_fraction"])
        for match in told["matches"]
    }
    return {"command": _shown(words), "episodes": episodes, "seen": seen}


def _strategy(policy: str, strategy: str, script: str, others: dict[str, str], episodes: int) -> dict[str, Any]:
    """Tell how often a policy, random play and a script play a strategy on the same layouts."""
    file, options = find_shipped(Path(policy)), StudyOptions(episodes=episodes, **others)
    print(f"{strategy}: {policy}, random play, {script}", flush=True)
    result = study([file], options)
    assert result.chance is not None
    scripted = examine_agent(script, load_policy(file).config.scenario, options)
    shares = {"random": result.chance.shares, policy: result.findings[0].shares, script: scripted}
    opponents = [word for team, name in others.items() for word in (f"--{team}", name)]
    return {
        "command": _shown(["stages", policy, "--episodes", str(episodes), *opponents]),
        "strategy": strategy,
        "scenario": result.scenario.name,
        "players": {name: as_json(found[strategy]) for name, found in shares.items()},
    }


def run_for_json(words: Sequence[str]) -> dict[str, Any]:
    """Run a command that writes what it found as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        if hideseek([*words, "--json", str(file)]):
            raise SystemExit(2)
        return json.loads(file.read_text())


def _shown(words: Sequence[str]) -> str:
    return " ".join(["hideseek", *words])


def rounded(estimate: dict[str, Any]) -> dict[str, float]:
    """Return an estimate and its interval as they are written."""
    return {name: round(estimate[name], 4) for name in ("value", "low", "high")}


def as_json(share: Share) -> dict[str, Any]:
    """Return a share of episodes and its interval as they are written."""
    numbers = {"value": share.value, "low": share.low, "high": share.high}
    return {"hits": share.hits, "episodes": share.episodes, **rounded(numbers)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
