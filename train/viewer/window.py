"""The viewer in a window of its own: the same world and commands as the page, where there is a display."""

from __future__ import annotations

import contextlib
import io
import threading
import tkinter as tk
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from tkinter import ttk
from typing import Any

from PIL import Image, ImageTk

from envs.errors import UserError

from ..rendering.renderer import CAMERAS
from .viewer import TOGGLES, Frame, Viewer

_POLL_MILLISECONDS = 15
_RELEASE_MILLISECONDS = 40
"""X11 repeats a key that is held down as pairs of release and press; a release counts if no press follows for this
long."""
_DRAG_PIXELS = 4
_NOBODY = "nobody"
_KEYS = {
    **{letter.lower(): f"Key{letter}" for letter in "WASDQEF"},
    **{"space": "Space", "shift_l": "ShiftLeft", "shift_r": "ShiftRight"},
    **{"up": "ArrowUp", "down": "ArrowDown", "left": "ArrowLeft", "right": "ArrowRight"},
}
"""Tk's names of keys, in lower case, and the browser's, which ``controls`` knows."""


def show_in_window(viewer: Viewer) -> None:
    """Run a viewer and show it in a window until that is closed.

    Raises:
      UserError: there is no display, or no OpenGL.
    """
    try:
        root = tk.Tk()
    except tk.TclError as error:
        raise UserError(f"a window needs a display ({error}); without --window it is watched in a browser") from error
    failed: Future = Future()
    thread = threading.Thread(target=_run, args=(viewer, failed), daemon=True)
    thread.start()
    try:
        choices = viewer.ask("describe", {})
        wait([choices, failed], return_when=FIRST_COMPLETED)
        if not failed.done():
            window = ViewerWindow(root, viewer, choices.result(), failed)
            with contextlib.suppress(KeyboardInterrupt):
                root.mainloop()
            window.close()
    finally:
        viewer.stop()
        thread.join(timeout=10)
    failed.result(timeout=10)


def _run(viewer: Viewer, failed: Future) -> None:
    """Run the viewer; what it raises is kept for the thread with the window."""
    try:
        viewer.run()
        failed.set_result(None)
    except BaseException as error:
        failed.set_exception(error)


class ViewerWindow:
    """A window onto a viewer, whose ``run`` goes on in another thread.

    Args:
      root: an empty window.
      viewer: what is shown.
      choices: what the viewer's command ``describe`` gave.
      ended: done when the viewer runs no more; the window closes then.
    """

    def __init__(self, root: tk.Tk, viewer: Viewer, choices: dict[str, Any], ended: Future) -> None:
        self.root, self._viewer, self._choices, self._ended = root, viewer, choices, ended
        root.title("hideseek")
        root.protocol("WM_DELETE_WINDOW", self.close)
        self._open = True
        self._shown = 0
        self.state: dict[str, Any] = {}
        """What the viewer said with the newest picture."""
        self._asked: list[Future] = []
        self._held: set[str] = set()
        self._releases: dict[str, str] = {}
        self._press: tuple[int, int, bool] | None = None
        self._build()
        self._poll()

    def close(self) -> None:
        """Close the window."""
        if self._open:
            self._open = False
            self.root.destroy()

    # --- what is in it -----------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.picture = tk.Canvas(
            self.root, width=self._choices["width"], height=self._choices["height"], highlightthickness=0
        )
        self.picture.grid(row=0, column=0, rowspan=2)
        self.panel = ttk.Frame(self.root, padding=10)
        self.panel.grid(row=0, column=1, sticky="n")
        self.text = {name: tk.StringVar(self.root) for name in ("where", "scores", "mind", "message")}
        self._build_buttons()
        self._build_choices()
        self._build_toggles()
        for name in self.text:
            ttk.Label(self.panel, textvariable=self.text[name], wraplength=240).pack(anchor="w", pady=2)
        self.picture.bind("<ButtonPress-1>", self._pressed)
        self.picture.bind("<B1-Motion>", self._moved)
        self.picture.bind("<ButtonRelease-1>", self._released)
        self.root.bind("<KeyPress>", self._key_down)
        self.root.bind("<KeyRelease>", self._key_up)

    def _build_buttons(self) -> None:
        row = ttk.Frame(self.panel)
        row.pack(anchor="w")
        self.buttons: dict[str, ttk.Button] = {}
        for text, command in (
            ("Pause", self._toggle_pause),
            ("Step", lambda: self._ask("step")),
            ("Again", lambda: self._ask("reset")),
            ("Next", lambda: self._ask("reset", again=False)),
        ):
            self.buttons[text] = ttk.Button(row, text=text, command=command, width=7, takefocus=False)
            self.buttons[text].pack(side="left")
        self.speed = ttk.Scale(self.panel, from_=-4, to=3, command=lambda x: self._ask("speed", speed=2 ** float(x)))
        self.speed.pack(fill="x", pady=6)

    def _build_choices(self) -> None:
        """One field to choose from for each of: camera, agent, who is played, who plays each team."""
        players = self._choices["players"]
        self.fields: dict[str, ttk.Combobox] = {}
        for name, values, command in (
            ("camera", list(CAMERAS), lambda value: self._ask("look", camera=value)),
            ("look at", [_NOBODY], lambda value: self._ask("look", agent=self._agent(value), sees=value != _NOBODY)),
            ("you are", [_NOBODY], lambda value: self._ask("play", agent=self._agent(value))),
            ("hiders", players, lambda value: self._ask("player", team=0, name=value)),
            ("seekers", players, lambda value: self._ask("player", team=1, name=value)),
            ("scenario", self._choices["scenarios"], lambda value: self._ask("scenario", name=value)),
        ):
            row = ttk.Frame(self.panel)
            row.pack(fill="x", pady=1)
            ttk.Label(row, text=name, width=9).pack(side="left")
            field = ttk.Combobox(row, values=values, state="readonly", width=24, takefocus=False)
            field.bind("<<ComboboxSelected>>", partial(self._chosen, field, command))
            field.pack(side="left")
            self.fields[name] = field

    def _chosen(self, field: ttk.Combobox, command: Callable[[str], None], _: tk.Event) -> None:
        command(field.get())
        field.selection_clear()
        self.picture.focus_set()  # Else the next letter would choose from the list.

    def _build_toggles(self) -> None:
        box = ttk.Frame(self.panel)
        box.pack(anchor="w", pady=6)
        self.toggles = {name: tk.BooleanVar(self.root) for name in TOGGLES}
        for place, (name, on) in enumerate(self.toggles.items()):
            button = ttk.Checkbutton(
                box, text=name, variable=on, takefocus=False, command=partial(self._toggle, name, on)
            )
            button.grid(row=place // 3, column=place % 3, sticky="w")

    def _toggle(self, name: str, on: tk.BooleanVar) -> None:
        self._ask("look", **{name: on.get()})

    # --- talking to the viewer ---------------------------------------------------------------------------------------

    def _ask(self, command: str, /, **arguments: Any) -> None:
        """Have a command done without waiting for it."""
        self.text["message"].set("")
        self._asked.append(self._viewer.ask(command, arguments))

    def _poll(self) -> None:
        """Show the newest picture, and what went wrong."""
        if self._ended.done():
            self.close()
            return
        for answer in [a for a in self._asked if a.done()]:
            self._asked.remove(answer)
            error = answer.exception()
            if error is not None:
                self.text["message"].set(str(error))
        frame = self._viewer.frame(self._shown, 0.0)
        if frame is not None:
            self._show(frame)
        self.root.after(_POLL_MILLISECONDS, self._poll)

    def _show(self, frame: Frame) -> None:
        self._shown, self.state = frame.number, frame.state
        self._image = ImageTk.PhotoImage(Image.open(io.BytesIO(frame.jpeg)), master=self.root)
        self.picture.delete("all")
        self.picture.create_image(0, 0, image=self._image, anchor="nw")
        state = self.state
        self.buttons["Pause"].configure(text="Go on" if state["paused"] else "Pause")
        self.text["where"].set(f"episode {state['episode']}, step {state['step']} of {state['steps']}")
        self.text["scores"].set("hiders {:.0f}, seekers {:.0f}".format(*state["scores"]))
        mind = state["mind"]
        self.text["mind"].set(f"{mind['agent']} sees {', '.join(mind['sees']) or 'nothing'}" if mind else "")
        names = [_NOBODY, *(agent["name"] for agent in state["agents"] if agent["present"])]
        everyone = [agent["name"] for agent in state["agents"]]
        for field, agent in (("look at", state["look"]["agent"]), ("you are", state["played"])):
            self.fields[field].configure(values=names)
            self.fields[field].set(_NOBODY if agent is None else everyone[agent])
        shown = {"camera": state["look"]["camera"], "scenario": state["scenario"]}
        for field, value in (shown | dict(zip(("hiders", "seekers"), state["teams"], strict=False))).items():
            self.fields[field].set(value)
        for name, on in self.toggles.items():
            on.set(state["look"][name])

    def _agent(self, name: str) -> int | None:
        return None if name == _NOBODY else [agent["name"] for agent in self.state["agents"]].index(name)

    def _toggle_pause(self) -> None:
        self._ask("pause", on=not self.state.get("paused", False))

    # --- mouse -------------------------------------------------------------------------------------------------------

    def _place(self, x: int, y: int) -> dict[str, float]:
        return {"x": x / self._choices["width"], "y": y / self._choices["height"]}

    def _pressed(self, event: tk.Event) -> None:
        self.picture.focus_set()
        self._press = (event.x, event.y, False)
        if self.state.get("live"):
            self._ask("take", **self._place(event.x, event.y))

    def _moved(self, event: tk.Event) -> None:
        if self._press is None:
            return
        x, y, moved = self._press
        moved = moved or abs(event.x - x) + abs(event.y - y) > _DRAG_PIXELS
        self._press = (x, y, moved)
        if moved and self.state.get("live") and not self._asked:  # One at a time, or they would pile up.
            self._ask("drag", **self._place(event.x, event.y))

    def _released(self, event: tk.Event) -> None:
        if self._press is None:
            return
        moved, self._press = self._press[2], None
        if self.state.get("live"):
            if moved:
                self._ask("drag", **self._place(event.x, event.y))
            self._ask("drop")
        if not moved:
            self._ask("click", **self._place(event.x, event.y))

    # --- keys --------------------------------------------------------------------------------------------------------

    def _key_down(self, event: tk.Event) -> None:
        name = event.keysym.lower()
        if self.state.get("played") is not None and name in _KEYS:
            if name in self._releases:
                self.root.after_cancel(self._releases.pop(name))
            if name not in self._held:
                self._held.add(name)
                self._send_keys()
        elif name in ("p", "space"):
            self._toggle_pause()
        elif name in ("n", "r"):
            self._ask("step" if name == "n" else "reset")
        elif name == "escape":
            self._ask("play", agent=None)

    def _key_up(self, event: tk.Event) -> None:
        name = event.keysym.lower()
        if name in self._held:
            self._releases[name] = self.root.after(_RELEASE_MILLISECONDS, self._let_go, name)

    def _let_go(self, name: str) -> None:
        self._releases.pop(name, None)
        self._held.discard(name)
        self._send_keys()

    def _send_keys(self) -> None:
        self._ask("keys", keys=[_KEYS[name] for name in self._held])
