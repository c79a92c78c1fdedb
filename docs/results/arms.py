"""The comparison of docs/emergence.md: four ways to learn on the same budget, three seeds of each.

``python -m docs.results.arms RUNS`` judges the runs x-ARM-SEED of a folder after 150 iterations and writes
arms.json; without RUNS it only draws that anew and prints the page's table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from train.runs.run_folder import RunFolder
from train.stages.study import StudyOptions, study
from train.support.files import write_json
from train.support.plotting import panels, save_png

from .measure import as_json, rounded, run_for_json
from .page import cell, draw_rows

DATA = Path(__file__).with_name("arms.json")
FIGURE = DATA.with_name("arms.png")
ARMS = {"self": "self-play", "starts": "start states", "anchors": "a chaser", "both": "both"}
"""By the first part of a run's name: how the page calls the arm."""
TOLD = {
    "door blocking": "episodes with a blocked door",
    "shelter": "episodes with hiders shut in",
    "seen": "live time seen by the chaser",
}
SEEDS, ITERATIONS, EPISODES = range(3), 150, 200


def main(words: list[str]) -> None:
    """Judge, if runs are given; draw, and print the table."""
    if words:
        rows = [judged(Path(words[0]), arm, seed) for arm in ARMS for seed in SEEDS]
        write_json(DATA, {"iterations": ITERATIONS, "episodes": EPISODES, "runs": rows})
    data = json.loads(DATA.read_text())
    draw(data, FIGURE)
    print("\n".join(table(data)))


def judged(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """Return what one run's hiders do against the chaser, in fresh episodes."""
    file = RunFolder(folder / f"x-{arm}-{seed}").checkpoints.file(ITERATIONS)
    print(file, flush=True)
    finding = study([file], StudyOptions(episodes=EPISODES, seekers="chaser")).findings[0]
    told = run_for_json(["evaluate", str(file), "chaser", "--episodes", str(EPISODES)])
    hiders, seekers = told["players"]
    seen = next(m["seen_fraction"] for m in told["matches"] if (m["hiders"], m["seekers"]) == (hiders, seekers))
    shares = {name: as_json(finding.shares[name]) for name in TOLD if name != "seen"}
    return {"arm": arm, "seed": seed, "env_steps": finding.env_steps, **shares, "seen": rounded(seen)}


def table(data: dict[str, Any]) -> list[str]:
    """Return the page's rows."""
    rows = []
    for run in data["runs"]:
        doors, shelters, seen = (run[name] for name in TOLD)
        rows.append(f"| {ARMS[run['arm']]} | {run['seed']} | {_percent(doors)} | {_percent(shelters)} | {cell(seen)} |")
    return rows


def draw(data: dict[str, Any], path: Path) -> None:
    """Draw a point and its interval for each seed of each arm."""
    figure, axes = panels(len(TOLD), len(TOLD), 2.6)
    for panel, (told, title) in zip(axes, TOLD.items(), strict=True):
        rows = {name: [run[told] for run in data["runs"] if run["arm"] == arm] for arm, name in ARMS.items()}
        draw_rows(panel, title, rows)
    save_png(figure, path)


def _percent(share: dict[str, float]) -> str:
    return f"{share['value']:.0%} [{100 * share['low']:.0f}, {100 * share['high']:.0f}]"


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
