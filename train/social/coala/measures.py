"""What is measured of meta-episodes."""

from __future__ import annotations

from torch import Tensor

from .meta_episodes import MetaEpisodes


def measures(episodes: MetaEpisodes, runs: int, inner_steps: int) -> dict[str, Tensor]:
    """Return means per step of S populations, (S,) each.

    ``naive/`` is of games with co-players, ``peers/`` of games among agents. There is ``reward`` and every event of the
    game, ``their_...`` for those of co-players, and ``last_...`` for the last inner episode alone.
    """
    own = {"reward": episodes.rewards, **episodes.events}
    theirs = {"reward": episodes.naive_rewards, **episodes.naive_events}
    parts: dict[str, Tensor] = {}
    for name, table in own.items():
        parts[f"naive/{name}"] = table[..., : episodes.naive]
        parts[f"peers/{name}"] = table[..., episodes.naive :]
    parts |= {f"naive/their_{name}": table for name, table in theirs.items()}
    for name in list(parts):
        if name.startswith("naive/"):
            parts[name.replace("/", "/last_")] = parts[name][-inner_steps:]
    # (L, S * A, N) -> (S,)
    return {name: part.mean((0, 2)).view(runs, -1).mean(1) for name, part in parts.items() if part.numel()}
