"""What a game is: who may act, what is rewarded, when an episode ends, what is measured.

Shapes: W worlds, A agents (hiders first), B boxes, O objects (boxes, then ramps), E = A + O entities.
Q is the length of a pose: 4, or 6 where boxes tilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError
from ..layouts import Layout
from ..manipulation import Grabs, Locks
from ..physics.engine import PhysicsEngine
from ..rendering.lines import Line
from ..scenario import Scenario
from ..scene import AGENT_RADIUS
from ..tensors.where_worlds import where_worlds

AGENT_CORNER = AGENT_RADIUS  # Metres from an agent\'s centre to the corner that the original measures from.
Requirement = tuple[bool, str]
"""A condition on a scenario, and what to say of the field that fails it."""


@dataclass
class View:
    """The worlds as the rules see them, after physics."""

    pose: Tensor
    """(W, E, Q)."""
    velocity: Tensor
    """(W, E, Q)."""
    start_pose: Tensor
    """(W, E, Q) at the episode's start."""
    present: Tensor
    """(W, E) bool."""
    box_half_size: Tensor
    """(W, B, 3) metres."""
    visible: Tensor
    """(W, A, E) bool: what each agent sees now."""
    seen_before: Tensor
    """(W, A, E) bool: what each agent saw in the previous observation."""
    locks: Locks
    locked_before: Tensor
    """(W, O) bool: what was locked before this step's decisions."""
    steps: Tensor
    """(W,) int64 steps done in the episode, this one included."""


@dataclass
class Verdict:
    """What a game says of one step."""

    reward: Tensor
    """(W, A) float32."""
    over: Tensor
    """(W,) bool: the game ended before the horizon."""
    live: Tensor
    """(W,) bool: the step counted, that is, was not part of a preparation phase."""
    hiders_seen: Tensor
    """(W,) bool: some seeker sees some hider."""


def check_verdict(verdict: Verdict, scenario: Scenario, num_worlds: int, device: torch.device) -> None:
    """Check shapes and types of what a game says of a step; numbers are not looked at, so no device is waited for.

    Raises:
      UserError: names the game and the field.
    """
    game = f"game '{scenario.game}'"
    if not isinstance(verdict, Verdict):
        raise UserError(f"{game}: judge() returned {type(verdict).__name__}; it must be an envs.games.Verdict")
    shapes = {"reward": (num_worlds, scenario.num_agents)}
    for name, value in vars(verdict).items():
        shape, dtype = shapes.get(name, (num_worlds,)), torch.float32 if name == "reward" else torch.bool
        if not isinstance(value, Tensor):
            raise UserError(
                f"{game}: {name} of its Verdict is {type(value).__name__}; it must be a tensor {shape}, {dtype}"
            )
        if (value.shape, value.dtype, value.device.type) != (shape, dtype, device.type):
            is_now = f"{tuple(value.shape)}, {value.dtype}, on {value.device.type}"
            wanted = f"{shape}, {dtype}, on {device.type}"
            raise UserError(f"{game}: {name} of its Verdict is {is_now}; it must be {wanted}")


class Game:
    """Rules of one game over W worlds. The base class has no reward and no early end.

    Agents that are absent from an episode are dealt with by the environment: they are frozen, unseen and without
    reward.

    A game keeps everything that changes during an episode in ``state``, so that environments can save, restore and copy
    it without knowing what it is.
    """

    def __init__(self, scenario: Scenario, num_worlds: int, engine: PhysicsEngine) -> None:
        self.scenario = scenario
        self.num_worlds = num_worlds
        self.engine = engine
        self.device = engine.device
        self.severity = 1.0
        """Share of the game's penalties that counts in the reward; training may raise it slowly."""
        self.state: dict[str, Tensor] = {name: self.zeros() for name in self.totals}
        """Name -> (W, ...)."""
        s = scenario
        kinds = [s.lock_boxes] * s.max_boxes + [s.lock_ramps] * s.ramps + [False] * s.cylinders.movable
        self._lockable = torch.tensor(kinds, dtype=torch.bool, device=self.device)

    @staticmethod
    def choices(scenario: Scenario) -> tuple[int, ...]:
        """Return the choices of the action components that this game has beyond those of every game, see ``act``."""
        return ()

    @staticmethod
    def requirements(scenario: Scenario) -> list[Requirement]:
        """Return what this game needs of a scenario, beyond what every game does."""
        food = scenario.food.count
        return [
            (food == 0, f"food.count is {food}; only hide_and_seek has food"),
            no_counting_layout(scenario),
        ]

    @property
    def totals(self) -> tuple[str, ...]:
        """Names of per-episode sums, zero at the start of an episode."""
        return ("return/hiders", "return/seekers") if self.scenario.seekers else ("return/hiders",)

    def zeros(self, *shape: int) -> Tensor:
        """Return zeros (W, *shape), float32."""
        return torch.zeros(self.num_worlds, *shape, device=self.device)

    def start(self, chosen: Tensor, layout: Layout) -> None:
        """Begin episodes in the chosen worlds, (W,) bool, from the layouts that W worlds have or would have."""
        for name in self.state:
            self.begin_with(chosen, name, 0)

    def begin_with(self, chosen: Tensor, name: str, value: Tensor | float) -> None:
        """Let a part of the state, (W, ...), be ``value`` in the worlds that are chosen, (W,) bool."""
        self.state[name] = where_worlds(chosen, value, self.state[name])

    def sense(self, worlds: Tensor, pose: Tensor) -> None:
        """Sense what only this game knows, in worlds (K,) with poses (K, E, Q); after every step, reset and change."""

    def sight(self, worlds: Tensor, pose: Tensor, visible: Tensor) -> Tensor:
        """Return what agents see of (K, A, E) bool that lies open to them, in worlds (K,) with poses (K, E, Q)."""
        return visible

    def frozen(self, steps: Tensor) -> Tensor:
        """Return (W, A) bool: agents whose next action is ignored, given the steps (W,) done."""
        return torch.zeros(self.num_worlds, self.scenario.num_agents, dtype=torch.bool, device=self.device)

    def lockable(self, locked: Tensor) -> Tensor:
        """Return (W, O) bool: objects on which the lock action works now, given what is locked (W, O)."""
        return self._lockable.expand_as(locked)

    def guide(self, locks: Locks, steps: Tensor) -> Locks:
        """Change what is locked, and where it is held, just before physics; ``steps`` (W,) were done before."""
        return locks

    def hold(self, grabs: Grabs, distance: Tensor) -> Grabs:
        """Change who holds what, just before physics; ``distance`` (W, A, O) is that to objects, metres."""
        return grabs

    def act(self, actions: Tensor, pose: Tensor) -> None:
        """Do what the components of ``Scenario.game_actions``, (W, A, n) int64, say, on poses (W, E, Q) before physics.

        Called in every step, after ``hold``.
        """

    def arrange(self) -> None:
        """Move bodies by ``engine.place``, after physics and before anybody looks around. Called in every step."""

    def judge(self, view: View) -> Verdict:
        """Reward the step just made and say whether the game is over."""
        nobody = torch.zeros(self.num_worlds, dtype=torch.bool, device=self.device)
        return Verdict(self.zeros(self.scenario.num_agents), nobody, ~nobody, nobody)

    def tally(self, view: View, verdict: Verdict) -> None:
        """Add a step to the sums of the episode."""
        s = self.scenario
        for team, members in (("hiders", slice(0, s.hiders)), ("seekers", slice(s.hiders, s.num_agents))):
            if f"return/{team}" in self.state:
                number = view.present[:, members].sum(1).clamp(min=1)
                self.state[f"return/{team}"] += verdict.reward[:, members].sum(1) / number

    def statistics(self, view: View) -> dict[str, Tensor]:
        """Return the numbers of each running episode: name -> (W,) float32; later steps do not change them."""
        return {name: self.state[name].clone() for name in self.totals}

    def traits(self) -> Tensor | None:
        """Return further features (W, A, D) of agents that all observe who see them, and they themselves."""
        return None

    def senses(self) -> Tensor | None:
        """Return further features (W, A, D) that only an agent itself observes."""
        return None

    @staticmethod
    def agent_features(scenario: Scenario) -> tuple[int, int]:
        """Return the number of features of ``traits`` and of ``senses``."""
        return 0, 0

    def entities(self) -> dict[str, Tensor]:
        """Return further entity kinds of the observation, as they are now.

        Returns:
          For each kind of ``entity_shapes`` its features (W, A, n, D), and ``<kind>_visible`` and ``<kind>_present``
          (W, A, n) bool.
        """
        return {}

    @staticmethod
    def entity_shapes(scenario: Scenario) -> dict[str, tuple[int, int]]:
        """Return kind -> (number, features) of the entities that this game adds to the observation."""
        return {}

    @staticmethod
    def marks(scenario: Scenario, state: Mapping[str, NDArray[np.generic]]) -> list[Line]:
        """Return what pictures show of this game besides its bodies.

        Args:
          scenario: the game's.
          state: one world's row of ``state``: name -> (...). A recorded episode has it too.
        """
        return []

    @staticmethod
    def daylight(scenario: Scenario, state: Mapping[str, NDArray[np.generic]]) -> float:
        """Return how light pictures are, from 0 at midnight to 1 at noon; the arguments are those of ``marks``."""
        return 1.0


def no_counting_layout(scenario: Scenario) -> Requirement:
    """Return the condition that all games have but object counting, whose walls pin its agent."""
    message = f"game {scenario.game} with layout {scenario.layout}: object_counting and counting only go together"
    return scenario.layout != "counting", message
