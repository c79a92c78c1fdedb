"""Episode files: compressed NumPy archives with a JSON header. docs/episodes.md describes every field."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from envs.errors import UserError
from envs.layouts import Layout, validate_layout
from envs.options.ranges import Seed, Whole, faults
from envs.scenarios import Scenario, validate

from ..runs.run_folder import package_versions
from ..support.files import write_atomically
from ..support.json_data import from_plain, parse_object, shorten, take, to_plain
from ..support.npz_files import read_npz
from .episodes import STATES, Episode, state_names

FORMAT = "hideseek-episodes"
VERSION = 1
"""Grows when older programs can no longer read the files."""
EXTENSION = ".npz"


@dataclass(frozen=True)
class _Entry:
    """What the header says of one episode."""

    title: str
    seed: Seed
    edited: bool
    steps: Whole


def save_episodes(path: Path, episodes: list[Episode]) -> None:
    """Write episodes of one scenario; ``path`` has either its old content or all of the new one.

    Raises:
      UserError: the file cannot be written.
    """
    memory = io.BytesIO()
    write_episodes(memory, episodes)
    write_atomically(path, memory.getvalue())


def write_episodes(file: IO[bytes], episodes: list[Episode]) -> None:
    """Write episodes of one scenario to an open file."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "scenario": to_plain(episodes[0].scenario),
        "episodes": [{"title": e.title, "seed": e.seed, "edited": e.edited, "steps": e.steps} for e in episodes],
        "versions": package_versions(),
    }
    arrays: dict[str, NDArray[Any]] = {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)}
    for number, episode in enumerate(episodes):
        arrays |= {f"{number}/{name}": values for name, values in _arrays(episode).items()}
    np.savez_compressed(file, allow_pickle=False, **arrays)


def load_episodes(path: Path) -> list[Episode]:
    """Read and check an episode file.

    Raises:
      UserError: missing, damaged, not an episode file, or written by a later version.
    """
    if not path.is_file():
        raise UserError(f"no episode file at {path}")
    arrays = read_npz(path, "episode file")
    header = _header(path, arrays)
    try:
        scenario = validate(take(header, "scenario", Scenario, "its header"))
        entries = [from_plain(_Entry, entry, "its header") for entry in header["episodes"]]
        return [_episode(scenario, entry, _group(arrays, f"{n}/")) for n, entry in enumerate(entries)]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise UserError(f"episode file {path} is damaged: {_one_line(error)}") from error


def is_episode_file(path: Path) -> bool:
    """Tell by its name whether a path means an episode file."""
    return path.suffix.lower() == EXTENSION


def _arrays(episode: Episode) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "actions": episode.actions,
        "rewards": episode.rewards,
        "live": episode.live,
    }
    arrays |= {f"states/{name}": values for name, values in episode.states.items()}
    layout = episode.layout
    arrays |= {f"layout/{f.name}": getattr(layout, f.name).cpu().numpy() for f in dataclasses.fields(layout)}
    if episode.attention is not None:
        arrays["attention"] = episode.attention
    return arrays


def _header(path: Path, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the file's description if this program can read the file."""
    try:
        header = parse_object(arrays["header"].tobytes(), "its header")
        version = take(header, "version", int, "its header")
    except (KeyError, UserError) as error:
        raise UserError(f"{path} is not an episode file: it has no header ({_one_line(error)})") from error
    if header.get("format") != FORMAT:
        raise UserError(f"{path} is not an episode file (format {shorten(header.get('format'))})")
    if version > VERSION:
        raise UserError(
            f"{path} was written by a later version of hideseek (format {version}, this one reads {VERSION})"
        )
    if not isinstance(header.get("episodes"), list) or not header["episodes"]:
        raise UserError(f"episode file {path} is damaged: it lists no episodes")
    return header


def _episode(scenario: Scenario, entry: _Entry, arrays: dict[str, NDArray[Any]]) -> Episode:
    """Put one episode together. Anything that is missing, or of a wrong shape, type or size raises an error."""
    for name, text in faults(entry):
        raise ValueError(f"'{name}' {text}")
    layout = Layout(**{name: torch.from_numpy(values) for name, values in _group(arrays, "layout/").items()})
    if layout.num_worlds != 1:
        raise ValueError(f"its layout is of {layout.num_worlds} worlds")
    steps, agents, objects = entry.steps, scenario.num_agents, scenario.num_objects
    _require("actions", arrays["actions"], (steps, agents, len(scenario.action_bins)), np.int8)
    _require_within("actions", arrays["actions"], 0, np.array(scenario.action_bins))
    _require("rewards", arrays["rewards"], (steps, agents), np.float32)
    _require("live", arrays["live"], (steps,), np.bool_)
    if (attention := arrays.get("attention")) is not None:
        _require("attention", attention, (steps, agents, agents + objects), np.float32)
    states = _group(arrays, "states/")
    for name in state_names(scenario):
        _require(name, states[name], (steps + 1, *_state_shapes(scenario)[name]), STATES[name])
    _require_within("holding", states["holding"], -1, objects)
    _require_within("locker", states["locker"], -1, agents)
    if not np.isfinite(states["pose"]).all():
        raise ValueError("'pose' must hold finite numbers only")
    episode = Episode(
        scenario,
        validate_layout(scenario, layout),
        entry.seed,
        entry.title.encode(errors="replace").decode(),
        entry.edited,
        arrays["actions"],
        arrays["rewards"],
        arrays["live"],
        states,
        attention,
    )
    for index in (0, steps):  # Only the game knows what it keeps.
        episode.moment(index)
        episode.world_state(index)
    return episode


def _state_shapes(scenario: Scenario) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what is kept of one state."""
    agents, objects, numbers = scenario.num_agents, scenario.num_objects, scenario.pose_size
    return {
        "pose": (agents + objects, numbers),
        "velocity": (agents + objects, numbers),
        "visible": (agents, agents + objects),
        "holding": (agents,),
        "grab_offset": (agents, 3),
        "grab_yaw": (agents,),
        "grab_tilt": (agents, 4),
        "locked": (objects,),
        "locker": (objects,),
        "lock_pose": (objects, numbers),
    }


def _group(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _require(name: str, values: NDArray[Any], shape: tuple[int, ...], kind: Any) -> None:
    if values.shape != shape or values.dtype != kind:
        raise ValueError(f"'{name}' has shape {values.shape} of {values.dtype}, expected {shape} of {np.dtype(kind)}")


def _require_within(name: str, values: NDArray[Any], low: int, end: int | NDArray[np.int64]) -> None:
    if ((values < low) | (values >= end)).any():
        raise ValueError(f"'{name}' holds numbers that mean nothing")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
