"""A player that follows a script as often as its strength says, and plays at random otherwise.

What a script does follows from the state of the worlds at that moment alone, so nothing has to be saved for going on.
Shapes: W worlds, A agents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scenarios import GAMES, Scenario, is_hide_and_seek, plays

from ..players import Observations, RandomPlayer, Worlds
from .blocker import block_doors, doors_blocked
from .chaser import caught_sight, chase
from .climber import climb, climbed_in
from .defender import defend_room, room_defended
from .foraging import fed_at_the_fire, forage, forage_and_swap, swapped
from .ramp_thief import ramps_inside, steal_ramp
from .room import QUADRANTS
from .situation import Situation
from .steering import Steering


@dataclass(frozen=True)
class Script:
    """What a player of this name does."""

    team: str
    """hiders or seekers: who follows it. The others play at random."""
    play: Callable[[Situation, Steering], None]
    """Says what the agents do."""
    done: Callable[[Situation], Tensor]
    """Tells in which worlds, (W,) bool, it has got where it wants to be."""
    in_room: bool = True
    """It needs the quadrant's room."""
    game: str = "hide_and_seek"
    """What it can play."""
    needs: tuple[str, ...] = ()
    """Objects that there must be: boxes, ramps."""
    hauls: bool = False
    """It can play the Trading Game where food is hauled."""

    def check(self, name: str, scenario: Scenario) -> None:
        """Refuse scenarios in which it cannot be played.

        Raises:
          UserError: says what is missing.
        """
        s = scenario
        counts = {"boxes": s.max_boxes, "ramps": s.ramps}
        missing = [f"no {kind}" for kind in self.needs if counts[kind] == 0]
        wanted = "hide-and-seek" if self.game == "hide_and_seek" else f"the game {self.game}"
        missing += [f"not {wanted}"] * (not plays(s, self.game))
        missing += ["no seekers"] * (is_hide_and_seek(s) and s.seekers == 0)
        if plays(s, "trade"):
            missing += ["somebody has no partner"] * (s.hiders % 2)
            missing += ["food is hauled"] * (s.trade.carry == "haul" and not self.hauls)
        missing += ["no room with doors"] * (self.in_room and (s.layout not in QUADRANTS or s.door_cells == 0))
        missing += ["boxes that tilt"] * s.tilting_boxes
        if missing:
            raise UserError(f"the {name} cannot play in scenario '{s.name}': {missing[0]}")


SCRIPTS = {
    "chaser": Script("seekers", chase, caught_sight, in_room=False),
    "blocker": Script("hiders", block_doors, doors_blocked, needs=("boxes",)),
    "climber": Script("seekers", climb, climbed_in, needs=("ramps",)),
    "ramp-thief": Script("hiders", steal_ramp, ramps_inside, needs=("ramps",)),
    "defender": Script("hiders", defend_room, room_defended, needs=("boxes", "ramps")),
    "forager": Script("hiders", forage, fed_at_the_fire, in_room=False, game="trade", hauls=True),
    "trader": Script("hiders", forage_and_swap, swapped, in_room=False, game="trade"),
}
"""By the name that commands accept; ``register_script`` adds more."""


def register_script(name: str, script: Script) -> None:
    """Let commands take a script of one's own by name.

    Raises:
      UserError: the name is taken or cannot be one, or the script is of no team or of an unknown game.
    """
    where = f"script '{name}'"
    if not isinstance(script, Script) or script.team not in ("hiders", "seekers"):
        raise UserError(f"{where} must be a Script whose team is hiders or seekers")
    if script.game not in GAMES:
        raise UserError(f"{where} plays an unknown game '{script.game}'; register it first: docs/custom_scenarios.md")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name in ("random", "zero"):
        raise UserError(f"{where}: its name must be of letters, digits and hyphens, and not random or zero")
    if SCRIPTS.setdefault(name, script) != script:
        raise UserError(f"another script is already registered as '{name}'; choose another name")


def script_actions(name: str, env: BatchEnv, worlds: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return what a script does now.

    Args:
      name: in ``SCRIPTS``.
      env: the worlds, whose present state decides.
      worlds: (W,) those to act in; all if not given.

    Returns:
      Actions (W, A, K), and which agents follow the script, (A,) bool.
    """
    world = Situation(env, worlds)
    steer, script = Steering(world), SCRIPTS[name]
    script.play(world, steer)
    is_hider = torch.arange(env.num_agents, device=env.device) < env.scenario.hiders
    return steer.actions, is_hider if script.team == "hiders" else ~is_hider


def script_done(name: str, env: BatchEnv) -> Tensor:
    """Return in which worlds, (W,) bool, a script, a name in ``SCRIPTS``, has got where it wants to be."""
    return SCRIPTS[name].done(Situation(env))


class ScriptedPlayer:
    """One team follows a script, the other one plays at random.

    Args:
      script: a name in ``SCRIPTS``.
      scenario: where it plays.
      strength: share of the decisions of each agent that follow the script; the others are random. 0 is random play.
      seed: of the random actions.
      name: how tables call it; the script's name and strength if not given.

    Raises:
      UserError: no such strength, or the script cannot be played in the scenario.
    """

    def __init__(self, script: str, scenario: Scenario, strength: float, seed: int, name: str | None = None) -> None:
        if not 0.0 <= strength <= 1.0:
            raise UserError(f"the strength of the {script} is {strength:g}; it must lie between 0 and 1")
        SCRIPTS[script].check(script, scenario)
        self.name = name or (script if strength == 1.0 else f"{script}:{strength:g}")
        self._script, self._strength, self._seed = script, strength, seed
        self._random = RandomPlayer(scenario.action_bins, seed)
        self._generator = torch.Generator()
        self._env: BatchEnv | None = None

    def begin(self, worlds: Worlds) -> None:
        """Restart the random numbers, in worlds whose state can be read."""
        assert isinstance(worlds, BatchEnv), "scripted players look into the worlds that they play in"
        self._env = worlds
        self._random.begin(worlds)
        self._generator.manual_seed(self._seed + 1)

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return actions (W, A, K) for the worlds as they are now."""
        assert self._env is not None, "begin() comes before act()"
        at_random = self._random.act(obs, started)
        draws = torch.rand(at_random.shape[:2], generator=self._generator).to(at_random.device)
        actions, followers = script_actions(self._script, self._env)
        return torch.where(((draws < self._strength) & followers)[..., None], actions, at_random)
