"""Hide-and-seek: preparation phase, zero-sum visibility reward, bounds and episode statistics (rule 7.1).

Shapes: W worlds, A agents (H hiders first, then S seekers), O objects (boxes, then ramps).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..scenarios import RewardType, Scenario

OUT_OF_BOUNDS_REWARD = -10.0


def seeker_sees_hider(visible: Tensor, hiders: int) -> Tensor:
    """Return (W, S, H) bool from visible (W, A, E): which seeker sees which hider. Hiders' own vision does not count."""
    return visible[:, hiders : visible.shape[1], :hiders]


def visibility_reward(sees: Tensor, reward_type: RewardType) -> Tensor:
    """Reward +-1 for staying unseen and for seeing.

    Args:
      sees: (W, S, H) bool.
      reward_type: ``selfish`` as is, ``joint_mean`` averaged over each team, ``joint_zero_sum`` the hiders' minimum and
        the seekers' maximum.

    Returns:
      (W, A) float32.
    """
    hiders = 1.0 - 2.0 * sees.any(dim=1).float()
    seekers = 2.0 * sees.any(dim=2).float() - 1.0
    if reward_type == "joint_mean":
        hiders = hiders.mean(1, keepdim=True).expand_as(hiders)
        seekers = seekers.mean(1, keepdim=True).expand_as(seekers)
    elif reward_type == "joint_zero_sum":
        hiders = hiders.amin(1, keepdim=True).expand_as(hiders)
        seekers = seekers.amax(1, keepdim=True).expand_as(seekers)
    return torch.cat([hiders, seekers], dim=1)


def outside(position: Tensor, bounds: tuple[float, float, float, float]) -> Tensor:
    """Tell which positions (..., 3) lie outside the rectangle x0, y0, x1, y1 (metres). Returns (...) bool."""
    x, y = position[..., 0], position[..., 1]
    x0, y0, x1, y1 = bounds
    return (x < x0) | (x > x1) | (y < y0) | (y > y1)


def reward(s: Scenario, visible: Tensor, pose: Tensor, present: Tensor, live: Tensor) -> Tensor:
    """Reward of one step, after physics.

    Args:
      s: the scenario.
      visible: (W, A, E) bool.
      pose: (W, E, 4).
      present: (W, E) bool.
      live: (W,) bool: the step was not part of the preparation phase.

    Returns:
      (W, A) float32. Being out of bounds replaces the reward; the preparation phase makes everything zero.
    """
    value = visibility_reward(seeker_sees_hider(visible, s.hiders), s.reward_type)
    if s.bounds is not None:
        out = outside(pose[..., :3], s.bounds) & present
        value = torch.where(out[:, : s.num_agents], OUT_OF_BOUNDS_REWARD, value)
        if s.penalize_objects_out:
            any_object_out = out[:, s.num_agents :].any(1, keepdim=True)
            value = torch.where(any_object_out, OUT_OF_BOUNDS_REWARD, value)
    return torch.where(live[:, None], value, 0.0)


def behaviour(s: Scenario, pose: Tensor, start_pose: Tensor, present: Tensor, locked: Tensor) -> dict[str, Tensor]:
    """Measure what the objects have been through since the episode's start, as the paper's statistics do.

    Returns:
      ``max_box_move`` and ``max_ramp_move``: largest distance of an object from its start, metres; ``num_box_lock`` and
      ``num_ramp_lock``: objects that are locked now. Each (W,) float32.
    """
    moved = (pose - start_pose)[:, s.num_agents :, :3].norm(dim=-1) * present[:, s.num_agents :]
    boxes = s.max_boxes
    worlds = pose.shape[0]
    zero = torch.zeros(worlds, device=pose.device)
    return {
        "max_box_move": moved[:, :boxes].amax(1) if boxes else zero,
        "num_box_lock": locked[:, :boxes].sum(1).float(),
        "max_ramp_move": moved[:, boxes:].amax(1) if s.ramps else zero,
        "num_ramp_lock": locked[:, boxes:].sum(1).float(),
    }
