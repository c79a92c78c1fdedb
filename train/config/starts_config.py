"""Options of start states: episodes that begin in a state that was kept, and not afresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from envs.options.ranges import AtLeastOne, PositiveShare, Range, Share, Whole

StartDraw = Literal["advantage", "learnability", "uniform", "backwards"]


@dataclass(frozen=True, kw_only=True)
class StartsConfig:
    """Begin a share of the episodes in states that are worth learning from. docs/starts.md explains it."""

    share: Share = 0.0
    """Share of episodes that begin in a kept state; 0: none, and nothing is kept. Fresh ones must remain, since they
    are what agents are judged by."""
    size: Annotated[int, Range(low=100, high=1_000_000)] = 10_000
    """States that are kept: 0.6 kB each in hide-and-seek/door, 1.6 kB in the full game. More last longer; their
    priorities are older."""
    draw: StartDraw = "advantage"
    """Which states are drawn. advantage: in proportion to the mean |advantage| of the steps that followed them when
    they were last played. learnability: to p (1 - p), where p is the share of episodes from there that were won: by
    the hiders, or from a state of a script by its team. uniform: all alike. backwards: states of scripts, from those of
    the last step before the script reached its goal to ever earlier ones, a step further whenever those at the border
    are won; each script has a border of its own."""
    won_above: Share | None = None
    """Take an episode from a state of a hiders' script as won if they had more than this reward per step of the live
    phase that was left: 0.8 is hidden for nine tenths of it. By default, and for seekers' scripts, it is won if the
    script's goal was reached, which may be more than reward asks for."""
    stale_share: Share = 0.1
    """Share of kept starts that are drawn by how long ago they were last played, so that no priority grows too old."""
    every: Whole = 10
    """Steps between two looks at the worlds of a rollout, in which states to keep are found; 0: none of them is
    kept."""
    new_states: AtLeastOne = 128
    """States of each rollout that are taken into the buffer. When it is full they replace those that they resemble, or
    those of the lowest priority."""
    neighbours: Whole = 16
    """Neighbours made in each iteration of states from which 20 to 80 % of the episodes were won: some steps of random
    play lead there. They are where the next lesson is. 0: none."""
    walk: AtLeastOne = 8
    """Steps of random play to a neighbour. Its clock may be up to so many steps behind that of the state."""
    scripts: tuple[str, ...] = ()
    """Scripted players (docs/scripted_players.md), such as blocker or climber, whose episodes, up to the step at which
    they reach their goal, give states to begin with. Agents are then shown situations that they did not reach by
    themselves: say so with any result."""
    against: str = "random"
    """Agent that the other team follows while scripts play: random, zero, or a script, such as blocker against a
    climber, who otherwise meets open doors."""
    script_fastest: PositiveShare = 1.0
    """Share of the scripts' successful episodes that states are taken from, the quickest ones. Below 1 it leaves out
    those in which a script was held up: of states at the same distance from the goal, theirs are from later in an
    episode, so that beginnings are hardly met."""
    script_states: AtLeastOne = 2000
    """States taken from the episodes of scripted players, all together; at most half of ``size``. They are never
    replaced."""

    @property
    def active(self) -> bool:
        """Whether any episode begins in a kept state."""
        return self.share > 0
