"""A world that is played now: by policies, by a human, and by whoever moves things with the mouse.

Shapes: A agents (hiders first), E = A + O entities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.layouts import LayoutStream
from envs.physics import EngineName
from envs.scenarios import Scenario

from ..play.attention_shares import entity_table
from ..play.episodes import Episode, Recorder, begin
from ..play.moment import Moment
from .player_choice import PlayerChoice, TeamPlayer

_WORLD = torch.zeros(1, dtype=torch.int64)
_MARGIN = 0.2
"""Metres to the edge of the floor beyond which nothing can be dragged."""


class LiveGame:
    """One world with a player for each team.

    Args:
      scenario: what it is.
      seed: decides layouts and all random draws.
      choice: who can play.
      teams: name of the player of hiders, and of seekers.
      engine: what the physics runs on.

    Raises:
      UserError: an impossible scenario, or players that do not fit it.
    """

    live = True

    def __init__(
        self, scenario: Scenario, seed: int, choice: PlayerChoice, teams: tuple[str, str], engine: EngineName = "auto"
    ) -> None:
        self.scenario, self.seed = scenario, seed
        self._choice = choice
        self.engine = engine
        self._env = BatchEnv(scenario, 1, seed, choice.device, threads=1, engine=engine)
        self.scene = self._env.engine.scene
        agents = torch.arange(scenario.num_agents, device=self._env.device)
        self._is_hider = (agents < scenario.hiders)[None, :, None]
        self.human: tuple[int, Callable[[float], list[int]]] | None = None
        """Agent that a human plays, and the action that is wanted given its heading, radians."""
        try:
            self.teams = [self._player(name) for name in teams]
            self.restart(seed)
        except BaseException:
            self._env.close()
            raise

    # --- episodes ----------------------------------------------------------------------------------------------------

    def restart(self, seed: int) -> None:
        """Begin the first episode of a seed."""
        self._enter(LayoutStream(self.scenario, seed, 1), seed, 1)

    def next_episode(self) -> None:
        """Begin the next episode of the seed."""
        self._enter(self._layouts, self.seed, self.number + 1)

    def _enter(self, layouts: LayoutStream, seed: int, number: int) -> None:
        """Begin an episode whose layout comes next; if none can be found, nothing changes."""
        layout = layouts.draw(_WORLD)
        self._layouts, self.layout, self.seed, self.number = layouts, layout, seed, number
        self._begin()

    def again(self) -> None:
        """Begin the same episode again."""
        self._begin()

    def _begin(self) -> None:
        self._obs = begin(self._env, self.layout, self.seed)
        self._started = torch.ones(1, dtype=torch.bool, device=self._env.device)
        self._recorder = Recorder(self._env, self.layout, self.seed, self._title())
        self.model = self._env.engine.world_model(0)
        self.done = False
        self.before = self.after = self._moment(self.teams)

    def _title(self) -> str:
        return f"{self.scenario.name}, {' against '.join(dict.fromkeys(team.name for team in self.teams))}"

    # --- players -----------------------------------------------------------------------------------------------------

    def _player(self, name: str) -> TeamPlayer:
        return TeamPlayer(self._choice, name, self._env, self.seed)

    def set_player(self, team: int, name: str) -> None:
        """Let another player take over the hiders (0) or the seekers (1), with an empty memory.

        Raises:
          UserError: no such player, or it does not fit the scenario.
        """
        teams = [self._player(name) if number == team else old for number, old in enumerate(self.teams)]
        self.after = self._moment(teams)
        self.teams = teams

    def _actions(self) -> Tensor:
        hiders, seekers = (team.player.act(self._obs, self._started) for team in self.teams)
        actions = torch.where(self._is_hider, hiders, seekers)
        if self.human is not None:
            agent, wanted = self.human
            heading = float(self.after.pose[agent, 3]) - np.pi / 2
            actions[0, agent] = torch.tensor(wanted(heading))
        return actions

    def _attention(self, teams: list[TeamPlayer]) -> NDArray[np.float32] | None:
        """Return what every agent attends to now (A, E): zeros for teams without a policy, None if both have none."""
        weights: list[Any] = [team.attention(self._obs) for team in teams]
        if all(w is None for w in weights):
            return None
        hiders, seekers = (np.zeros(self.after_shape, dtype=np.float32) if w is None else w for w in weights)
        return np.where(self._is_hider[0].cpu().numpy(), hiders, seekers)

    @property
    def after_shape(self) -> tuple[int, int]:
        """(A, E)."""
        return self.scenario.num_agents, self.scene.num_entities

    # --- time --------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Play one step, or begin the next episode if this one is over.

        Raises:
          UserError: the physics of the GPU engine ran out of room for contacts.
        """
        if self.done:
            self.next_episode()
            return
        self.done = True  # Of an episode that cannot go on from here, because something below fails.
        actions = self._actions()
        transition = self._env.advance(actions)
        self._env.engine.check_overflow()
        self._recorder.add(actions, transition, self.after.attention)
        self._obs, self._started = self._env.observe(), torch.zeros_like(self._started)
        self.before, self.after = self.after, self._moment(self.teams)
        self.done = bool(transition.done[0])

    def _moment(self, teams: list[TeamPlayer]) -> Moment:
        return self._recorder.moment(self._attention(teams))

    # --- hands -------------------------------------------------------------------------------------------------------

    def move(self, entity: int, x: float, y: float) -> None:
        """Put an agent or object somewhere else on the floor, at rest."""
        state = self._env.get_state(_WORLD)
        low, high = _MARGIN, self.scenario.floor_size - _MARGIN
        place = torch.tensor([min(max(x, low), high), min(max(y, low), high)])
        state.pose[0, entity, :2] = place
        state.velocity[0, entity] = 0.0
        if entity >= self.scenario.num_agents:
            state.locks.pose[0, entity - self.scenario.num_agents, :2] = place
        obs = self._env.set_state(_WORLD, state)
        masks = {kind: obs[f"{kind}_visible"] for kind in self._env.observation_spec["entities"]}
        state.visible = entity_table(masks, torch.zeros_like(state.visible[..., 0]), obs)
        self._obs = self._env.set_state(_WORLD, state)
        self._recorder.edit()
        self.before = self.after = self._moment(self.teams)

    # --- what is told ------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps done."""
        return self._recorder.steps

    @property
    def seen(self) -> bool | None:
        """Whether some seeker sees some hider; None in the preparation phase."""
        return bool(self.after.sees.any()) if self._recorder.live else None

    @property
    def path(self) -> NDArray[np.float32]:
        """(T + 1, E, Q): poses so far."""
        return self._recorder.path

    def score(self, team: int) -> float:
        """Return the rewards of hiders (0) or seekers (1) so far, averaged over the team."""
        hiders = self.scenario.hiders
        return self._recorder.score(slice(0, hiders) if team == 0 else slice(hiders, self.scenario.num_agents))

    def episode(self) -> Episode:
        """Return the episode up to now."""
        return self._recorder.finish()

    def close(self) -> None:
        """Free the physics engine's threads."""
        self._env.close()
