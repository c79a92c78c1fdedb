"""One world with numpy in and out, which the interfaces of single environments share.

Shapes: A agents (hiders first), E entities of any kind, D features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import scenarios
from ..batch_env import BatchEnv
from ..layouts import Layout
from ..observations import Observation
from ..scenarios import Scenario
from .frame_renderer import Picture, Window

AgentObservation = dict[str, NDArray[Any]]
"""What one agent is given: arrays by name."""

VISIBLE, PRESENT = "_visible", "_present"
RENDER_MODES = ("human", "rgb_array")

_fast = torch.inference_mode()
"""Saves an eighth of a step. Tensors made under it must not change outside of it, so it is on all that changes a
world."""


@dataclass
class AgentOutcome:
    """What one step gives."""

    observations: list[AgentObservation]
    """One per agent."""
    rewards: list[float]
    """One per agent."""
    terminated: bool
    """The game is over, by its rules or at its horizon."""
    truncated: bool
    """The episode was cut off: ``max_steps`` have been made, or the physics broke."""
    statistics: dict[str, float]
    """Final numbers of the episode; empty while it runs."""


def resolve(scenario: str | Scenario, options: dict[str, Any]) -> Scenario:
    """Return a scenario by name or as it is, with some fields replaced.

    Raises:
      UserError: unknown name or option (the nearest is suggested), or an impossible scenario.
    """
    return scenarios.get(scenario, **options) if isinstance(scenario, str) else scenarios.replace(scenario, **options)


def agent_names(scenario: Scenario) -> list[str]:
    """Return ``hider_0``, ..., ``seeker_0``, ... in the order of every agent axis."""
    return [f"hider_{i}" for i in range(scenario.hiders)] + [f"seeker_{i}" for i in range(scenario.seekers)]


def decentralise(observation: Observation) -> Observation:
    """Reduce an observation to what each agent may know.

    Features of what an agent does not see become zeros, booleans become int8; the masks of what exists are left out.
    """
    known = {}
    for name, values in observation.items():
        if name.endswith(VISIBLE):
            known[name] = values.view(torch.int8)
        elif not name.endswith(PRESENT):
            mask = observation.get(name + VISIBLE)
            known[name] = values if mask is None else values * mask[..., None]
    return known


class SingleWorld:
    """One world of a scenario that stops at the end of an episode.

    Args:
      scenario: name or scenario.
      render_mode: ``rgb_array``, ``human`` or None.
      size: width and height of pictures, pixels.
      options: fields of the scenario to replace.

    Raises:
      UserError: unknown name or option, or an impossible scenario.
    """

    @_fast
    def __init__(
        self,
        scenario: str | Scenario,
        render_mode: str | None = None,
        size: tuple[int, int] = (640, 480),
        options: dict[str, Any] | None = None,
    ) -> None:
        self.scenario = resolve(scenario, options or {})
        self.batch = BatchEnv(self.scenario, num_worlds=1, threads=1)
        self.names = agent_names(self.scenario)
        self.running = False
        self._render_mode = render_mode
        self._size = size
        self._picture: Picture | None = None

    # --- description -----------------------------------------------------------------------------------------------

    @property
    @_fast
    def example(self) -> AgentObservation:
        """An observation with the shapes and types of all others."""
        return self._split(decentralise(self.batch.observe()))[0]

    @property
    def present(self) -> list[bool]:
        """Which agents take part in this episode, (A,)."""
        return self.batch.present_agents[0].tolist()

    # --- episodes --------------------------------------------------------------------------------------------------

    @_fast
    def reset(self, seed: int | None = None, layout: Layout | None = None) -> list[AgentObservation]:
        """Start an episode and observe.

        Args:
          seed: restart the sequence of layouts and random draws; None continues it.
          layout: start of the episode; None takes the next one of the sequence.

        Raises:
          UserError: the layout does not fit the scenario, or mode ``human`` has no display. Nothing has changed then.
        """
        layout = self.prepare(layout)
        if seed is not None:
            self.batch.reseed(seed)
        observation = self.batch.reset(layout)
        self.running = True
        if self._picture is not None:
            self._picture.show(self.batch.engine.world_model(0))
        if self._render_mode == "human":
            self.render()
        return self._split(decentralise(observation))

    @_fast
    def prepare(self, layout: Layout | None) -> Layout | None:
        """Check what a reset needs, and return the layout in the form that this world needs.

        Raises:
          UserError: the layout does not fit the scenario, or mode ``human`` has no display.
        """
        if self._render_mode == "human":
            self._open()
        return None if layout is None else self.batch.fit(layout)

    @_fast
    def step(self, actions: NDArray[np.int64], max_steps: int | None = None) -> AgentOutcome:
        """Make one step with checked actions (A, 5)."""
        batch = self.batch
        transition = batch.advance(torch.from_numpy(actions)[None])
        steps = int(transition.view.steps)
        over, broken = bool(transition.done), bool(batch.engine.diverged)
        truncated = broken or (not over and max_steps is not None and steps >= max_steps)
        self.running = not (over or truncated)
        statistics: dict[str, float] = {}
        if not self.running:
            statistics = {name: float(value) for name, value in batch.game.statistics(transition.view).items()}
            statistics["length"] = float(steps)
        if self._render_mode == "human":
            self.render()
        observations = self._split(decentralise(batch.observe()))
        return AgentOutcome(observations, transition.reward[0].tolist(), over and not broken, truncated, statistics)

    def _split(self, observation: Observation) -> list[AgentObservation]:
        arrays = [(name, values.numpy()[0]) for name, values in observation.items()]
        return [{name: values[agent] for name, values in arrays} for agent in range(len(self.names))]

    # --- views from outside ----------------------------------------------------------------------------------------

    @_fast
    def state(self) -> NDArray[np.float32]:
        """Return the whole world as one vector, for training with a central critic.

        In this order: every agent's own features and whether it takes part; every other kind of entity with its
        features and whether it exists; the object that each agent holds and the agent that locked each object (-1:
        none); the share of the episode that is over. Absent agents and entities are zeros.
        """
        observation = self.batch.observe()
        world = self.batch.get_state(torch.zeros(1, dtype=torch.int64))
        present = torch.tensor(self.present)
        witness = int(present.int().argmax())
        parts = [observation["self"][0] * present[:, None], present]
        for kind in self.batch.observation_spec["entities"]:
            if kind != "agents":
                exists = observation[kind + PRESENT][0, witness]
                parts += [observation[kind][0, witness] * exists[:, None], exists]
        parts += [world.grabs.holding[0], torch.where(world.locks.locked, world.locks.locker, -1)[0]]
        parts.append(world.steps / self.scenario.horizon)
        return torch.cat([part.flatten().float() for part in parts]).numpy()

    def render(self) -> NDArray[np.uint8] | None:
        """Draw the world: return a picture (height, width, 3) in mode ``rgb_array``, show it in mode ``human``.

        Raises:
          UserError: there is no OpenGL, or no display in mode ``human``.
        """
        if self._render_mode is None:
            return None
        picture = self._open()
        state = {name: values[0].numpy() for name, values in self.batch.game.state.items()}
        game, pose = self.batch.game, self.batch.engine.pose[0].cpu().numpy()
        marks = [mark.placed(pose) for mark in game.marks(self.scenario, state)]
        return picture.draw(self.batch.engine.world_data(0), marks, game.daylight(self.scenario, state))

    def _open(self) -> Picture:
        """Return what draws the world; make it the first time."""
        if self._picture is None:
            picture = (Window if self._render_mode == "human" else Picture)(*self._size)
            picture.show(self.batch.engine.world_model(0))
            self._picture = picture
        return self._picture

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what draws: a copy makes its own when it is asked for a picture."""
        return self.__dict__ | {"_picture": None}

    def close(self) -> None:
        """Close the window and free what OpenGL holds. May be called twice."""
        self.running = False
        if self._picture is not None:
            self._picture.close()
            self._picture = None
