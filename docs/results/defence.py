"""Whether hiders that take the ramp away are seen less by seekers that use ramps than hiders that only block the door.

``python -m docs.results.defence [BLOCKERS]`` lets hiders of ``ramp-defence`` and door blockers (the script, or a run or
checkpoint) play ramp users, all on the same layouts of the world of ``ramp-defence``, and prints the page's table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from envs.batch_env import BatchEnv
from envs.layouts import JUDGING
from envs.scenarios import Scenario
from train.evaluation.intervals import bootstrap_mean
from train.evaluation.matches import Match, pairs, play_match
from train.play.agents import is_agent, make_agent
from train.play.players import Player, PolicyPlayer
from train.runs.saved_policy import load_policy

DEFENDERS, RAMP_USERS = "ramp-defence", ("ramp-use", "ramp-defence", "climber")
BLOCKERS = ["blocker", "door-blocking-low-box"]
EPISODES, SEED, WORLDS = 200, 0, 50


def main(words: list[str]) -> None:
    """Play and print."""
    scenario = load_policy(Path(DEFENDERS)).config.scenario
    blockers = words or BLOCKERS
    print("| seekers | hiders | seen, share of live time | of ramp-defence less that, in pairs |\n|---|---|---|---|")
    for seekers in RAMP_USERS:
        defended = play(scenario, DEFENDERS, seekers)
        print(f"| {seekers} | {DEFENDERS} | {bootstrap_mean(defended.seen, SEED).format('{:.2f}')} | |")
        for hiders in blockers:
            match = play(scenario, hiders, seekers)
            seen = bootstrap_mean(match.seen, SEED).format("{:.2f}")
            print(f"| {seekers} | {Path(hiders).stem} | {seen} | {difference(defended, match)} |", flush=True)


def play(scenario: Scenario, hiders: str, seekers: str) -> Match:
    """Return a match on layouts that are the same for all."""
    env = BatchEnv(scenario, WORLDS, SEED, threads=1, domain=JUDGING)
    try:
        return play_match(env, player(hiders, scenario, 1), player(seekers, scenario, 2), EPISODES)
    finally:
        env.close()


def player(word: str, scenario: Scenario, seed: int) -> Player:
    """Return who is called so, fit for the scenario."""
    if is_agent(word):
        return make_agent(word, scenario, SEED + seed)
    saved = load_policy(Path(word))
    saved.fit(scenario)
    return PolicyPlayer(saved.policy, SEED + seed)


def difference(first: Match, second: Match) -> str:
    """Return how much more the hiders of the first match are seen, episode by episode of the same layout."""
    one, other = pairs(first.layouts, second.layouts)
    return bootstrap_mean(first.seen[one] - second.seen[other], SEED).format("{:+.2f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
