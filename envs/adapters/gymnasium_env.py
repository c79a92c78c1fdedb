"""Gymnasium: one agent in one world as an environment, and many worlds as a vector environment.

Importing this module registers every scenario: ``hide-and-seek/full`` becomes ``hideseek/hide-and-seek-full-v0``, for
``gymnasium.make_vec(...)`` and, if the scenario has one agent, ``gymnasium.make(...)``.

Shapes: W worlds, A agents, N = W * A sub-environments, D features.
"""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ..batch_env import BatchEnv, Transition
from ..errors import UserError
from ..observations import Observation
from ..scenarios import SCENARIOS, Scenario
from .single_world import RENDER_MODES, AgentObservation, SingleWorld, agent_names, decentralise, resolve
from .spaces import (
    InvalidActionError,
    ResetNeededError,
    action_space,
    check_action,
    check_render_mode,
    environment_id,
    observation_space,
)

_SEEDS = 2**31


class HideSeekEnv(gymnasium.Env):
    """One world of a scenario with one agent.

    Args:
      scenario: name or scenario.
      render_mode: ``rgb_array``, ``human`` (draws at every reset and step) or None.
      max_steps: truncate episodes after this many steps; None leaves the length to the scenario.
      size: width and height of pictures, pixels.
      options: fields of the scenario to replace.

    Raises:
      UserError: unknown name or option, an impossible scenario, or one with several agents.
      UnsupportedMode: unknown render mode.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012  # Gymnasium's own form.

    def __init__(
        self,
        scenario: str | Scenario,
        render_mode: str | None = None,
        max_steps: int | None = None,
        size: tuple[int, int] = (640, 480),
        **options: Any,
    ) -> None:
        check_render_mode(render_mode)
        resolved = resolve(scenario, options)
        if resolved.num_agents != 1:
            raise UserError(
                f"'{resolved.name}' has {resolved.num_agents} agents and a Gymnasium environment one; use "
                f"gymnasium.make_vec, HideSeekVectorEnv or PettingZoo, or hiders=1 and seekers=0"
            )
        self._world = SingleWorld(resolved, render_mode, size)
        self.scenario = resolved
        self.render_mode = render_mode
        self.max_steps = max_steps
        self.metadata = self.metadata | {"render_fps": round(1 / resolved.step_seconds, 3)}
        self.observation_space = observation_space(self._world.example)
        self.action_space = self._actions = action_space(resolved)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[AgentObservation, dict[str, Any]]:
        """Start an episode.

        Args:
          seed: restart the sequence of episodes; None continues it.
          options: ``layout`` (a ``Layout`` of one world) decides the start; other keys are ignored.

        Raises:
          UserError: the layout does not fit the scenario, or mode ``human`` has no display. Nothing has changed then.
        """
        layout = self._world.prepare((options or {}).get("layout"))
        fresh = self._np_random is None
        super().reset(seed=seed)
        start = int(self.np_random.integers(_SEEDS)) if fresh or seed is not None else None
        return self._world.reset(start, layout)[0], {}

    def step(self, action: NDArray[np.int64]) -> tuple[AgentObservation, float, bool, bool, dict[str, Any]]:
        """Make one step. The last step's info holds the episode's ``statistics``.

        Raises:
          ResetNeededError: before the first ``reset`` or after the end.
          InvalidActionError: the action is not in its space.
        """
        if not self._world.running:
            raise ResetNeededError("the episode is over or has not begun; call reset() before step()")
        checked = check_action(action, self._world.names[0], self._actions)
        outcome = self._world.step(checked.astype(np.int64)[None], self.max_steps)
        info = {"statistics": outcome.statistics} if outcome.statistics else {}
        return outcome.observations[0], outcome.rewards[0], outcome.terminated, outcome.truncated, info

    def render(self) -> Any:
        """Return a picture (height, width, 3) in mode ``rgb_array``, show the world in mode ``human``.

        Raises:
          UserError: there is no OpenGL, or no display in mode ``human``.
        """
        if self.render_mode is None:
            gymnasium.logger.warn(
                "render() does nothing without a render_mode; pass render_mode='rgb_array' or 'human'"
            )
        return self._world.render()

    def close(self) -> None:
        """Close the window and free what OpenGL holds."""
        self._world.close()


class HideSeekVectorEnv(gymnasium.vector.VectorEnv):
    """W worlds of a scenario as N = W * A sub-environments: row w * A + i is agent i of world w.

    Agents of one world share its end. Worlds whose episode is over start the next one in the same step: the observation
    returned is the first of the new episode, ``infos["final_obs"]`` and ``infos["final_info"]`` have the last of the
    old one, with ``_final_obs`` and ``_final_info`` (N,) telling the rows. With random team sizes ``infos["present"]``
    (N,) tells which agents take part in the episode that the observation is of.

    With ``array="numpy"`` everything is NumPy, and ``final_obs`` is an array of N dicts or Nones, as in Gymnasium's own
    vector environments. With ``array="torch"`` everything is tensors on ``device``, and ``final_obs`` is a dict of
    tensors (N, ...).

    Args:
      scenario: name or scenario.
      num_envs: N, a multiple of the scenario's number of agents.
      array: ``numpy`` or ``torch``.
      device: where the worlds live.
      threads: physics threads on the CPU; 0 uses all cores.
      options: fields of the scenario to replace.

    Raises:
      UserError: unknown name or option, an impossible scenario, or a number of environments that does not fit.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        scenario: str | Scenario = "hide-and-seek/full",
        num_envs: int = 1,
        array: Literal["numpy", "torch"] = "numpy",
        device: str | torch.device = "cpu",
        threads: int = 0,
        **options: Any,
    ) -> None:
        resolved = resolve(scenario, options)
        agents = resolved.num_agents
        if num_envs < 1 or num_envs % agents:
            raise UserError(f"num_envs is {num_envs}; '{resolved.name}' needs a multiple of its {agents} agents")
        if array not in ("numpy", "torch"):
            raise UserError(f"array is '{array}'; use 'numpy' or 'torch'")
        self.scenario = resolved
        self.autoreset_mode = AutoresetMode.SAME_STEP  # Where Gymnasium's own vector environments have it, too.
        self.num_envs = num_envs
        self.num_worlds = num_envs // agents
        self.batch = BatchEnv(resolved, self.num_worlds, device=device, threads=threads)
        self.device = self.batch.device
        self.names = agent_names(resolved)
        self._torch = array == "torch"
        self._running = False
        example = {name: values[0].cpu().numpy() for name, values in self._flat(self.batch.observe()).items()}
        self.single_observation_space: spaces.Dict = observation_space(example)
        self.single_action_space = self._actions = action_space(resolved)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode in every world.

        Args:
          seed: restart the sequences of episodes of all worlds; None continues them.
          options: ``layout`` (a ``Layout`` of W worlds) decides the starts; other keys are ignored.

        Raises:
          UserError: ``reset_mask``, which only environments without auto-reset have, or a layout that does not fit the
            scenario. Nothing has changed then.
        """
        options = options or {}
        if "reset_mask" in options:
            raise UserError("worlds start their next episode by themselves; reset_mask is not supported")
        layout = options.get("layout")
        if layout is not None:
            layout = self.batch.fit(layout)
        fresh = self._np_random is None
        super().reset(seed=seed)
        if fresh or seed is not None:
            self.batch.reseed(int(self.np_random.integers(_SEEDS)))
        observation = self.batch.reset(layout)
        self._running = True
        return self._give(self._flat(observation)), self._presence()

    def step(self, actions: Any) -> tuple[Any, ...]:
        """Make one step in every world with actions (N, K), NumPy or torch.

        Raises:
          ResetNeededError: before the first ``reset``.
          InvalidActionError: actions are not in their space.
        """
        if not self._running:
            raise ResetNeededError("no episode has begun; call reset() before step()")
        transition = self.batch.advance(self._read(actions))
        broken = self.batch.engine.diverged
        ended = transition.done.repeat_interleave(len(self.names))
        infos = self._finals(transition, ended) if bool(ended.any()) else {}
        self.batch.restart(transition)
        infos |= self._presence()
        terminated = (transition.done & ~broken).repeat_interleave(len(self.names))
        observation = self._give(self._flat(self.batch.observe()))
        verdict = {"reward": transition.reward.flatten(), "terminated": terminated, "truncated": ended & ~terminated}
        return observation, *self._give(verdict).values(), infos

    def _read(self, actions: Any) -> torch.Tensor:
        """Return actions (W, A, K) after checking them."""
        tensor = actions if isinstance(actions, torch.Tensor) else self._tensor(actions)
        expected = (self.num_envs, *self._actions.shape)
        if tuple(tensor.shape) != expected or tensor.is_floating_point() or tensor.dtype == torch.bool:
            raise InvalidActionError(
                f"actions have shape {tuple(tensor.shape)} and dtype {tensor.dtype}; expected integers of shape "
                f"{expected}, "
                f"one member of {self._actions} for each agent of each world"
            )
        bins = torch.from_numpy(self._actions.nvec).to(tensor.device)
        wrong = ((tensor < 0) | (tensor >= bins)).any(1)
        if tensor.device.type == "cpu" and wrong.any():
            row = int(wrong.nonzero()[0])
            world, agent = divmod(row, len(self.names))
            raise InvalidActionError(
                f"action {row} ({self.names[agent]} of world {world}) is {tensor[row].tolist()}; "
                f"expected a member of {self._actions}"
            )
        return tensor.to(self.device, torch.int64).view(self.num_worlds, len(self.names), -1)

    @staticmethod
    def _tensor(actions: Any) -> torch.Tensor:
        try:
            return torch.from_numpy(np.asarray(actions))
        except (TypeError, ValueError) as error:
            raise InvalidActionError(f"actions are not an array: {error}") from None

    def _flat(self, observation: Observation) -> Observation:
        """Reduce (W, A, ...) to what agents may know, (N, ...)."""
        return {name: values.flatten(0, 1) for name, values in decentralise(observation).items()}

    def _give(self, observation: Observation) -> dict[str, Any]:
        return observation if self._torch else {name: values.cpu().numpy() for name, values in observation.items()}

    def _presence(self) -> dict[str, Any]:
        if not self.scenario.random_team_sizes:
            return {}
        return self._give({"present": self.batch.present_agents.flatten()})

    def _finals(self, transition: Transition, ended: torch.Tensor) -> dict[str, Any]:
        """Return the last observations and the statistics of worlds that are over."""
        statistics = self.batch.game.statistics(transition.view) | {"length": transition.view.steps.float()}
        rows = {name: values.repeat_interleave(len(self.names)) * ended for name, values in statistics.items()}
        mask = self._give({"mask": ended})["mask"]
        last = self._give(self._flat(self.batch.observe()))
        info = self._give(rows) | {f"_{name}": mask for name in rows}
        return {
            "final_obs": last if self._torch else self._as_objects(last, mask),
            "_final_obs": mask,
            "final_info": info,
            "_final_info": mask,
        }

    def _as_objects(self, last: dict[str, NDArray[Any]], mask: NDArray[np.bool_]) -> NDArray[np.object_]:
        objects = np.full(self.num_envs, None, dtype=object)
        for row in np.nonzero(mask)[0]:
            objects[row] = {name: values[row] for name, values in last.items()}
        return objects

    def close_extras(self, **kwargs: Any) -> None:
        """Free the physics engine's threads."""
        self._running = False
        self.batch.close()


def register_envs() -> None:
    """Register every scenario that is not registered yet. Call it again after ``scenarios.register``."""
    for name in SCENARIOS:
        identifier = environment_id(name)
        if identifier not in gymnasium.registry:
            kwargs = {"scenario": name}  # HideSeekEnv says what to do about several agents.
            single: Any = HideSeekEnv
            gymnasium.register(identifier, single, vector_entry_point=HideSeekVectorEnv, kwargs=kwargs)


register_envs()
