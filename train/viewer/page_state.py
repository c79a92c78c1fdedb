"""What the page is told about the world besides its picture. Plain JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs import scenarios
from envs.scenarios import Scenario

from ..play.episodes import entity_names
from .live_world import LiveGame
from .recorded import Replay

_MOST_ATTENDED = 6


def world_state(show: LiveGame | Replay) -> dict[str, Any]:
    """Return where an episode stands and who plays it."""
    s, names = show.scenario, entity_names(show.scenario)
    return {
        "live": show.live,
        "scenario": s.name,
        "seed": show.seed,
        "episode": show.number,
        "step": show.steps,
        "steps": show.episode().steps if isinstance(show, Replay) else s.horizon,
        "over": show.done,
        "scores": [show.score(0), show.score(1) if s.seekers else 0.0],
        "seen": show.seen,
        "agents": [{"name": names[a], "present": show.after.has(a)} for a in range(s.num_agents)],
        "teams": [team.name for team in show.teams] if isinstance(show, LiveGame) else [],
        "played": show.human[0] if isinstance(show, LiveGame) and show.human is not None else None,
    }


def agent_state(show: LiveGame | Replay, agent: int | None) -> dict[str, Any] | None:
    """Return what an agent sees, holds and attends to; None without one."""
    if agent is None:
        return None
    moment, names = show.after, entity_names(show.scenario)
    held = int(moment.holding[agent])
    weights = [] if moment.attention is None else moment.attention[agent].tolist()
    strongest = sorted(((w, n) for n, w in zip(names, weights, strict=False) if w > 0), reverse=True)
    return {
        "agent": names[agent],
        "sees": [] if moment.visible is None else [names[e] for e in np.nonzero(moment.visible[agent])[0]],
        "holds": names[show.scenario.num_agents + held] if held >= 0 else None,
        "attends": [[name, round(weight, 3)] for weight, name in strongest[:_MOST_ATTENDED]],
    }


def scenario_choices(scenario: Scenario, options: list[str]) -> dict[str, Any]:
    """Return the scenarios that can be chosen, and some options of the one that is shown."""
    return {
        "scenarios": sorted({*scenarios.SCENARIOS, scenario.name}),
        "options": {name: getattr(scenario, name) for name in options},
    }
