"""The viewer's loop: one thread that takes commands, lets time pass, and draws."""

from __future__ import annotations

import dataclasses
import io
import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from envs import scenarios
from envs.errors import UserError
from envs.scenarios import Scenario

from ..play.episodes import entity_names
from ..play.moment import Moment, between
from ..play.play_session import choose_scenario
from ..rendering.annotations import DrawOptions
from ..rendering.minimap import Minimap
from ..rendering.overlays import Status, draw_status
from ..rendering.renderer import CAMERAS, WorldRenderer
from . import controls
from .live_world import LiveGame
from .player_choice import Roster
from .recorded import Replay

_SPEEDS = (0.05, 8.0)
_FRAME_SECONDS = 1 / 30
_MOST_STEPS = 4
"""Steps between two frames; a machine that is too slow for more shows the world in slow motion."""
_UNWATCHED_SECONDS = 3.0
"""Time after which the world waits if no page asks for a picture."""
_JPEG_QUALITY = 88
TOGGLES = ("cones", "sight", "grabs", "sees", "attention", "lidar", "shadows", "panel", "minimap")
"""What can be switched on and off, by name."""
_MOST_ATTENDED = 6
_OPTIONS = ("hiders", "seekers", "boxes", "ramps", "horizon", "preparation_fraction", "floor_size")
"""Fields of a scenario that the page offers."""


@dataclass(frozen=True, kw_only=True)
class ViewerOptions:
    """How the viewer starts."""

    width: int = 640
    height: int = 480
    camera: str = CAMERAS[0]
    paused: bool = False


@dataclass
class Frame:
    """One picture and what belongs to it."""

    number: int
    jpeg: bytes
    state: dict[str, Any]


class Viewer:
    """Shows a world and obeys commands. ``run`` owns the world and OpenGL; the other methods may be called from any thread.

    Args:
      show: what is shown first; the viewer closes it.
      roster: who can play.
      options: how it starts.
    """

    def __init__(self, show: LiveGame | Replay, roster: Roster, options: ViewerOptions) -> None:
        self._show = show
        self._roster = roster
        self._options = options
        self._look = DrawOptions(camera=options.camera)
        self._panel, self._minimap = True, False
        self._paused, self._speed = options.paused, 1.0
        self._keys: set[str] = set()
        self._lock = False
        self._grip: tuple[int, float] | None = None
        self._share, self._changed = 1.0, True
        self._commands: queue.Queue[tuple[str, dict[str, Any], Future]] = queue.Queue()
        self._frame: Frame | None = None
        self._fresh = threading.Condition()
        self._asked = time.monotonic()
        self._stop = threading.Event()

    # --- for other threads -------------------------------------------------------------------------------------------

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Have a command done, and return what it gives.

        Raises:
          UserError: it cannot be done; says why.
        """
        answer: Future = Future()
        self._commands.put((name, arguments, answer))
        return answer.result(timeout=60)

    def frame(self, after: int, timeout: float) -> Frame | None:
        """Return the newest picture if its number is above ``after``; wait for one up to ``timeout`` seconds."""
        self._asked = time.monotonic()
        with self._fresh:
            self._fresh.wait_for(lambda: self._frame is not None and self._frame.number > after, timeout)
            return self._frame if self._frame is not None and self._frame.number > after else None

    def stop(self) -> None:
        """End ``run``."""
        self._stop.set()

    # --- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Show the world until ``stop``.

        Raises:
          UserError: there is no OpenGL.
        """
        self._renderer = self._make_renderer(self._show)
        try:
            last = time.perf_counter()
            while not self._stop.is_set():
                self._obey()
                now = time.perf_counter()
                self._pass_time(now - last)
                last = now
                if self._changed and self._watched:
                    self._draw()
                else:
                    self._obey(wait=_FRAME_SECONDS)
                time.sleep(max(0.0, _FRAME_SECONDS - (time.perf_counter() - now)))
        finally:
            self._renderer.close()
            self._show.close()

    @property
    def _watched(self) -> bool:
        return time.monotonic() - self._asked < _UNWATCHED_SECONDS

    def _obey(self, wait: float = 0.0) -> None:
        """Do all commands that have come in; wait for the first one."""
        try:
            while True:
                name, arguments, answer = self._commands.get(block=wait > 0, timeout=wait)
                wait = 0.0
                self._changed = True
                try:
                    handler = _COMMANDS.get(name)
                    if handler is None:
                        raise UserError(f"unknown command '{name}'")
                    answer.set_result(handler(self, **arguments))
                except UserError as error:
                    answer.set_exception(error)
                except (TypeError, ValueError, KeyError, AttributeError) as error:
                    answer.set_exception(UserError(f"command '{name}' has wrong arguments ({error})"))
        except queue.Empty:
            pass

    def _pass_time(self, seconds: float) -> None:
        """Let the world go on for some time of the clock on the wall."""
        if self._paused or not self._watched:
            return
        self._share += min(seconds * self._speed / self._show.scenario.step_seconds, float(_MOST_STEPS))
        while self._share > 1.0:
            self._step()
            self._share -= 1.0
        self._changed = True

    def _step(self) -> None:
        model = self._show.model
        self._show.step()
        if self._show.model is not model:
            self._appear()

    def _appear(self) -> None:
        """Another episode has begun."""
        self._grip = None
        self._renderer.show(self._show.model)
        self._share = 1.0

    def _draw(self) -> None:
        self._changed = False
        show = self._show
        moment = between(show.before, show.after, self._share)
        picture = self._renderer.draw(moment, self._look)
        if self._minimap:
            picture = Minimap(show.scenario, show.layout).draw(picture, show.path, moment)
        if self._panel:
            picture = draw_status(picture, self._status())
        memory = io.BytesIO()
        Image.fromarray(picture).save(memory, "JPEG", quality=_JPEG_QUALITY)
        number = 1 if self._frame is None else self._frame.number + 1
        with self._fresh:
            self._frame = Frame(number, memory.getvalue(), self._state(number))
            self._fresh.notify_all()

    def _status(self) -> Status:
        s = self._show.scenario
        return Status(
            seconds=max(0.0, self._show.steps - 1.0 + self._share) * s.step_seconds,
            duration=s.horizon * s.step_seconds,
            preparation=s.preparation_steps * s.step_seconds,
            seen=self._show.seen,
            hiders_score=self._show.score(0),
        )

    # --- what the page is told ---------------------------------------------------------------------------------------

    def _state(self, number: int) -> dict[str, Any]:
        show, s = self._show, self._show.scenario
        moment, names = show.after, entity_names(s)
        human = show.human[0] if isinstance(show, LiveGame) and show.human is not None else None
        return {
            "frame": number,
            "live": show.live,
            "scenario": s.name,
            "seed": show.seed,
            "episode": show.number,
            "step": show.steps,
            "steps": show.episode().steps if isinstance(show, Replay) else s.horizon,
            "over": show.done,
            "paused": self._paused,
            "speed": self._speed,
            "scores": [show.score(0), show.score(1) if s.seekers else 0.0],
            "seen": show.seen,
            "agents": [{"name": names[a], "present": moment.has(a)} for a in range(s.num_agents)],
            "teams": [team.name for team in show.teams] if isinstance(show, LiveGame) else [],
            "played": human,
            "lock": self._lock,
            "look": dataclasses.asdict(self._look) | {"panel": self._panel, "minimap": self._minimap},
            "mind": self._mind(moment, names),
        }

    def _mind(self, moment: Moment, names: list[str]) -> dict[str, Any] | None:
        """Return what the chosen agent sees, holds and attends to."""
        agent = self._look.agent
        if agent is None:
            return None
        agents = self._show.scenario.num_agents
        held = int(moment.holding[agent])
        weights = [] if moment.attention is None else moment.attention[agent].tolist()
        strongest = sorted(((w, n) for n, w in zip(names, weights, strict=False) if w > 0), reverse=True)
        return {
            "agent": names[agent],
            "sees": [] if moment.visible is None else [names[e] for e in np.nonzero(moment.visible[agent])[0]],
            "holds": names[agents + held] if held >= 0 else None,
            "attends": [[name, round(weight, 3)] for weight, name in strongest[:_MOST_ATTENDED]],
        }

    def _describe(self) -> dict[str, Any]:
        """Return what can be chosen."""
        s = self._show.scenario
        return {
            "scenarios": sorted({*scenarios.SCENARIOS, s.name}),
            "players": self._roster.names,
            "cameras": list(CAMERAS),
            "toggles": [*TOGGLES],
            "options": {name: getattr(s, name) for name in _OPTIONS},
        }

    # --- commands ----------------------------------------------------------------------------------------------------

    def _pause(self, on: bool) -> None:
        self._paused = bool(on)

    def _single_step(self, back: bool = False) -> None:
        self._paused, self._share = True, 1.0
        if back:
            self._replay().go(self._show.steps - 1)
        else:
            self._step()

    def _go(self, step: int) -> None:
        self._share = 1.0
        self._replay().go(int(step))

    def _set_speed(self, speed: float) -> None:
        self._speed = min(max(float(speed), _SPEEDS[0]), _SPEEDS[1])

    def _reset(self, again: bool = True) -> None:
        if again:
            self._show.again()
        else:
            self._show.next_episode()
        self._appear()

    def _seed(self, seed: int) -> None:
        if not isinstance(seed, int) or seed < 0:
            raise UserError(f"the seed is {seed}; it must be a whole number, not negative")
        self._game().restart(seed)
        self._appear()

    def _change_scenario(self, name: str | None = None, options: dict[str, Any] | None = None) -> None:
        game = self._game()
        changes = {key: tuple(v) if isinstance(v, list) else v for key, v in (options or {}).items()}
        unknown = set(changes) - set(_OPTIONS)
        if unknown:
            raise UserError(f"no option '{min(unknown)}'; choose {', '.join(_OPTIONS)}")
        policies = [team.saved for team in game.teams if team.saved]
        start = game.scenario if name is None else choose_scenario(name, policies[0] if policies else None)
        self._exchange(scenarios.replace(start, **changes))

    def _exchange(self, scenario: Scenario) -> None:
        """Show another scenario with the same players; if they do not fit, nothing changes."""
        old = self._game()
        teams = old.teams[0].name, old.teams[1].name
        new = LiveGame(scenario, old.seed, self._roster, teams, old.engine)
        try:
            renderer = self._make_renderer(new)
        except BaseException:
            new.close()
            raise
        self._renderer.close()
        old.close()
        self._renderer, self._show = renderer, new
        self._look = dataclasses.replace(self._look, agent=None)
        self._appear()

    def _make_renderer(self, show: LiveGame | Replay) -> WorldRenderer:
        renderer = WorldRenderer(show.scene, self._options.width, self._options.height)
        renderer.show(show.model)
        return renderer

    def _player(self, team: int, name: str) -> None:
        self._game().set_player(int(team), name)

    def _change_look(self, **changes: Any) -> None:
        if "camera" in changes and changes["camera"] not in CAMERAS:
            raise UserError(f"unknown camera '{changes['camera']}'; choose {', '.join(CAMERAS)}")
        self._panel = bool(changes.pop("panel", self._panel))
        self._minimap = bool(changes.pop("minimap", self._minimap))
        agent = changes.get("agent")
        if agent is not None and agent not in range(self._show.scenario.num_agents):
            raise UserError(f"there is no agent {agent}")
        self._look = dataclasses.replace(self._look, **changes)

    def _click(self, x: float, y: float) -> int:
        """Choose the agent at a place of the picture, or none."""
        entity = self._renderer.pick(x, y)[2]
        agent = entity if 0 <= entity < self._show.scenario.num_agents else None
        self._look = dataclasses.replace(self._look, agent=agent, sees=agent is not None)
        return entity

    def _take(self, x: float, y: float) -> int:
        """Take hold of what is at a place of the picture. Returns the entity, -1 for none."""
        entity = self._renderer.pick(x, y)[2]
        movable = entity >= 0 and isinstance(self._show, LiveGame)
        self._grip = (entity, float(self._show.after.pose[entity, 2])) if movable else None
        return entity if movable else -1

    def _drag(self, x: float, y: float) -> None:
        """Move what is held to a place of the picture, at its height."""
        if self._grip is None:
            return
        entity, height = self._grip
        start, direction, _ = self._renderer.pick(x, y)
        if abs(direction[2]) < 1e-3 or (height - start[2]) / direction[2] <= 0:
            return
        place = start + direction * ((height - start[2]) / direction[2])
        self._share = 1.0
        self._game().move(entity, float(place[0]), float(place[1]))

    def _drop(self) -> None:
        self._grip = None

    def _play(self, agent: int | None) -> None:
        """Let the human play an agent, or none."""
        game = self._game()
        self._keys, self._lock = set(), False
        if agent is None:
            game.human = None
            return
        if agent not in range(game.scenario.num_agents) or not game.after.has(agent):
            raise UserError(f"there is no agent {agent} to play")
        game.human = (agent, self._human_action)
        self._look = dataclasses.replace(self._look, agent=agent)
        self._paused = False

    def _press(self, keys: list[str]) -> None:
        """Note the keys that are held down now."""
        now = {str(key) for key in keys}
        if any(key in now - self._keys for key in controls.LOCK):
            self._lock = not self._lock
        self._keys = now

    def _human_action(self, heading: float) -> list[int]:
        forward = heading if self._look.camera in CAMERAS[2:] else math.pi / 2
        return controls.action(self._keys, self._lock, forward, self._show.scenario, heading)

    def _game(self) -> LiveGame:
        if not isinstance(self._show, LiveGame):
            raise UserError("this is a recorded episode: it can be looked at, but not changed or played")
        return self._show

    def _replay(self) -> Replay:
        if not isinstance(self._show, Replay):
            raise UserError("only recorded episodes go back; save this one and watch it")
        return self._show

    def _episode(self) -> Any:
        return self._show.episode()


Handler = Callable[..., Any]
_COMMANDS: dict[str, Handler] = {
    "describe": Viewer._describe,
    "pause": Viewer._pause,
    "step": Viewer._single_step,
    "go": Viewer._go,
    "speed": Viewer._set_speed,
    "reset": Viewer._reset,
    "seed": Viewer._seed,
    "scenario": Viewer._change_scenario,
    "player": Viewer._player,
    "look": Viewer._change_look,
    "click": Viewer._click,
    "take": Viewer._take,
    "drag": Viewer._drag,
    "drop": Viewer._drop,
    "play": Viewer._play,
    "keys": Viewer._press,
    "episode": Viewer._episode,
}
"""What a page can ask for."""
