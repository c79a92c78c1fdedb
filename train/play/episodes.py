"""Episodes as data: everything that happened in one world from a layout to the end, step by step.

Shapes: T steps, A agents (hiders first), O objects, E = A + O entities. Rows of states count from 0, the start, to T.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.batch_env import BatchEnv, Transition, WorldState
from envs.layouts import JUDGING, Layout, LayoutStream
from envs.manipulation import Grabs, Locks
from envs.observations import Observation
from envs.physics import make_engine
from envs.scenarios import GAMES, Scenario
from envs.scene import Scene, build

from .moment import Moment
from .players import Player

_WORLD = torch.zeros(1, dtype=torch.int64)


@dataclass
class Episode:
    """One episode of one world."""

    scenario: Scenario
    layout: Layout
    """Of one world: walls, sizes, start."""
    seed: int
    """What the environment's random draws started from."""
    title: str
    """Who played, for captions."""
    edited: bool
    """Somebody moved things by hand, so that the actions alone do not lead to the same states."""
    actions: NDArray[np.int8]
    """(T, A, components) as chosen; those of frozen agents had no effect."""
    rewards: NDArray[np.float32]
    """(T, A)."""
    live: NDArray[np.bool_]
    """(T,): the step was not part of the preparation phase."""
    states: dict[str, NDArray[Any]]
    """Name -> (T + 1, ...): the fields of ``WorldState``, as ``STATES`` names them, and the game's as
    ``game.<name>``."""
    attention: NDArray[np.float32] | None = None
    """(T, A, E): share of every entity in what each agent attended to when it chose its action; None if nobody
    asked."""

    @property
    def steps(self) -> int:
        """T."""
        return len(self.actions)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(E,): which agents and objects take part."""
        s = self.scenario
        others = np.ones(s.num_objects - s.max_boxes, dtype=bool)
        return np.concatenate([self.layout.agent_present[0].numpy(), self.layout.box_present[0].numpy(), others])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T + 1,): some seeker sees some hider."""
        hiders, agents = self.scenario.hiders, self.scenario.num_agents
        return np.asarray(self.states["visible"][:, hiders:agents, :hiders].any(axis=(1, 2)))

    @property
    def locked_by(self) -> NDArray[np.int64]:
        """(T + 1, O): the agent that locked each object, -1 for none."""
        return np.where(self.states["locked"], self.states["locker"], -1)

    def team(self, name: str) -> slice:
        """Return the agents of ``hiders`` or ``seekers``."""
        hiders = self.scenario.hiders
        return slice(0, hiders) if name == "hiders" else slice(hiders, self.scenario.num_agents)

    def score(self, team: slice) -> NDArray[np.float64]:
        """Return (T + 1,): rewards up to each state, averaged over the team's members that take part."""
        there = self.present[team]
        rewards = self.rewards[:, team][:, there].astype(np.float64).mean(axis=1) if there.any() else 0 * self.live
        return np.concatenate([[0.0], np.cumsum(rewards)])

    def moment(self, index: int) -> Moment:
        """Return what is shown of state ``index``."""
        row = {name: values[index] for name, values in self.states.items()}
        attention = None if self.attention is None else self.attention[min(index, self.steps - 1)]
        return _moment(self.scenario, row, index > 0 and bool(self.live[index - 1]), attention)

    def world_state(self, index: int) -> WorldState:
        """Return state ``index``, for ``BatchEnv.set_state``."""
        row = {name: torch.from_numpy(values[index : index + 1].copy()) for name, values in self.states.items()}
        tilt = {"tilt": row["grab_tilt"]} if self.scenario.tilting_boxes else {}
        return WorldState(
            row["pose"],
            row["velocity"],
            Grabs(row["holding"].long(), row["grab_offset"], row["grab_yaw"], **tilt),
            Locks(row["locked"], row["locker"].long(), row["lock_pose"]),
            row["visible"],
            torch.tensor([index]),
            {name.removeprefix("game."): values for name, values in row.items() if name.startswith("game.")},
        )

    def world_model(self, scene: Scene | None = None) -> mujoco.MjModel:
        """Return the MuJoCo model of this world: walls, sizes, who is absent."""
        engine = make_engine(scene or build(self.scenario), 1, "cpu", 1, "mujoco")
        engine.reset(_WORLD, self.layout)
        return engine.world_model(0)


def _moment(
    scenario: Scenario, row: dict[str, NDArray[Any]], live: bool, attention: NDArray[np.float32] | None
) -> Moment:
    """Return what is shown of one state."""
    hiders, agents = scenario.hiders, scenario.num_agents
    game = {name.removeprefix("game."): values for name, values in row.items() if name.startswith("game.")}
    return Moment(
        pose=row["pose"].astype(np.float64),
        holding=row["holding"].astype(np.int64),
        locked_by=np.where(row["locked"], row["locker"], -1),
        sees=row["visible"][hiders:agents, :hiders] & live,
        visible=row["visible"],
        attention=attention,
        game=GAMES[scenario.game].marks(scenario, game),
        daylight=GAMES[scenario.game].daylight(scenario, game),
    )


def entity_names(scenario: Scenario) -> list[str]:
    """Return a name for every agent and object."""
    counts = {
        "hider": scenario.hiders,
        "seeker": scenario.seekers,
        "box": scenario.max_boxes,
        "ramp": scenario.ramps,
        "cylinder": scenario.cylinders.movable,
    }
    return [f"{kind} {i}" for kind, count in counts.items() for i in range(count)]


STATES = {
    "pose": np.float32,
    "velocity": np.float32,
    "holding": np.int16,
    "grab_offset": np.float32,
    "grab_yaw": np.float32,
    "grab_tilt": np.float32,
    "locked": np.bool_,
    "locker": np.int16,
    "lock_pose": np.float32,
    "visible": np.bool_,
}
"""What is kept of a world's state, and as which type."""


def state_names(scenario: Scenario) -> list[str]:
    """Return those of ``STATES`` that a scenario's episodes have: without tilting boxes no ``grab_tilt``."""
    return [name for name in STATES if name != "grab_tilt" or scenario.tilting_boxes]


class Recorder:
    """Writes down an episode of an environment of one world while it is played.

    Args:
      env: it has just been reset to ``layout``.
      layout: of one world.
      seed: given to ``env.reseed`` before the reset.
      title: who plays.
    """

    def __init__(self, env: BatchEnv, layout: Layout, seed: int, title: str = "") -> None:
        self._env = env
        self._start = (layout, seed, title)
        self._rows: dict[str, list[NDArray[Any]]] = {}
        self._actions: list[NDArray[Any]] = []
        self._rewards: list[NDArray[Any]] = []
        self._live: list[bool] = []
        self._attention: list[NDArray[Any]] = []
        self._total = np.zeros(env.num_agents)
        self._present = layout.agent_present[0].numpy()
        self.edited = False
        self._append()

    def add(self, actions: Tensor, transition: Transition, attention: NDArray[Any] | None = None) -> None:
        """Note a step: actions (1, A, components), what it gave, and attention (A, E) if it is known."""
        self._actions.append(actions[0].cpu().numpy().astype(np.int8))
        self._rewards.append(transition.reward[0].cpu().numpy().copy())
        self._total += self._rewards[-1]
        self._live.append(bool(transition.live[0]))
        if attention is not None:
            self._attention.append(attention)
        self._append()

    def edit(self) -> None:
        """Take the state as it is now for the current one: somebody has moved something by hand."""
        self.edited = True
        for rows in self._rows.values():
            rows.pop()
        self._append()

    @property
    def steps(self) -> int:
        """Steps noted so far."""
        return len(self._live)

    @property
    def live(self) -> bool:
        """Whether the last step was not part of the preparation phase."""
        return bool(self._live) and self._live[-1]

    @property
    def path(self) -> NDArray[np.float32]:
        """(T + 1, E, Q): poses so far."""
        return np.stack(self._rows["pose"])

    def score(self, team: slice) -> float:
        """Return the rewards so far, averaged over the members of a team that take part."""
        there = self._present[team]
        return float(self._total[team][there].mean()) if there.any() else 0.0

    def moment(self, attention: NDArray[np.float32] | None = None) -> Moment:
        """Return what is shown of the current state; ``attention`` (A, E) is what agents attend to in it."""
        row = {name: rows[-1] for name, rows in self._rows.items()}
        return _moment(self._env.scenario, row, self.live, attention)

    def finish(self) -> Episode:
        """Return the episode up to now."""
        layout, seed, title = self._start
        agents = self._env.num_agents
        return Episode(
            self._env.scenario,
            layout,
            seed,
            title,
            self.edited,
            np.array(self._actions, dtype=np.int8).reshape(-1, agents, len(self._env.action_bins)),
            np.array(self._rewards, dtype=np.float32).reshape(-1, agents),
            np.array(self._live, dtype=bool),
            {name: np.stack(rows) for name, rows in self._rows.items()},
            np.stack(self._attention).astype(np.float32) if len(self._attention) == len(self._live) > 0 else None,
        )

    def _append(self) -> None:
        state = self._env.get_state(_WORLD.to(self._env.device))
        values = {
            "pose": state.pose,
            "velocity": state.velocity,
            "holding": state.grabs.holding,
            "grab_offset": state.grabs.offset,
            "grab_yaw": state.grabs.yaw,
            "grab_tilt": state.grabs.tilt,
            "locked": state.locks.locked,
            "locker": state.locks.locker,
            "lock_pose": state.locks.pose,
            "visible": state.visible,
        }
        for name in state_names(self._env.scenario):
            row: NDArray[Any] = values[name][0].cpu().numpy().astype(STATES[name])
            self._rows.setdefault(name, []).append(row)
        for name, value in state.game.items():
            self._rows.setdefault(f"game.{name}", []).append(value[0].cpu().numpy().copy())


def begin(env: BatchEnv, layout: Layout, seed: int) -> Observation:
    """Start an episode so that the same actions lead to the same states again."""
    env.reseed(seed)
    return env.reset(layout)


def play_episode(env: BatchEnv, player: Player, layout: Layout, seed: int, title: str = "") -> Episode:
    """Play one episode in an environment of one world, from a layout of one world."""
    obs = begin(env, layout, seed)
    recorder = Recorder(env, layout, seed, title)
    started = torch.ones(1, dtype=torch.bool, device=env.device)
    done = False
    while not done:
        actions = player.act(obs, started)
        transition = env.advance(actions)
        attention = getattr(player, "attention", None)
        recorder.add(actions, transition, None if attention is None else attention[0].numpy())
        obs, started = env.observe(), torch.zeros_like(started)
        done = bool(transition.done[0])
    return recorder.finish()


class EpisodePlayer:
    """Plays one episode after the other, on the layouts of one world and this seed that are for judging.

    Args:
      env: one world.
      player: plays all agents.
      seed: decides layouts and random draws of the environment.
      title: who plays.
    """

    def __init__(self, env: BatchEnv, player: Player, seed: int, title: str = "") -> None:
        self._env, self._player, self._seed, self._title = env, player, seed, title
        self._layouts = LayoutStream(env.scenario, seed, 1, domain=JUDGING)
        player.begin(env)

    def play(self) -> Episode:
        """Play the next episode."""
        return play_episode(self._env, self._player, self._layouts.draw(_WORLD), self._seed, self._title)


def replay_actions(episode: Episode) -> Episode:
    """Play the recorded actions again from the recorded start, in a fresh environment."""
    env = BatchEnv(episode.scenario, 1, episode.seed, threads=1)
    try:
        begin(env, episode.layout, episode.seed)
        recorder = Recorder(env, episode.layout, episode.seed, episode.title)
        for actions in torch.from_numpy(episode.actions).long():
            recorder.add(actions[None], env.advance(actions[None]))
        return recorder.finish()
    finally:
        env.close()
