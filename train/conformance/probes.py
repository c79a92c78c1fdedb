"""Replays the isolated motion experiments: every recorded row is a start, one step is compared with the next row.

The file holds many short experiments of different bodies on an endless floor; each becomes a recording of free play.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.observations import Observation, others_index
from envs.physics import EngineName
from envs.scenarios import Scenario, validate

from ..support.npz_files import read_npz
from .comparisons import Check
from .golden import Recording, build_layout
from .rules_replay import advance, compare_decisions, compare_positions, on, recorded_state

PROBES = "probe_motion"
"""Configuration of such a file."""


def replay_probes(path: Path, engine: EngineName = "mujoco", device: torch.device | str = "cpu") -> list[Check]:
    """Run every experiment of a file and sum up what agrees, by quantity.

    Raises:
      UserError: the file is damaged.
    """
    by_quantity: dict[str, list[Check]] = {}
    for recording in load_probes(path):
        for check in replay_probe(recording, engine, device):
            by_quantity.setdefault(check.quantity, []).append(check)
    return [_merge(checks) for checks in by_quantity.values()]


def _merge(checks: list[Check]) -> Check:
    first, compared = checks[0], sum(c.compared for c in checks)
    agreeing = sum(c.agreement * c.compared for c in checks)
    worst, left_out = max(c.worst for c in checks), sum(c.left_out for c in checks)
    return Check(first.quantity, compared, agreeing / compared if compared else 1.0, first.required, worst, left_out)


def load_probes(path: Path) -> list[Recording]:
    """Read a file of experiments.

    Raises:
      UserError: the file is damaged.
    """
    try:
        arrays = read_npz(path, "recording")
        meta = json.loads(str(arrays.pop("meta")))
        return [_probe(meta, probe["name"], arrays) for probe in meta["probes"]]
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"cannot read recording '{path}': {type(error).__name__}: {error}") from error


def _probe(meta: dict, name: str, everything: dict[str, np.ndarray]) -> Recording:
    prefix = f"{name}__"
    arrays = {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}
    rows, agents = arrays["agent_pos"].shape[:2]
    boxes = len(arrays["box_half"])
    arrays.setdefault("agent_holding", np.full((rows, agents), -1, dtype=np.int8))
    arrays.setdefault("agent_grab_offset", np.zeros((rows, agents, 3), dtype=np.float32))
    arrays.setdefault("agent_grab_yaw", np.zeros((rows, agents), dtype=np.float32))
    arrays["wall_is_outer"] = np.zeros(len(arrays["walls"]), dtype=bool)
    arrays["box_present"] = np.ones(boxes, dtype=bool)
    for kind, number in (("box", boxes), ("ramp", int(arrays["n_ramps"]))):
        for suffix, shape, dtype in _OBJECT_ARRAYS:
            arrays.setdefault(f"{kind}_{suffix}", np.zeros((rows, number, *shape), dtype=dtype))
    scenario = validate(
        Scenario(
            name=f"recording/{name}",
            game="free_play",
            hiders=agents,
            seekers=0,
            horizon=rows,
            preparation_fraction=0.0,
            substeps=meta["n_substeps"],
            timestep=meta["timestep"],
            layout="empty",
            boxes=(boxes, boxes),
            ramps=int(arrays["n_ramps"]),
            wall_friction=meta["wall_friction"],
        )
    )
    return Recording(name, {"task": PROBES}, arrays, scenario, build_layout(scenario, arrays))


_OBJECT_ARRAYS: tuple[tuple[str, tuple[int, ...], type], ...] = (
    ("pos", (3,), np.float32),
    ("yaw", (), np.float32),
    ("vel", (4,), np.float32),
    ("locked", (), np.bool_),
    ("locker", (), np.int8),
    ("lock_pose", (4,), np.float32),
)


def replay_probe(
    recording: Recording, engine: EngineName = "mujoco", device: torch.device | str = "cpu"
) -> list[Check]:
    """Compare decisions and next positions. What was visible is not recorded: it is looked up here."""
    rows = recording.steps + 1
    env = BatchEnv(recording.scenario, rows, device=device, engine=engine)
    env.reset(recording.layout.select([0] * rows))
    state = recorded_state(recording, rows)
    everywhere = torch.arange(rows, device=env.device)
    observation = on("cpu", env.set_state(everywhere, on(env.device, state)))
    state.visible = _visible(recording, observation)
    env.set_state(everywhere, on(env.device, state))
    _, after = advance(recording, env)
    return [*compare_decisions(recording, after), *compare_positions(recording, after, engine)]


def _visible(recording: Recording, observation: Observation) -> torch.Tensor:
    """(T + 1, A, E) bool from an observation's masks."""
    agents = recording.scenario.num_agents
    parts = [torch.zeros(recording.steps + 1, agents, agents, dtype=torch.bool)]
    if agents > 1:
        others = others_index(agents, parts[0].device).expand(len(parts[0]), -1, -1)
        parts[0].scatter_(2, others, observation["agents_visible"])
    parts += [observation[f"{kind}_visible"] for kind in ("boxes", "ramps") if kind in observation]
    return torch.cat(parts, dim=2)
