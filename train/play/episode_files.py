"""Episode files: compressed NumPy archives with a JSON header. docs/episodes.md describes every field."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from envs.errors import UserError
from envs.layouts import Layout, validate_layout
from envs.scenarios import Scenario, validate

from ..runs.run_folder import package_versions
from ..support.files import write_atomically
from ..support.json_data import from_plain, to_plain
from .episodes import Episode, state_names

FORMAT = "hideseek-episodes"
VERSION = 1
"""Grows when older programs can no longer read the files."""
EXTENSION = ".npz"


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
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        AttributeError,
    ) as error:
        raise UserError(f"episode file {path} is damaged, or is none ({_one_line(error)})") from error
    header = _header(path, arrays)
    scenario = validate(from_plain(Scenario, header["scenario"], str(path)))
    try:
        return [_episode(scenario, entry, _group(arrays, f"{n}/")) for n, entry in enumerate(header["episodes"])]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
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
        header = json.loads(arrays["header"].tobytes())
        known, version = header["format"] == FORMAT, int(header["version"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is not an episode file: it has no header ({_one_line(error)})") from error
    if not known:
        raise UserError(f"{path} is not an episode file (format {header['format']!r})")
    if version > VERSION:
        raise UserError(
            f"{path} was written by a later version of hideseek (format {version}, this one reads {VERSION})"
        )
    if not isinstance(header.get("episodes"), list) or not header["episodes"]:
        raise UserError(f"episode file {path} is damaged: it lists no episodes")
    return header


def _episode(scenario: Scenario, entry: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Episode:
    """Put one episode together. Anything missing or of a wrong shape raises a KeyError or ValueError."""
    layout = Layout(**{name: torch.from_numpy(values) for name, values in _group(arrays, "layout/").items()})
    states = _group(arrays, "states/")
    steps, agents = int(entry["steps"]), scenario.num_agents
    entities = agents + scenario.num_objects
    attention = arrays.get("attention")
    _require("actions", arrays["actions"], (steps, agents, 5))
    _require("rewards", arrays["rewards"], (steps, agents))
    _require("live", arrays["live"], (steps,))
    shapes: dict[str, tuple[int, ...]] = {
        "holding": (agents,),
        "locked": (scenario.num_objects,),
        "locker": (scenario.num_objects,),
    }
    shapes |= {
        "pose": (entities, scenario.pose_size),
        "velocity": (entities, scenario.pose_size),
        "visible": (agents, entities),
    }
    for name in state_names(scenario):
        _require(name, states[name], (steps + 1, *shapes.get(name, states[name].shape[1:])))
    if attention is not None:
        _require("attention", attention, (steps, agents, entities))
    return Episode(
        scenario,
        validate_layout(scenario, layout),
        int(entry["seed"]),
        str(entry["title"]),
        bool(entry["edited"]),
        arrays["actions"],
        arrays["rewards"],
        arrays["live"],
        states,
        attention,
    )


def _group(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _require(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"'{name}' has shape {values.shape}, expected {shape}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
