"""Whatever a page asks for, the viewer answers, changes nothing if it refuses, and goes on drawing."""

import io
import itertools
import json
import logging
import math
import time

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from envs import scenarios
from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.rendering.opengl import make_context
from train.rendering.renderer import CAMERAS
from train.viewer import controls, inbox
from train.viewer import viewer as viewer_module
from train.viewer.inbox import Inbox
from train.viewer.live_world import LiveGame
from train.viewer.page_commands import number, pair, some_of, whole
from train.viewer.player_choice import PlayerChoice
from train.viewer.recorded import Replay
from train.viewer.viewer import COMMANDS, TOGGLES, Viewer, ViewerOptions

from .conftest import WORLD, Served

SIZE = (160, 120)
SMALL = scenarios.get("hide-and-seek/quadrant", horizon=20, preparation_fraction=0.1)


class Blind:
    """Stands where there is no OpenGL: a grey picture, and the entity at a place depends on the place alone."""

    def __init__(self, scene, width, height):
        self._picture, self._entities = np.full((height, width, 3), 99, dtype=np.uint8), scene.num_entities

    def show(self, model): ...

    def draw(self, moment, look):
        return self._picture.copy()

    def pick(self, x, y):
        ray = np.array([x - 0.5, y - 0.5, -1.0])
        return np.array([3.0, 3.0, 9.0]), ray, math.floor(20 * x) if 0 <= 20 * x < self._entities else -1

    def close(self): ...


@pytest.fixture(scope="module")
def renderer():
    """The real one if it can be had."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            make_context(64, 64).free()
        except UserError:
            patch.setattr(viewer_module, "WorldRenderer", Blind)
        yield


class Stepped:
    """A viewer whose loop is turned by hand, in this thread."""

    def __init__(self, show, choice):
        self.viewer = Viewer(show, choice, ViewerOptions(width=SIZE[0], height=SIZE[1]))
        self.viewer._renderer = self.viewer._make_renderer(show)

    def close(self):
        self.viewer._renderer.close()
        self.viewer._show.close()

    def ask(self, name, arguments):
        """Return what a command gives, or the line that says why it failed."""
        try:
            answer = self.viewer.ask(name, arguments)
            self.viewer._obey()
            return answer.result(timeout=0), None
        except UserError as error:
            return None, str(error)

    def all(self):
        """Everything that a command may change."""
        v, show = self.viewer, self.viewer._show
        state = {key: value for key, value in v._state().items() if key != "message"}
        others = sorted(v._keys), v._grip, v._share, id(show), id(v._renderer), id(show.layout), show.path.tolist()
        return json.dumps([state, others], allow_nan=False)

    def turn(self, seconds):
        """Let time pass."""
        self.viewer.frame(0, 0.0)
        self.viewer._pass_time(seconds)

    def draw(self):
        """Return the picture's size after one more was drawn."""
        before = self.viewer.frame(0, 0.0)
        self.viewer._draw()
        after = self.viewer.frame(0, 0.0)
        assert after.number == (1 if before is None else before.number + 1)
        return Image.open(io.BytesIO(after.jpeg)).size


@pytest.fixture(scope="module")
def live(renderer, run_folder):
    choice = PlayerChoice([run_folder])
    made = Stepped(LiveGame(SMALL, 0, choice, ("mine 7", "random")), choice)
    yield made
    made.close()


@pytest.fixture(scope="module")
def recorded(renderer, run_folder):
    game = LiveGame(SMALL, 0, PlayerChoice([run_folder]), ("mine 7", "random"))
    for _ in range(12):
        game.step()
    made = Stepped(Replay([game.episode(), game.episode()]), PlayerChoice([]))
    game.close()
    yield made
    made.close()


# --- any command ---------------------------------------------------------------------------------------------------

SOME_AGENT = st.none() | st.integers(0, 5)
SHARE = st.floats(-0.1, 1.1)
NAMES = st.sampled_from(["mine 7", "mine 3", "random", "zero", "robot"])
USUAL = {
    "describe": {},
    "pause": {"on": st.booleans()},
    "step": {"back": st.booleans()},
    "go": {"step": st.integers(0, 30)},
    "speed": {"speed": st.floats(0.05, 8.0)},
    "reset": {"again": st.booleans()},
    "seed": {"seed": st.integers(0, 2**32 - 1)},
    "scenario": {
        "name": st.sampled_from(["hide-and-seek/quadrant", "hide-and-seek/quickstart", "hide-and-seek/full", "moon"]),
        "hiders": st.integers(1, 4),
        "seekers": st.integers(0, 4),
        "boxes": st.lists(st.integers(0, 9), min_size=2, max_size=2),
        "ramps": st.integers(0, 3),
        "horizon": st.integers(1, 60),
        "preparation_fraction": st.floats(0, 1),
        "floor_size": st.floats(1, 12),
    },
    "player": {"team": st.integers(0, 1), "name": NAMES},
    "look": {"camera": st.sampled_from(CAMERAS), "agent": SOME_AGENT} | dict.fromkeys(TOGGLES, st.booleans()),
    "click": {"x": SHARE, "y": SHARE},
    "take": {"x": SHARE, "y": SHARE},
    "drag": {"x": SHARE, "y": SHARE},
    "drop": {},
    "play": {"agent": SOME_AGENT},
    "keys": {"keys": st.lists(st.sampled_from(controls.KEYS), unique=True)},
}
"""What a page sends; all numbers are possible ones."""
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63), 10**400, 1e308, 5e-324, 1.0, 2.0])
STRANGE = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=9) | st.just("x" * 100_000) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
WORDS = [*sorted({name for arguments in USUAL.values() for name in arguments}), "self", "name", "", "options"]


@st.composite
def commands(draw):
    """Half of them as the page sends them; of the others some arguments are missing, strange, or too many."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    kinds, values = COMMANDS[name].kinds, USUAL[name]
    optional = {key: value for key, value in values.items() if kinds[key].optional}
    required = {key: value for key, value in values.items() if key not in optional}
    arguments = draw(st.fixed_dictionaries(required, optional=optional))
    if draw(st.booleans()):
        arguments |= draw(st.dictionaries(st.sampled_from([*kinds, *WORDS]), STRANGE, max_size=2))
        for key in draw(st.sets(st.sampled_from(sorted(arguments) or [""]), max_size=1)):
            arguments.pop(key, None)
        name = draw(st.just(name) | st.sampled_from([*COMMANDS, "episode", "run", "_game", "x" * 100_000]))
    return name, arguments


def check_commands(stepped, sequence):
    """Do commands one after the other; look at everything that may go wrong."""
    for name, arguments in sequence:
        before = stepped.all()
        answer, error = stepped.ask(name, arguments)
        if error is None:
            json.dumps(answer, allow_nan=False)
        else:
            assert stepped.all() == before, (name, arguments, error)
            assert 0 < len(error) < 500 and "\n" not in error and " failed (" not in error
        stepped.turn(0.2)
        assert "(" not in stepped.viewer._message or "scenario" in stepped.viewer._message
    assert stepped.draw() == SIZE


def test_every_command_is_tried():
    assert {name: set(values) for name, values in USUAL.items()} == {n: set(c.kinds) for n, c in COMMANDS.items()}


QUICK = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(sequence=st.lists(commands(), min_size=20, max_size=20))
def test_any_commands_are_answered_and_the_world_goes_on(live, sequence):
    check_commands(live, sequence)


@QUICK
@given(sequence=st.lists(commands(), min_size=20, max_size=20))
def test_any_commands_are_answered_while_a_recorded_episode_is_shown(recorded, sequence):
    check_commands(recorded, sequence)


@pytest.mark.slow
@LONG
@given(sequence=st.lists(commands(), min_size=20, max_size=20))
def test_ten_thousand_commands(live, sequence):
    check_commands(live, sequence)


# --- commands that fail --------------------------------------------------------------------------------------------


def test_numbers_are_finite_and_in_their_range():
    good = [(number(0, 1), 0), (number(0, 1), 1.0), (whole(0, 2), 2), (pair(whole(0, 2)), [0, 2]), (some_of("ab"), [])]
    bad = [(number(0, 1), value) for value in (math.nan, math.inf, -math.inf, -0.1, 10**400, True, "0", None, [0])]
    bad += [(whole(0, 2), value) for value in (1.0, False, 3, -1, math.nan)]
    bad += [(pair(whole(0, 2)), value) for value in ([], [1], [1, 1, 1], "11", [1, 1.0], None)]
    bad += [(some_of("ab"), value) for value in (["c"], ["a", "a"], "ab", [[]], [{}], {})]
    assert all(kind.holds(value) for kind, value in good)
    assert [(kind, value) for kind, value in bad if kind.holds(value)] == []


@pytest.mark.parametrize("error", [IndexError("5"), RuntimeError("line\nline"), MemoryError(), ZeroDivisionError("x")])
def test_an_error_nobody_thought_of_is_one_line_and_the_viewer_goes_on(live, monkeypatch, caplog, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(LiveGame, "set_player", fail)
    _, told = live.ask("player", {"team": 0, "name": "random"})
    assert told == f"command 'player' failed ({type(error).__name__}: {' '.join(str(error).split())})"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [told]
    assert live.ask("pause", {"on": True}) == (None, None) and live.draw() == SIZE


def test_a_refused_step_back_does_not_pause(live):
    live.ask("pause", {"on": False})
    assert "only recorded episodes" in live.ask("step", {"back": True})[1]
    assert not live.viewer._paused


def test_a_place_can_be_clicked_before_the_first_picture(renderer):
    stepped = Stepped(LiveGame(SMALL, 0, PlayerChoice([]), ("random", "random")), PlayerChoice([]))
    assert all(stepped.ask("click", {"x": 0.5, "y": 0.5})[1] is None for _ in range(2))
    assert stepped.ask("scenario", {"horizon": 9}) == (None, None)
    assert stepped.ask("take", {"x": 0.5, "y": 0.5})[1] is None
    stepped.close()


@pytest.mark.parametrize("command", [("seed", {"seed": 9}), ("reset", {"again": False}), ("scenario", {"horizon": 9})])
def test_an_episode_without_a_layout_does_not_begin(live, monkeypatch, command):
    def fail(*_):
        raise UserError("no free place")

    monkeypatch.setattr(LayoutStream, "draw", fail)
    before = live.all()
    assert live.ask(*command) == (None, "no free place")
    assert live.all() == before


def test_a_scenario_that_cannot_be_drawn_is_not_shown(live, monkeypatch):
    def fail(*_):
        raise UserError("no OpenGL")

    before = live.all()
    with monkeypatch.context() as patch:
        patch.setattr(Viewer, "_make_renderer", fail)
        assert live.ask("scenario", {"horizon": 9}) == (None, "no OpenGL")
    assert live.all() == before and live.draw() == SIZE


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("contacts found no room"), "contacts found no room"),
        (IndexError("5"), "the world cannot go on (IndexError: 5)"),
    ],
)
def test_a_world_that_cannot_go_on_rests_and_says_why(live, monkeypatch, error, told):
    """Another episode and another player may go on."""

    def fail(*_):
        raise error

    live.ask("reset", {})
    live.ask("pause", {"on": False})
    with monkeypatch.context() as patch:
        patch.setattr(live.viewer._show.teams[0].player, "act", fail)
        live.turn(0.2)
    state = live.viewer._state()
    assert state["paused"] and state["over"] and state["message"] == told
    assert live.draw() == SIZE
    assert live.ask("player", {"team": 0, "name": "random"}) == (None, None)
    live.ask("pause", {"on": False})
    live.turn(0.2)
    state = live.viewer._state()
    assert not state["paused"] and not state["over"] and state["message"] == ""


# --- the inbox -----------------------------------------------------------------------------------------------------


def test_what_nobody_waits_for_any_more_is_not_done(monkeypatch):
    monkeypatch.setattr(inbox, "_ANSWER_SECONDS", 0.01)
    box, done = Inbox(), []
    with pytest.raises(TimeoutError):
        inbox.result(box.put("late", lambda: done.append("late")))
    answer = box.put("soon", lambda: done.append("soon"))
    assert box.work() and done == ["soon"] and answer.done()
    assert not box.work()


def test_a_flood_of_commands_does_not_stop_time():
    box, numbers = Inbox(), itertools.count()
    for _ in range(inbox._MOST_AT_ONCE + 50):
        box.put("count", lambda: next(numbers))
    box.work()
    assert next(numbers) == inbox._MOST_AT_ONCE


def test_the_loop_survives_bad_commands(opengl, run_folder, monkeypatch):
    """The whole program with its threads, as over HTTP."""
    choice = PlayerChoice([run_folder])
    options = ViewerOptions(width=SIZE[0], height=SIZE[1])
    with Served(LiveGame(WORLD, 0, choice, ("mine 7", "random")), choice, options) as served:
        monkeypatch.setattr(LiveGame, "restart", lambda *_: [][5])
        for name, arguments in (("player", {"team": 5, "name": "random"}), ("seed", {"seed": 1})):
            with pytest.raises(UserError):
                served.viewer.command(name, arguments)
        step, end = served.state()["step"], time.monotonic() + 60
        while served.state()["step"] == step:
            assert time.monotonic() < end
