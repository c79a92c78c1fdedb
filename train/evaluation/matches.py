"""Matches between players on the same layouts, and what they say about what was learned."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.errors import UserError

from ..play.players import Player
from .intervals import Estimate, bootstrap_mean, bootstrap_ratio

SEEKERS_RATIO_WANTED = 2.0
"""Trained seekers should see random hiders at least this many times as often as random seekers do."""
HIDERS_RATIO_WANTED = 0.6
"""Trained hiders should be seen by random seekers at most this share of the time that random hiders are."""


class Environment(Protocol):
    """What a match needs of an environment."""

    num_worlds: int
    num_agents: int
    scenario: Any

    @property
    def num_diverged(self) -> int: ...  # noqa: D102

    def reset(self) -> dict[str, Tensor]: ...  # noqa: D102
    def refill(self) -> None: ...  # noqa: D102
    def step(self, actions: Tensor) -> Any: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@dataclass
class Match:
    """The episodes that one pair of players played. Every array has shape (N,), one entry per episode."""

    hiders: str
    """Name of the player of all hiders."""
    seekers: str
    """Name of the player of all seekers."""
    seen: NDArray[np.float64]
    """Share of live steps in which some seeker saw some hider."""
    returns: dict[str, NDArray[np.float64]]
    """Return by team name, summed over the episode and averaged over the team."""
    lengths: NDArray[np.float64]
    """Steps."""
    layouts: NDArray[np.int64]
    """Number of the layout: what is equal in two matches of one seed was the same layout."""
    statistics: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Everything else that the environment reports at an episode's end."""
    diverged: int = 0
    """Worlds that were reset because their physics became NaN."""


def play_match(
    env: Environment, hiders: Player, seekers: Player, episodes: int, progress: Callable[[int], None] = lambda _: None
) -> Match:
    """Play a number of episodes and return their results.

    Every world plays the same number of episodes, so that short episodes are not preferred, and the results are ordered
    by round and then by world: so episode n has the same layout for any two players, given environments of the same
    seed. Where physics broke, an episode is missing, and its world plays one more than the others instead;
    ``Match.layouts`` says which layouts were played.

    Args:
      env: a fresh environment; it is reset here.
      hiders: plays all hiders.
      seekers: plays all seekers; may be the same object as ``hiders``, which then acts once for both.
      episodes: N.
      progress: called with the number of finished episodes.
    """
    rounds = math.ceil(episodes / env.num_worlds)
    results: list[list[dict[str, float]]] = [[] for _ in range(env.num_worlds)]
    begun = torch.zeros(env.num_worlds, dtype=torch.int64)  # Episodes of each world before the one that it plays.
    obs = env.reset()
    players = [hiders] if hiders is seekers else [hiders, seekers]
    for player in players:
        player.begin(env)
    is_hider = torch.arange(env.num_agents, device=next(iter(obs.values())).device) < env.scenario.hiders
    started = torch.ones(env.num_worlds, dtype=torch.bool, device=is_hider.device)
    tally = _SeenTally(started)
    while min(len(r) for r in results) < rounds:
        actions = [player.act(obs, started) for player in players]
        step = env.step(torch.where(is_hider[None, :, None], actions[0], actions[-1]))
        seen, lengths = tally.add(step)
        _collect(results, step, seen, lengths, begun)
        begun += step.done.cpu()
        env.refill()
        obs, started = step.obs, step.done
        progress(min(episodes, sum(min(len(r), rounds) for r in results)))
    ordered = [results[w][r] for r in range(rounds) for w in range(env.num_worlds)][:episodes]
    return _to_match(hiders.name, seekers.name, ordered, env.num_diverged)


class _SeenTally:
    """Counts live steps and the live steps with a seen hider, per world, over the running episode."""

    def __init__(self, like: Tensor) -> None:
        self.live, self.seen, self.steps = (torch.zeros_like(like, dtype=torch.float64) for _ in range(3))

    def add(self, step: Any) -> tuple[Tensor, Tensor]:
        """Add a step; return the share of seen live steps (W,) and the lengths (W,) of the episodes up to now."""
        self.steps += 1
        self.live += step.live
        self.seen += step.live & step.hiders_seen
        shares, lengths = self.seen / self.live, self.steps.clone()
        for counter in (self.live, self.seen, self.steps):
            counter[step.done] = 0
        return shares, lengths


def _collect(results: list[list[dict[str, float]]], step: Any, seen: Tensor, lengths: Tensor, begun: Tensor) -> None:
    """Append the episodes that ended to their worlds' lists.

    A world whose physics became NaN ends early and is left out of the statistics; it plays another episode instead.
    """
    columns = step.statistics | {"seen_fraction": seen[step.counted], "length": lengths[step.counted]}
    rows = {name: values.double().tolist() for name, values in columns.items()}
    for index, world in enumerate(step.counted.nonzero()[:, 0].tolist()):
        layout = int(begun[world]) * len(results) + world
        results[world].append({"layout": layout} | {name: values[index] for name, values in rows.items()})


def _to_match(hiders: str, seekers: str, episodes: list[dict[str, float]], diverged: int) -> Match:
    columns = {name: np.array([episode[name] for episode in episodes]) for name in episodes[0]}
    if np.isnan(columns["seen_fraction"]).any():
        raise UserError("an episode had no live step, so nothing can be said about hiding; use a longer horizon")
    return Match(
        hiders=hiders,
        seekers=seekers,
        seen=columns.pop("seen_fraction"),
        returns={
            name.removeprefix("return/"): columns.pop(name) for name in list(columns) if name.startswith("return/")
        },
        lengths=columns.pop("length"),
        layouts=columns.pop("layout").astype(np.int64),
        statistics=columns,
        diverged=diverged,
    )


def pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the episodes of two matches that were played on the same layouts, as indices (K,) into each."""
    _, one, other = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return one, other


def lost(diverged: int, counts: list[int], episodes: int) -> str:
    """Return in words what broken physics has cost.

    Args:
      diverged: worlds that were reset.
      counts: pairs of episodes that are left for each paired comparison.
      episodes: episodes of each match.
    """
    line = f"{diverged} worlds were reset because of NaN physics; these episodes do not count"
    left = " and ".join(map(str, sorted(set(counts))))
    return f"{line}, and {left} of {episodes} pairs are left to compare" if counts else line


@dataclass
class Evaluation:
    """Four matches between a subject and a rival, each on the same layouts, and what follows."""

    matches: list[Match]
    """Subject's seekers v rival's hiders; rival v rival; rival's seekers v subject's hiders; subject v subject."""
    seekers_ratio: Estimate
    """How often the rival's hiders are seen by the subject's seekers, over how often by the rival's own."""
    seekers_pairs: int
    """Pairs of episodes behind that."""
    hiders_ratio: Estimate
    """How often the subject's hiders are seen by the rival's seekers, over how often the rival's own hiders are."""
    hiders_pairs: int
    """Pairs of episodes behind that."""
    seed: int
    """Seed of layouts, actions and intervals."""

    def to_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "episodes": len(self.matches[0].seen),
            "seed": self.seed,
            "interval": "95 % percentile bootstrap over episodes; ratios resample the two matches in pairs",
            "matches": [_match_to_plain(match, self.seed) for match in self.matches],
            "seekers_ratio": {
                **self.seekers_ratio.to_plain(),
                "pairs": self.seekers_pairs,
                "wanted_at_least": SEEKERS_RATIO_WANTED,
            },
            "hiders_ratio": {
                **self.hiders_ratio.to_plain(),
                "pairs": self.hiders_pairs,
                "wanted_at_most": HIDERS_RATIO_WANTED,
            },
        }

    def to_csv(self) -> str:
        """Return one row per episode and match; episodes of one number had the same layout in all matches."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = [*self.matches[0].returns], [*self.matches[0].statistics]
        writer.writerow(
            ["seekers", "hiders", "episode", "seen_fraction", "length", *(f"return/{n}" for n in names[0]), *names[1]]
        )
        for match in self.matches:
            columns = [match.seen, match.lengths, *match.returns.values(), *match.statistics.values()]
            for layout, row in zip(match.layouts, zip(*columns, strict=True), strict=True):
                writer.writerow([match.seekers, match.hiders, layout, *(f"{value:.6g}" for value in row)])
        return text.getvalue()


def evaluate(
    make_env: Callable[[], Environment],
    subject: Player,
    rival: Player,
    episodes: int,
    seed: int,
    progress: Callable[[str, int], None] = lambda _match, _done: None,
) -> Evaluation:
    """Play the four matches.

    Args:
      make_env: makes a fresh environment; the same seed every time, so that the layouts are the same.
      subject: the player to judge.
      rival: what it is judged against, usually random play.
      episodes: number of episodes of each match.
      seed: seed of the intervals.
      progress: called with a match's title and its finished episodes.
    """
    matches = []
    for seekers, hiders in ((subject, rival), (rival, rival), (rival, subject), (subject, subject)):
        title = match_title(seekers.name, hiders.name)
        env = make_env()
        try:
            matches.append(play_match(env, hiders, seekers, episodes, partial(progress, title)))
        finally:
            env.close()
    first, base, second, _ = matches
    return Evaluation(matches, *_seen_ratio(first, base, seed), *_seen_ratio(second, base, seed), seed)


def _seen_ratio(above: Match, below: Match, seed: int) -> tuple[Estimate, int]:
    """Return how often hiders are seen in one match over how often in another, and the pairs that tell it."""
    one, other = pairs(above.layouts, below.layouts)
    return bootstrap_ratio(above.seen[one], below.seen[other], seed), len(one)


def match_title(seekers: str, hiders: str) -> str:
    """Return how tables call a match."""
    return f"{seekers} seekers v {hiders} hiders"


def _match_to_plain(match: Match, seed: int) -> dict[str, Any]:
    return {
        "seekers": match.seekers,
        "hiders": match.hiders,
        "seen_fraction": bootstrap_mean(match.seen, seed).to_plain(),
        "returns": {name: bootstrap_mean(values, seed).to_plain() for name, values in match.returns.items()},
        "length": float(match.lengths.mean()),
        "statistics": {name: _finite_mean(values) for name, values in match.statistics.items()},
        "diverged_worlds": match.diverged,
        "layout_per_episode": match.layouts.tolist(),
        "seen_fraction_per_episode": [round(float(value), 6) for value in match.seen],
    }


def _finite_mean(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
