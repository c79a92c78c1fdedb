"""Compares this implementation with a recording, quantity by quantity.

Every recorded row becomes one world: the state is set, the observation compared, one step made from it, and what the
step decided and led to compared with the next row. T steps, A agents, B boxes, R ramps, O = B + R, E = A + O.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import torch
from torch import Tensor

from envs.batch_env import BatchEnv, Transition, WorldState
from envs.games import hide_and_seek
from envs.games.box_locking import BoxLocking
from envs.manipulation import Grabs, Locks
from envs.observations import others_index
from envs.physics import EngineName
from envs.scenarios import is_hide_and_seek

from .comparisons import FEATURE_TOLERANCE, Check, close, equal
from .golden import Recording
from .perception_replay import compare_features, compare_lidar, compare_masks

REWARD_TOLERANCE = 1e-4
POSITION_TOLERANCE: dict[EngineName, float] = {"auto": 1e-3, "mujoco": 1e-3, "warp": 5e-3}
"""Metres, one step ahead. mujoco_warp computes in float32 and finds the contacts of ramps in its own way."""
POSITIONS_EQUAL: dict[EngineName, tuple[float, float]] = {
    "auto": (0.95, 0.995),
    "mujoco": (0.95, 0.995),
    "warp": (0.9, 0.99),
}
"""Shares of positions within the tolerance, and within it and the recording's own sensitivity."""
SPREAD_FACTOR = 3.0
"""Times the recording's own change under a 1 mm shift of the start that a next position may be off."""
DECISIONS_EQUAL = 0.995
IDLE = (5, 5, 5, 0, 0)


def replay(recording: Recording, engine: EngineName = "mujoco", device: torch.device | str = "cpu") -> list[Check]:
    """Run every comparison of one recording of an episode on an engine.

    Raises:
      UserError: the engine cannot run on the device, or has no room for all contacts.
    """
    rows = recording.steps + 1
    env = BatchEnv(recording.scenario, rows, device=device, engine=engine)
    env.reset(recording.layout.select([0] * rows))
    state = recorded_state(recording, rows)
    state.game = _recorded_game(recording, env, state)
    observation = on("cpu", env.set_state(torch.arange(rows, device=env.device), on(env.device, state)))
    checks = [*compare_features(recording, observation), compare_lidar(recording, observation)]
    checks += compare_masks(recording, observation, state.pose)
    step, after = advance(recording, env)
    env.engine.check_overflow()
    checks += compare_decisions(recording, after)
    checks += _compare_results(recording, step, after)
    checks += _compare_food(recording, after)
    checks += compare_positions(recording, after, engine)
    checks += _compare_statistics(recording)
    return checks


def advance(recording: Recording, env: BatchEnv) -> tuple[Transition, WorldState]:
    """Make one step from every row with the recorded actions; the last row has none. Returns T states, on the CPU."""
    rows = recording.steps + 1
    idle = torch.tensor(IDLE).expand(1, env.num_agents, len(IDLE))
    step = env.advance(torch.cat([recording.tensor("actions"), idle]).to(env.device))
    return on("cpu", step), on("cpu", env.get_state(torch.arange(rows - 1, device=env.device)))


T = TypeVar("T")


def on(device: torch.device | str, value: T) -> T:
    """Return a tensor, or a dict or dataclass of such, on a device."""
    if isinstance(value, Tensor):
        return value.to(device)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {name: on(device, item) for name, item in value.items()}  # type: ignore[return-value]
    parts = {f.name: on(device, getattr(value, f.name)) for f in dataclasses.fields(value)}  # type: ignore[arg-type]
    return dataclasses.replace(value, **parts)  # type: ignore[type-var]


def recorded_state(r: Recording, rows: int) -> WorldState:
    """Rows 0 .. T as the states of T + 1 worlds, with the recorded masks as what was visible."""
    s = r.scenario
    pose = torch.cat([r.entities("pos"), r.entities("yaw")[..., None]], dim=-1)
    visible = torch.zeros(rows, s.num_agents, pose.shape[1], dtype=torch.bool)
    first_ramp = s.num_agents + s.max_boxes
    if s.num_agents > 1 and "mask_aa_obs" in r.arrays:
        visible[..., : s.num_agents] = _square(r.tensor("mask_aa_obs"))
    if s.max_boxes and "mask_ab_obs" in r.arrays:
        visible[..., s.num_agents : first_ramp] = r.tensor("mask_ab_obs")
    if s.ramps and "mask_ar_obs" in r.arrays:
        visible[..., first_ramp:] = r.tensor("mask_ar_obs")
    grabs = Grabs(r.tensor("agent_holding"), r.tensor("agent_grab_offset"), r.tensor("agent_grab_yaw"))
    locks = Locks(r.objects("locked"), r.objects("locker"), r.objects("lock_pose"))
    return WorldState(pose, r.entities("vel"), grabs, locks, visible, torch.arange(rows), {})


def _square(mask: Tensor) -> Tensor:
    """Turn masks (T, A, A-1) of the others in circulant order into (T, A, A) by agent."""
    agents = mask.shape[1]
    square = torch.zeros(len(mask), agents, agents, dtype=torch.bool)
    return square.scatter_(2, others_index(agents, mask.device).expand_as(mask), mask)


def _recorded_game(r: Recording, env: BatchEnv, state: WorldState) -> dict[str, Tensor]:
    """Rows 0 .. T of what the game keeps."""
    game = env.game
    if isinstance(game, BoxLocking):
        rows, s = len(state.pose), r.scenario
        present = torch.ones(rows, state.pose.shape[1], dtype=torch.bool)
        start, half = state.pose[:1].expand(rows, -1, -1), r.tensor("box_half").expand(rows, -1, -1)
        target, distance = game.aim(state.pose, start, state.locks.locked[:, : s.max_boxes], present, half)
        return {"lock/target": target, "lock/distance": distance}
    if not r.scenario.food.count:
        return {}
    return {
        "food/health": r.tensor("food_health"),
        "food/empty_steps": r.tensor("food_respawn_counter"),
        "food/visible": r.tensor("mask_af_obs"),
    }


def compare_decisions(r: Recording, after: WorldState) -> list[Check]:
    """Compare who holds and what is locked after the step."""
    if not r.scenario.num_objects:
        return []
    locked = r.objects("locked")
    agree = after.locks.locked & locked[1:]
    persisting = agree & locked[:-1]
    held = (after.grabs.holding == r.tensor("agent_holding")[1:]) & (after.grabs.holding >= 0)
    checks = [
        equal("holding", after.grabs.holding, r.tensor("agent_holding")[1:], DECISIONS_EQUAL),
        close("grab offset", after.grabs.offset[held], r.tensor("agent_grab_offset")[1:][held]),
        equal("locked", after.locks.locked, locked[1:], DECISIONS_EQUAL),
        close("lock pose", after.locks.pose[agree], r.objects("lock_pose")[1:][agree]),
    ]
    if r.scenario.lock_type != "any_lock_specific":  # There a standing lock's owner may be drawn anew, at random.
        checks.append(equal("locker", after.locks.locker, r.objects("locker")[1:], DECISIONS_EQUAL, persisting))
    return checks


def _compare_results(r: Recording, step: Transition, after: WorldState) -> list[Check]:
    """Rewards count where this step's states agree; frozen seekers and the episode's end always."""
    if is_hide_and_seek(r.scenario):
        reward = equal("reward", step.reward[:-1], r.tensor("reward"), 1.0, _masks_agree(r, after))
    else:
        keep = _states_agree(r, after)[:, None].expand(-1, r.scenario.num_agents)
        reward = close("reward", step.reward[:-1], r.tensor("reward"), REWARD_TOLERANCE, keep=keep)
    return [
        reward,
        equal("preparation", ~step.live[:-1], r.tensor("seekers_frozen"), 1.0),
        equal("done", step.done[:-1], r.tensor("done"), 1.0),
    ]


def _masks_agree(r: Recording, after: WorldState) -> Tensor:
    """(T, A) bool: every seeker sees the same hiders as in the recording."""
    s = r.scenario
    ours = after.visible[:, s.hiders : s.num_agents, : s.hiders]
    theirs = _square(r.tensor("mask_aa_obs")[1:])[:, s.hiders :, : s.hiders]
    return (ours == theirs).flatten(1).all(1)[:, None].expand(-1, s.num_agents)


def _states_agree(r: Recording, after: WorldState) -> Tensor:
    """(T,) bool: everything is where it is in the recording, and locked as there."""
    near = (_position_error(r, after) <= FEATURE_TOLERANCE).all(1)
    return near & (after.locks.locked == r.objects("locked")[1:]).all(1)


def _compare_food(r: Recording, after: WorldState) -> list[Check]:
    if not r.scenario.food.count:
        return []
    health, empty = after.game["food/health"], after.game["food/empty_steps"]
    return [
        close("food health", health, r.tensor("food_health")[1:]),
        equal("food respawn", empty, r.tensor("food_respawn_counter")[1:], 1.0),
    ]


def _position_error(r: Recording, after: WorldState) -> Tensor:
    """(T, present entities) metres, the largest along an axis."""
    return (after.pose[..., :3] - r.entities("pos")[1:]).abs().amax(-1)[:, _present(r, after.pose.shape[1])]


def _present(r: Recording, entities: int) -> Tensor:
    present = torch.ones(entities, dtype=torch.bool)
    present[r.scenario.num_agents : r.scenario.num_agents + r.scenario.max_boxes] = r.tensor("box_present")
    return present


def compare_positions(r: Recording, after: WorldState, engine: EngineName = "mujoco") -> list[Check]:
    """One step ahead: most within the engine's tolerance, nearly all within three times the recording's sensitivity."""
    tolerance, (near_required, sane_required) = POSITION_TOLERANCE[engine], POSITIONS_EQUAL[engine]
    error = _position_error(r, after)
    near = (error <= tolerance).double().mean().item()
    checks = [Check(f"next position, {1000 * tolerance:g} mm", error.numel(), near, near_required, error.max().item())]
    if "spread_1mm" in r.arrays:
        spread = r.tensor("spread_1mm")[..., 0][:, _present(r, after.pose.shape[1])]
        allowed = SPREAD_FACTOR * spread + tolerance
        sane, beyond = (error <= allowed).double().mean().item(), (error - allowed).max().clamp(min=0).item()
        checks.append(Check("next position, spread", error.numel(), sane, sane_required, beyond))
    return checks


def _compare_statistics(r: Recording) -> list[Check]:
    """Episode statistics, from the recorded states at the end and at the end of the preparation phase."""
    s = r.scenario
    if not is_hide_and_seek(s):
        return []
    pose = torch.cat([r.entities("pos"), r.entities("yaw")[..., None]], dim=-1)
    present = _present(r, pose.shape[1])[None]
    ours, theirs = [], []
    for suffix, row in (("", -1), ("_prep", s.preparation_steps + 1)):
        measured = hide_and_seek.behaviour(s, pose[row][None], pose[:1], present, r.objects("locked")[row][None])
        for name, value in measured.items():
            if f"stat_{name}{suffix}" in r.arrays:
                ours.append(value)
                theirs.append(r.tensor(f"stat_{name}{suffix}").reshape(1))
    return [close("statistics", torch.cat(ours), torch.cat(theirs))]
