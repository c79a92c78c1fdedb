"""Grabbing and locking: who reaches what, who holds what, who locks and unlocks.

Shapes: W worlds, A agents, O objects (boxes, then ramps), Q numbers in a pose (``Scenario.pose_size``). All decisions
are made at the start of a step, on current poses and on what was visible in the previous observation (rules 5.2 to
5.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .scenario import LockType
from .tensors.orientation import rotate, tilt_seen_from, to_body


def distance_to_objects(agent_position: Tensor, object_pose: Tensor, object_half_size: Tensor) -> Tensor:
    """Distance in metres from agent centres (W, A, 3) to oriented cuboids of pose (W, O, Q), half size (W, O, 3).

    Returns:
      (W, A, O); zero inside a cuboid. A ramp counts as the cuboid ``scene.RAMP_REACH_HALF_SIZE`` (rule 5.2).
    """
    object_pose = object_pose[:, None]
    local = to_body(agent_position[:, :, None] - object_pose[..., :3], object_pose)
    return torch.linalg.vector_norm((local.abs() - object_half_size[:, None]).clamp(min=0), dim=-1)


@dataclass
class Grabs:
    """What every agent holds, and the relative pose that the weld keeps."""

    holding: Tensor
    """(W, A) int64 object index, -1 for none."""
    offset: Tensor
    """(W, A, 3) object centre minus agent centre when grabbed, in the agent's frame, metres."""
    yaw: Tensor
    """(W, A) object yaw minus agent yaw when grabbed, radians."""
    tilt: Tensor = None  # type: ignore[assignment]
    """(W, A, 4) unit quaternion: the object's tilt when grabbed, in the agent's frame; upright if not given."""

    def __post_init__(self) -> None:
        if self.tilt is None:
            upright = torch.tensor((1.0, 0.0, 0.0, 0.0), device=self.yaw.device)
            self.tilt = upright.repeat(*self.yaw.shape, 1)

    @staticmethod
    def none(worlds: int, agents: int, device: torch.device) -> Grabs:
        """Return empty hands."""
        return Grabs(
            torch.full((worlds, agents), -1, dtype=torch.int64, device=device),
            torch.zeros(worlds, agents, 3, device=device),
            torch.zeros(worlds, agents, device=device),
        )


def update_grabs(grabs: Grabs, wants: Tensor, allowed: Tensor, distance: Tensor, pose: Tensor) -> Grabs:
    """Decide who holds what in this step (rule 5.3).

    An agent that wants to (W, A) holds its closest allowed object; several agents may hold the same one. Nothing is
    remembered but the relative pose, which is captured when the held object changes and kept while it stays.

    Args:
      grabs: those of the previous step.
      wants: (W, A) bool.
      allowed: (W, A, O) bool: present, within reach and seen.
      distance: (W, A, O) metres.
      pose: (W, E, Q), agents first.
    """
    agents, objects = distance.shape[1:]
    if objects == 0:
        return grabs
    candidates = distance.masked_fill(~(allowed & wants[..., None]), torch.inf)
    nearest, index = candidates.min(dim=-1)
    holding = torch.where(nearest < torch.inf, index, -1)
    agent_pose = pose[:, :agents]
    object_pose = pose[:, agents:].gather(1, index[..., None].expand(-1, -1, pose.shape[-1]))
    relative, agent_yaw = object_pose - agent_pose, agent_pose[..., 3]
    offset, yaw = rotate(relative[..., :3], -agent_yaw), relative[..., 3]
    changed = holding != grabs.holding
    tilt = grabs.tilt
    if pose.shape[-1] > 4:
        tilt = torch.where(changed[..., None], tilt_seen_from(agent_yaw, object_pose), tilt)
    return Grabs(
        holding,
        torch.where(changed[..., None], offset, grabs.offset),
        torch.where(changed, yaw, grabs.yaw),
        tilt,
    )


@dataclass
class Locks:
    """Which objects are locked, by whom and where they are held."""

    locked: Tensor
    """(W, O) bool."""
    locker: Tensor
    """(W, O) int64 agent that last locked the object, 0 if nobody did. Kept after unlocking: it steers later vetoes."""
    pose: Tensor
    """(W, O, Q) pose at which a locked object is held."""

    @staticmethod
    def none(worlds: int, objects: int, device: torch.device, pose_size: int = 4) -> Locks:
        """Return unlocked objects; ``pose_size`` is Q."""
        return Locks(
            torch.zeros(worlds, objects, dtype=torch.bool, device=device),
            torch.zeros(worlds, objects, dtype=torch.int64, device=device),
            torch.zeros(worlds, objects, pose_size, device=device),
        )


def update_locks(
    locks: Locks,
    wants: Tensor,
    within: Tensor,
    object_pose: Tensor,
    team: Tensor,
    lock_type: LockType,
    draw: Tensor,
) -> Locks:
    """Decide which objects become locked or unlocked in this step (truth table of rule 5.4).

    The lock action is a level, not an edge: an agent in reach of its team's locked box that does not press lock unlocks
    it. With D the agents within reach that press and N those that do not:

    ======================== ======================= ===========================================================
    lock type                locks if                unlocks if
    ======================== ======================= ===========================================================
    any_lock                 any D                   any N and no D
    all_lock                 any D and no N          any N
    any_lock_specific        any D                   the locker is in N and no D; with D the locker is redrawn
    all_lock_team_specific   any D and no N of the   any N of the locker's team
                             last locker's team
    ======================== ======================= ===========================================================

    Args:
      locks: state before this step.
      wants: (W, A) bool: pressing lock.
      within: (W, A, O) bool: present, lockable, in reach and seen.
      object_pose: (W, O, Q).
      team: (A,) int64, 0 hiders, 1 seekers.
      lock_type: the row of the table.
      draw: (W, A, O) uniform random numbers; the largest among D becomes the locker.
    """
    if within.shape[2] == 0:
        return locks
    pressing = within & wants[..., None]
    idle = within ^ pressing  # Within, but not pressing.
    free, any_pressing = ~locks.locked, pressing.any(1)
    open_to_lockers = free
    if lock_type == "any_lock":
        locks_now = any_pressing
        unlocks_now = idle.any(1) & ~any_pressing
    elif lock_type == "any_lock_specific":
        locker_idle = idle.gather(1, locks.locker[:, None])[:, 0]
        locks_now = any_pressing
        unlocks_now = locker_idle & ~any_pressing
        open_to_lockers = free | locker_idle
    else:
        if lock_type == "all_lock_team_specific":
            idle = idle & (team[:, None] == team[locks.locker][:, None])
        unlocks_now = idle.any(1)
        locks_now = any_pressing & ~unlocks_now
    drawn = torch.where(pressing, draw, -1.0).argmax(dim=1)
    return Locks(
        torch.where(free, locks_now, ~unlocks_now),
        torch.where(locks_now & open_to_lockers, drawn, locks.locker),
        torch.where((locks_now & free)[..., None], object_pose, locks.pose),
    )
