"""Compares this implementation with a recording, quantity by quantity.

Every recorded row becomes one world: the state is set, the observation compared, one step made from it, and what the step
decided and led to compared with the next row. T steps, A agents, B boxes, R ramps, O = B + R, E = A + O.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from envs.batch_env import BatchEnv, Transition, WorldState
from envs.games import hide_and_seek
from envs.manipulation import Grabs, Locks
from envs.observations import Observation, others_index
from envs.perception import in_cone

from .golden import Recording

FEATURE_TOLERANCE = 1e-4  # Metres, radians, metres per second.
LIDAR_TOLERANCE = 2e-3  # Metres.
POSITION_TOLERANCE = 1e-3  # Metres, one step ahead.
SPREAD_FACTOR = 3.0
"""Times the recording's own change under a 1 mm shift of the start that a next position may be off."""
DECISIONS_EQUAL = 0.995
AGENT_CORNER = 0.15  # Metres from an agent's corner to its centre.
RAMP_CORNER = 0.25


@dataclass
class Check:
    """One quantity of one recording."""

    quantity: str
    compared: int
    """Numbers compared."""
    agreement: float
    """Share that agrees within the tolerance."""
    required: float
    """Share that must agree."""
    worst: float
    """Largest difference."""
    left_out: int = 0
    """Numbers that cannot be compared."""

    @property
    def passed(self) -> bool:
        """Whether enough numbers agree."""
        return self.compared == 0 or self.agreement >= self.required


def replay(recording: Recording) -> list[Check]:
    """Run every comparison of one recording of hide-and-seek."""
    rows = recording.steps + 1
    env = BatchEnv(recording.scenario, rows)
    env.reset(recording.layout.select([0] * rows))
    state = _recorded_state(recording, rows)
    observation = env.set_state(torch.arange(rows), state)
    checks = [*_compare_features(recording, observation), _compare_lidar(recording, observation)]
    checks += _compare_masks(recording, observation, state.pose)
    idle = torch.tensor([5, 5, 5, 0, 0]).expand(1, env.num_agents, 5)
    step = env.advance(torch.cat([recording.tensor("actions"), idle]))
    after = env.get_state(torch.arange(rows - 1))
    checks += _compare_decisions(recording, after)
    checks += _compare_results(recording, step, after)
    checks += _compare_positions(recording, after.pose)
    checks += _compare_statistics(recording)
    return checks


def _recorded_state(r: Recording, rows: int) -> WorldState:
    """Rows 0 .. T as the states of T + 1 worlds, with the recorded masks as what was visible."""
    agents, boxes = r.scenario.num_agents, r.scenario.max_boxes
    pose = torch.cat([r.entities("pos"), r.entities("yaw")[..., None]], dim=-1)
    visible = torch.zeros(rows, agents, pose.shape[1], dtype=torch.bool)
    others = others_index(agents, pose.device).expand(rows, -1, -1)
    visible[..., :agents].scatter_(2, others, r.tensor("mask_aa_obs"))
    visible[..., agents : agents + boxes] = r.tensor("mask_ab_obs")
    visible[..., agents + boxes :] = r.tensor("mask_ar_obs")
    grabs = Grabs(r.tensor("agent_holding"), r.tensor("agent_grab_offset"), r.tensor("agent_grab_yaw"))
    locks = Locks(r.objects("locked"), r.objects("locker"), r.objects("lock_pose"))
    return WorldState(pose, r.entities("vel"), grabs, locks, visible, torch.arange(rows), _recorded_game(r))


def _recorded_game(r: Recording) -> dict[str, Tensor]:
    """Rows 0 .. T of what the game keeps."""
    if not r.scenario.food.count:
        return {}
    return {
        "food/health": r.tensor("food_health"),
        "food/empty_steps": r.tensor("food_respawn_counter"),
        "food/visible": r.tensor("mask_af_obs"),
    }


def _close(quantity: str, ours: Tensor, theirs: Tensor, tolerance: float, required: float = 1.0) -> Check:
    difference = (ours - theirs).abs()
    agreement = (difference <= tolerance).float().mean().item() if difference.numel() else 1.0
    worst = difference.max().item() if difference.numel() else 0.0
    return Check(quantity, difference.numel(), agreement, required, worst)


def _equal(quantity: str, ours: Tensor, theirs: Tensor, required: float, keep: Tensor | None = None) -> Check:
    same = ours == theirs
    left_out = 0
    if keep is not None:
        same, left_out = same[keep], int((~keep).sum())
    agreement = same.double().mean().item() if same.numel() else 1.0
    return Check(quantity, same.numel(), agreement, required, float(not same.all()), left_out)


def _compare_features(r: Recording, observation: Observation) -> list[Check]:
    present = r.tensor("box_present").float()[:, None]
    corners = {
        "self": ("observation_self", torch.tensor(AGENT_CORNER)),
        "agents": ("agent_qpos_qvel", torch.tensor(AGENT_CORNER)),
        "boxes": ("box_obs", r.tensor("box_half") * present),
        "ramps": ("ramp_obs", torch.tensor(RAMP_CORNER)),
        "food": ("food_obs", torch.tensor(0.0)),
    }
    checks = []
    for kind, (name, corner) in corners.items():
        if kind in observation:
            theirs = r.tensor(name).clone()
            theirs[..., :3] += corner
            checks.append(_close(f"{kind} features", observation[kind], theirs, FEATURE_TOLERANCE))
    return checks


def _compare_lidar(r: Recording, observation: Observation) -> Check:
    return _close("lidar", observation["lidar"], r.tensor("lidar")[..., 0], LIDAR_TOLERANCE)


def _compare_masks(r: Recording, observation: Observation, pose: Tensor) -> list[Check]:
    """Leave out pairs whose answer hangs on the original's testing its cone with corner positions."""
    s = r.scenario
    corner = torch.zeros(pose.shape[1], 3)
    corner[: s.num_agents] = AGENT_CORNER
    corner[s.num_agents : s.num_agents + s.max_boxes] = r.tensor("box_half")
    corner[s.num_agents + s.max_boxes :] = RAMP_CORNER
    agents = pose[:, : s.num_agents]
    true_cone = in_cone(agents, pose[..., :3], s.vision_angle)
    shifted_agents = torch.cat([agents[..., :3] - AGENT_CORNER, agents[..., 3:]], dim=-1)
    shifted_cone = in_cone(shifted_agents, pose[..., :3] - corner, s.vision_angle)
    keep = true_cone == shifted_cone
    boxes = slice(s.num_agents, s.num_agents + s.max_boxes)
    ramps = slice(s.num_agents + s.max_boxes, None)
    checks = [_equal("agents visible", observation["agents_visible"], r.tensor("mask_aa_obs"), DECISIONS_EQUAL)]
    for kind, name, part in (("boxes", "mask_ab_obs", boxes), ("ramps", "mask_ar_obs", ramps)):
        if f"{kind}_visible" in observation:
            ours = observation[f"{kind}_visible"]
            checks.append(_equal(f"{kind} visible", ours, r.tensor(name), DECISIONS_EQUAL, keep[..., part]))
    if s.food.count:
        food = r.tensor("food_pos").expand(len(pose), -1, -1)
        sees, recorded = observation["food_visible"], r.tensor("mask_af_obs")
        keep = in_cone(agents, food, s.vision_angle) == in_cone(shifted_agents, food, s.vision_angle)
        checks.append(_equal("food visible", sees, recorded, DECISIONS_EQUAL, keep))
    return checks


def _compare_decisions(r: Recording, after: WorldState) -> list[Check]:
    locked = r.objects("locked")
    agree = after.locks.locked & locked[1:]
    persisting = agree & locked[:-1]
    held = (after.grabs.holding == r.tensor("agent_holding")[1:]) & (after.grabs.holding >= 0)
    checks = [
        _equal("holding", after.grabs.holding, r.tensor("agent_holding")[1:], DECISIONS_EQUAL),
        _close("grab offset", after.grabs.offset[held], r.tensor("agent_grab_offset")[1:][held], FEATURE_TOLERANCE),
        _equal("locked", after.locks.locked, locked[1:], DECISIONS_EQUAL),
        _close("lock pose", after.locks.pose[agree], r.objects("lock_pose")[1:][agree], FEATURE_TOLERANCE),
    ]
    if r.scenario.lock_type != "any_lock_specific":  # There a standing lock's owner may be drawn anew, at random.
        checks.append(_equal("locker", after.locks.locker, r.objects("locker")[1:], DECISIONS_EQUAL, persisting))
    return checks


def _compare_results(r: Recording, step: Transition, after: WorldState) -> list[Check]:
    """Rewards count where this step's masks agree; frozen seekers and the episode's end always."""
    s = r.scenario
    ours = after.visible[:, s.hiders : s.num_agents, : s.hiders]
    theirs = torch.zeros(len(ours), s.num_agents, s.num_agents, dtype=torch.bool)
    mask = r.tensor("mask_aa_obs")[1:]
    theirs.scatter_(2, others_index(s.num_agents, theirs.device).expand_as(mask), mask)
    agree = (ours == theirs[:, s.hiders :, : s.hiders]).flatten(1).all(1)
    keep = agree[:, None].expand(-1, s.num_agents)
    return [
        _equal("reward", step.reward[:-1], r.tensor("reward"), 1.0, keep),
        _equal("preparation", ~step.live[:-1], r.tensor("seekers_frozen"), 1.0),
        _equal("done", step.done[:-1], r.tensor("done"), 1.0),
        *_compare_food(r, after),
    ]


def _compare_food(r: Recording, after: WorldState) -> list[Check]:
    if not r.scenario.food.count:
        return []
    health, empty = after.game["food/health"], after.game["food/empty_steps"]
    return [
        _close("food health", health, r.tensor("food_health")[1:], FEATURE_TOLERANCE),
        _equal("food respawn", empty, r.tensor("food_respawn_counter")[1:], 1.0),
    ]


def _compare_positions(r: Recording, pose: Tensor) -> list[Check]:
    """One step ahead: 95 % within 1 mm, 99.5 % within three times the recording's own sensitivity."""
    present = torch.ones(pose.shape[1], dtype=torch.bool)
    boxes = slice(r.scenario.num_agents, r.scenario.num_agents + r.scenario.max_boxes)
    present[boxes] = r.tensor("box_present")
    error = (pose[..., :3] - r.entities("pos")[1:]).abs().amax(-1)[:, present]
    allowed = SPREAD_FACTOR * r.tensor("spread_1mm")[..., 0][:, present] + POSITION_TOLERANCE
    near, sane = (error <= POSITION_TOLERANCE).double().mean().item(), (error <= allowed).double().mean().item()
    return [
        Check("next position, 1 mm", error.numel(), near, 0.95, error.max().item()),
        Check("next position, spread", error.numel(), sane, 0.995, (error - allowed).max().clamp(min=0).item()),
    ]


def _compare_statistics(r: Recording) -> list[Check]:
    """Episode statistics, from the recorded states at the end and at the end of the preparation phase."""
    s = r.scenario
    pose = torch.cat([r.entities("pos"), r.entities("yaw")[..., None]], dim=-1)
    present = torch.ones(1, pose.shape[1], dtype=torch.bool)
    present[:, s.num_agents : s.num_agents + s.max_boxes] = r.tensor("box_present")
    ours, theirs = [], []
    for suffix, row in (("", -1), ("_prep", s.preparation_steps + 1)):
        measured = hide_and_seek.behaviour(s, pose[row][None], pose[:1], present, r.objects("locked")[row][None])
        for name, value in measured.items():
            if f"stat_{name}{suffix}" in r.arrays:
                ours.append(value)
                theirs.append(r.tensor(f"stat_{name}{suffix}").reshape(1))
    return [_close("statistics", torch.cat(ours), torch.cat(theirs), FEATURE_TOLERANCE)]
