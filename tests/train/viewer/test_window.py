"""The viewer's own window, on a virtual screen."""

import shutil
import subprocess
import threading
import time
from concurrent.futures import Future

import numpy as np
import pytest

from train.cli import main
from train.viewer.live_world import LiveGame
from train.viewer.player_choice import Roster
from train.viewer.viewer import Viewer, ViewerOptions

from .conftest import WORLD

tk = pytest.importorskip("tkinter")
PATIENCE = 60.0


@pytest.fixture(scope="module")
def display():
    """A virtual screen, until the last test: Tk does not let go of it, and would end the process without it."""
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    number = server.stdout.readline().decode().strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{number}")
        yield
    server.kill()
    server.wait()


class Hand:
    """Works a window as a person does, and lets time pass in it."""

    def __init__(self, window):
        self.window = window

    def wait(self, happens):
        end = time.monotonic() + PATIENCE
        while not happens():
            assert time.monotonic() < end, "nothing happened"
            self.window.root.update()
            time.sleep(0.01)

    def mouse(self, *places):
        """Move the mouse over places of the picture with the button down."""
        picture = self.window.picture
        for number, (x, y) in enumerate(places):
            where = {"x": round(x * picture.winfo_width()), "y": round(y * picture.winfo_height())}
            picture.event_generate("<ButtonPress-1>" if number == 0 else "<B1-Motion>", **where)
            self.wait(lambda: not self.window._asked)
        picture.event_generate("<ButtonRelease-1>", **where)
        self.wait(lambda: not self.window._asked)

    def hold(self, key, seconds):
        """Hold a key as X11 reports it: as repeated pairs of release and press."""
        root, end = self.window.root, time.monotonic() + seconds
        root.event_generate(f"<KeyPress-{key}>")
        while time.monotonic() < end:
            root.event_generate(f"<KeyRelease-{key}>")
            root.event_generate(f"<KeyPress-{key}>")
            root.update()
            time.sleep(0.02)
        root.event_generate(f"<KeyRelease-{key}>")
        self.wait(lambda: not self.window._held)


@pytest.mark.slow
def test_a_person_watches_drags_and_plays_in_the_window(opengl, display, run_folder):
    from train.viewer.window import ViewerWindow

    roster = Roster([run_folder])
    viewer = Viewer(LiveGame(WORLD, 0, roster, ("mine 7", "mine 7")), roster, ViewerOptions(width=320, height=260))
    root, ended = tk.Tk(), Future()
    thread = threading.Thread(target=viewer.run, daemon=True)
    thread.start()
    window = ViewerWindow(root, viewer, viewer.command("describe", {}), ended)
    hand = Hand(window)

    # Agents move, and rest while it is paused.
    hand.wait(lambda: window.state.get("step", 0) >= 5)
    window.buttons["Pause"].invoke()
    hand.wait(lambda: window.state["paused"])
    step = window.state["step"]
    window.buttons["Step"].invoke()
    hand.wait(lambda: window.state["step"] == step + 1)

    # Another checkpoint for the seekers, another camera.
    for name, value in (("seekers", "mine 3"), ("camera", "top")):
        window.fields[name].set(value)
        window.fields[name].event_generate("<<ComboboxSelected>>")
    hand.wait(lambda: window.state["teams"] == ["mine 7", "mine 3"] and window.state["look"]["camera"] == "top")

    # Drag a box to the middle.
    spots = [(x / 64, y / 52) for y in range(6, 48) for x in range(8, 56)]
    box = next(spot for spot in spots if viewer._renderer.pick(*spot)[2] == WORLD.num_agents)
    hand.mouse(box, ((box[0] + 0.5) / 2, (box[1] + 0.5) / 2), (0.5, 0.5))
    place = viewer.command("episode", {}).states["pose"][-1, WORLD.num_agents, :2]
    assert np.abs(place - WORLD.floor_size / 2).max() < 0.5

    # Click an agent.
    hand.mouse(next(spot for spot in spots if viewer._renderer.pick(*spot)[2] == 0))
    hand.wait(lambda: window.text["mind"].get().startswith("hider 0 sees"))

    # Play it.
    window.fields["you are"].set("hider 0")
    window.fields["you are"].event_generate("<<ComboboxSelected>>")
    hand.wait(lambda: window.state["played"] == 0 and not window.state["paused"])
    window.root.focus_force()
    before = viewer.command("episode", {}).steps
    hand.hold("w", 1.0)
    hand.hold("q", 1.0)
    played = viewer.command("episode", {})
    actions = [tuple(row) for row in played.actions[before:, 0].tolist()]
    assert {(5, 7, 5, 0, 0), (5, 5, 6, 0, 0)} <= set(actions)
    first = actions.index((5, 7, 5, 0, 0))
    forward = [a == (5, 7, 5, 0, 0) for a in actions[first:]]
    assert all(forward[: sum(forward)])  # The repeats of a key that is held down are no releases.

    assert window.text["message"].get() == ""
    ended.set_result(None)
    hand.wait(lambda: not window._open)
    viewer.stop()
    thread.join(timeout=PATIENCE)
    assert not thread.is_alive()


def test_without_a_display_it_says_so(opengl, monkeypatch, capsys):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main(["watch", "--window", "--hiders", "random"]) == 2
    assert "a window needs a display" in capsys.readouterr().err


@pytest.mark.slow
def test_without_opengl_the_window_says_what_to_install(display, monkeypatch, capsys):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    assert main(["watch", "--window"]) == 2
    assert "MUJOCO_GL" in capsys.readouterr().err
