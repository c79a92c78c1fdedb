"""The viewer's loop: one thread that takes commands, lets time pass, and draws."""

from __future__ import annotations

import dataclasses
import io
import math
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from PIL import Image

from envs import scenarios
from envs.errors import UserError
from envs.options.ranges import LAST_SEED
from envs.scenarios import Scenario

from ..play.episodes import Episode
from ..play.moment import between
from ..play.play_session import choose_scenario
from ..rendering.annotations import DrawOptions
from ..rendering.minimap import Minimap
from ..rendering.overlays import Status, draw_status
from ..rendering.renderer import CAMERAS, WorldRenderer
from . import controls
from .frames import Frame, Frames
from .inbox import Inbox, explained, result
from .live_world import LiveGame
from .page_commands import TEXT, TRUTH, Commands, nullable, number, one_of, optional, pair, some_of, whole
from .page_state import agent_state, scenario_choices, world_state
from .player_choice import PlayerChoice
from .recorded import Replay

_FRAME_SECONDS = 1 / 30
_MOST_STEPS = 4
"""Steps between two frames; a machine that is too slow for more shows the world in slow motion."""
_JPEG_QUALITY = 88
TOGGLES = ("cones", "sight", "grabs", "sees", "attention", "lidar", "shadows", "panel", "minimap")
"""What can be switched on and off, by name."""
_AGENT = whole(0, 9)
_PLACE = {"x": number(-10, 10), "y": number(-10, 10)}
"""From 0 to 1 on the picture; a mouse that holds something may leave it."""
_OPTIONS = {
    "hiders": whole(1, 10),
    "seekers": whole(0, 10),
    "boxes": pair(whole(0, 30)),
    "ramps": whole(0, 10),
    "horizon": whole(1, 10_000),
    "preparation_fraction": number(0, 1),
    "floor_size": number(1, 50),
}
"""Fields of a scenario that the page offers."""
COMMANDS = Commands()
"""What a page can ask for. What fails has changed nothing: methods check and make everything first, then write."""


@dataclass(frozen=True, kw_only=True)
class ViewerOptions:
    """How the viewer starts."""

    width: int = 640
    height: int = 480
    camera: str = CAMERAS[0]
    paused: bool = False


class Viewer:
    """Shows a world and obeys commands.

    ``run`` owns the world and OpenGL; the other methods may be called from any thread.

    Args:
      show: what is shown first; the viewer closes it.
      choice: who can play.
      options: how it starts.
    """

    def __init__(self, show: LiveGame | Replay, choice: PlayerChoice, options: ViewerOptions) -> None:
        self._show = show
        self._choice = choice
        self._options = options
        self._look = DrawOptions(camera=options.camera)
        self._panel, self._minimap = True, False
        self._paused, self._speed = options.paused, 1.0
        self._keys: set[str] = set()
        self._lock = False
        self._grip: tuple[int, float] | None = None
        self._share, self._changed, self._drawn = 1.0, True, False
        self._message = ""
        self._inbox = Inbox()
        self._frames = Frames()
        self._stop = threading.Event()

    # --- for other threads -------------------------------------------------------------------------------------------

    def ask(self, name: str, arguments: dict[str, Any]) -> Future:
        """Have a command done soon. What it gives, or the UserError that says why it failed, comes later.

        Raises:
          UserError: there is no such command, or it takes other arguments.
        """
        command = COMMANDS.find(name)
        command.check(arguments)
        return self._inbox.put(f"command '{name}'", lambda: command.method(self, **arguments))

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Have a command done, and return what it gives.

        Raises:
          UserError: it cannot be done; says why.
          TimeoutError: the viewer is busy; it will not be done.
        """
        return result(self.ask(name, arguments))

    def episode(self) -> Episode:
        """Return the episode up to now. Raises what ``command`` raises."""
        return result(self._inbox.put("saving", lambda: self._show.episode()))

    def frame(self, after: int, timeout: float) -> Frame | None:
        """Return the newest picture if its number is above ``after``; wait for one up to ``timeout`` seconds."""
        return self._frames.take(after, timeout)

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
                if self._changed and self._frames.watched:
                    self._draw()
                else:
                    self._obey(wait=_FRAME_SECONDS)
                time.sleep(max(0.0, _FRAME_SECONDS - (time.perf_counter() - now)))
        finally:
            self._renderer.close()
            self._show.close()

    def _obey(self, wait: float = 0.0) -> None:
        """Do the commands that have come in; wait for the first one."""
        if self._inbox.work(wait):
            self._changed, self._message = True, ""

    def _pass_time(self, seconds: float) -> None:
        """Let the world go on for some wall-clock time; where it cannot, it rests and the page says why."""
        if self._paused or not self._frames.watched:
            return
        self._changed = True
        self._share += min(seconds * self._speed / self._show.scenario.step_seconds, float(_MOST_STEPS))
        try:
            while self._share > 1.0:
                self._step()
                self._share -= 1.0
        except Exception as error:
            self._paused, self._share = True, 1.0
            self._message = str(explained("the world cannot go on", error))

    def _step(self) -> None:
        model = self._show.model
        self._show.step()
        if self._show.model is not model:
            self._appear()

    def _appear(self) -> None:
        """Another episode has begun."""
        self._grip = None
        self._renderer.show(self._show.model)
        self._share, self._drawn = 1.0, False

    def _draw(self) -> None:
        self._changed, self._drawn = False, True
        show = self._show
        moment = between(show.before, show.after, self._share)
        picture = self._renderer.draw(moment, self._look)
        if self._minimap:
            picture = Minimap(show.scenario, show.layout).draw(picture, show.path, moment)
        if self._panel:
            picture = draw_status(picture, self._status())
        memory = io.BytesIO()
        Image.fromarray(picture).save(memory, "JPEG", quality=_JPEG_QUALITY)
        self._frames.put(memory.getvalue(), self._state())

    def _status(self) -> Status:
        s = self._show.scenario
        return Status(
            seconds=max(0.0, self._show.steps - 1.0 + self._share) * s.step_seconds,
            duration=s.horizon * s.step_seconds,
            preparation=s.preparation_steps * s.step_seconds,
            seen=self._show.seen,
            hiders_score=self._show.score(0),
            alone=s.seekers == 0,
        )

    # --- what the page is told ---------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return world_state(self._show) | {
            "paused": self._paused,
            "speed": self._speed,
            "lock": self._lock,
            "look": dataclasses.asdict(self._look) | {"panel": self._panel, "minimap": self._minimap},
            "mind": agent_state(self._show, self._look.agent),
            "message": self._message,
        }

    # --- commands ----------------------------------------------------------------------------------------------------

    @COMMANDS.takes("describe")
    def _describe(self) -> dict[str, Any]:
        """Return what can be chosen."""
        choices = {"players": self._choice.names, "cameras": list(CAMERAS), "toggles": [*TOGGLES]}
        return choices | scenario_choices(self._show.scenario, [*_OPTIONS])

    @COMMANDS.takes("pause", on=TRUTH)
    def _pause(self, on: bool) -> None:
        self._paused = on

    @COMMANDS.takes("step", back=optional(TRUTH))
    def _single_step(self, back: bool = False) -> None:
        if back:
            self._go(self._show.steps - 1)
        else:
            self._step()
        self._paused, self._share = True, 1.0

    @COMMANDS.takes("go", step=whole(0, 10**9))
    def _go(self, step: int) -> None:
        self._replay().go(step)
        self._share = 1.0

    @COMMANDS.takes("speed", speed=number(0.05, 8))
    def _set_speed(self, speed: float) -> None:
        self._speed = speed

    @COMMANDS.takes("reset", again=optional(TRUTH))
    def _reset(self, again: bool = True) -> None:
        if again:
            self._show.again()
        else:
            self._show.next_episode()
        self._appear()

    @COMMANDS.takes("seed", seed=whole(0, LAST_SEED))
    def _seed(self, seed: int) -> None:
        self._game().restart(seed)
        self._appear()

    @COMMANDS.takes("scenario", name=optional(TEXT), **{name: optional(kind) for name, kind in _OPTIONS.items()})
    def _change_scenario(self, name: str | None = None, **options: Any) -> None:
        game = self._game()
        policies = [team.saved for team in game.teams if team.saved]
        start = game.scenario if name is None else choose_scenario(name, policies[0] if policies else None)
        changes = {key: type(getattr(start, key))(value) for key, value in options.items()}
        self._exchange(scenarios.replace(start, **changes))

    def _exchange(self, scenario: Scenario) -> None:
        """Show another scenario with the same players; if they do not fit, nothing changes."""
        old, old_renderer = self._game(), self._renderer
        teams = old.teams[0].name, old.teams[1].name
        new = LiveGame(scenario, old.seed, self._choice, teams, old.engine)
        try:
            self._renderer = self._make_renderer(new)
        except BaseException:
            new.close()
            raise
        self._show = new
        self._look = dataclasses.replace(self._look, agent=None)
        self._appear()
        old_renderer.close()
        old.close()

    def _make_renderer(self, show: LiveGame | Replay) -> WorldRenderer:
        renderer = WorldRenderer(show.scene, self._options.width, self._options.height)
        renderer.show(show.model)
        return renderer

    @COMMANDS.takes("player", team=whole(0, 1), name=TEXT)
    def _player(self, team: int, name: str) -> None:
        self._game().set_player(team, name)

    @COMMANDS.takes(
        "look",
        camera=optional(one_of(CAMERAS)),
        agent=optional(nullable(_AGENT)),
        **dict.fromkeys(TOGGLES, optional(TRUTH)),
    )
    def _change_look(self, **changes: Any) -> None:
        agent = changes.get("agent")
        if agent is not None and agent >= self._show.scenario.num_agents:
            raise UserError(f"there is no agent {agent}")
        self._panel, self._minimap = changes.pop("panel", self._panel), changes.pop("minimap", self._minimap)
        self._look = dataclasses.replace(self._look, **changes)

    @COMMANDS.takes("click", **_PLACE)
    def _click(self, x: float, y: float) -> int:
        """Choose the agent at a place of the picture, or none."""
        entity = self._pick(x, y)[2]
        agent = entity if 0 <= entity < self._show.scenario.num_agents else None
        self._look = dataclasses.replace(self._look, agent=agent, sees=agent is not None)
        return entity

    @COMMANDS.takes("take", **_PLACE)
    def _take(self, x: float, y: float) -> int:
        """Take hold of what is at a place of the picture. Returns the entity, -1 for none."""
        entity = self._pick(x, y)[2]
        movable = entity >= 0 and isinstance(self._show, LiveGame)
        self._grip = (entity, float(self._show.after.pose[entity, 2])) if movable else None
        return entity if movable else -1

    @COMMANDS.takes("drag", **_PLACE)
    def _drag(self, x: float, y: float) -> None:
        """Move what is held to a place of the picture, at its height."""
        if self._grip is None:
            return
        entity, height = self._grip
        start, direction, _ = self._pick(x, y)
        if abs(direction[2]) < 1e-3 or (height - start[2]) / direction[2] <= 0:
            return
        place = start + direction * ((height - start[2]) / direction[2])
        self._game().move(entity, float(place[0]), float(place[1]))
        self._share = 1.0

    @COMMANDS.takes("drop")
    def _drop(self) -> None:
        self._grip = None

    def _pick(self, x: float, y: float) -> tuple[Any, Any, int]:
        """Find what is at a place of the picture, which is drawn first if there is none yet."""
        if not self._drawn:
            self._draw()
        return self._renderer.pick(x, y)

    @COMMANDS.takes("play", agent=nullable(_AGENT))
    def _play(self, agent: int | None) -> None:
        """Let the human play an agent, or none."""
        game = self._game()
        if agent is not None and (agent >= game.scenario.num_agents or not game.after.has(agent)):
            raise UserError(f"there is no agent {agent} to play")
        self._keys, self._lock = set(), False
        if agent is None:
            game.human = None
            return
        game.human = (agent, self._human_action)
        self._look = dataclasses.replace(self._look, agent=agent)
        self._paused = False

    @COMMANDS.takes("keys", keys=some_of(controls.KEYS))
    def _press(self, keys: list[str]) -> None:
        """Note the keys that are held down now."""
        now = set(keys)
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
