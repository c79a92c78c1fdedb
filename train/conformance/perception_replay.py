"""Compares what agents are told with a recording: features, lidar, masks. Shapes as in replay.py."""

from __future__ import annotations

import torch
from torch import Tensor

from envs.games.game import AGENT_CORNER
from envs.observations import Observation
from envs.perception import in_cone

from .comparisons import Check, close, equal
from .golden import Recording

LIDAR_TOLERANCE = 2e-3  # Metres.
MASKS_EQUAL = 0.995
RAMP_CORNER = 0.25
HIDER_FLAG = 8  # Column of an agent's features.


def compare_features(r: Recording, observation: Observation) -> list[Check]:
    """Compare the features of every kind of entity."""
    present = r.tensor("box_present").float()[:, None]
    corners = {
        "self": ("observation_self", torch.tensor(AGENT_CORNER)),
        "agents": ("agent_qpos_qvel", torch.tensor(AGENT_CORNER)),
        "boxes": ("box_obs", r.tensor("box_half") * present),
        "ramps": ("ramp_obs", torch.tensor(RAMP_CORNER)),
        "food": ("food_obs", torch.tensor(0.0)),
        "sites": ("construction_site_obs", torch.tensor(0.0)),
    }
    checks = []
    for kind, (name, corner) in corners.items():
        if kind in observation:
            theirs = r.tensor(name).clone()
            theirs[..., :3] += corner
            if kind == "self" and r.task in ("blueprint_construction", "shelter_construction"):
                theirs[..., HIDER_FLAG] = 1.0  # The builder, neither hider nor seeker there, is a hider here.
            checks.append(close(f"{kind} features", observation[kind], theirs))
    return checks


def compare_lidar(r: Recording, observation: Observation) -> Check:
    """Compare all distances."""
    return close("lidar", observation["lidar"], r.tensor("lidar")[..., 0], LIDAR_TOLERANCE)


def compare_masks(r: Recording, observation: Observation, pose: Tensor) -> list[Check]:
    """Leave out pairs whose answer hangs on the original's testing its cone with corner positions."""
    s = r.scenario
    corner = torch.zeros(pose.shape[1], 3)
    corner[: s.num_agents] = AGENT_CORNER
    corner[s.num_agents : s.num_agents + s.max_boxes] = r.tensor("box_half")
    corner[s.num_agents + s.max_boxes :] = RAMP_CORNER
    agents = pose[:, : s.num_agents]
    shifted_agents = torch.cat([agents[..., :3] - AGENT_CORNER, agents[..., 3:]], dim=-1)

    def cones_agree(target: Tensor, target_corner: Tensor) -> Tensor:
        ours = in_cone(agents, target, s.vision_angle)
        return ours == in_cone(shifted_agents, target - target_corner, s.vision_angle)

    keep = cones_agree(pose[..., :3], corner)
    first_ramp = s.num_agents + s.max_boxes
    kinds = [
        ("boxes", "mask_ab_obs", keep[..., s.num_agents : first_ramp]),
        ("ramps", "mask_ar_obs", keep[..., first_ramp:]),
    ]
    if s.food.count:
        food = r.tensor("food_pos").expand(len(pose), -1, -1)
        kinds.append(("food", "mask_af_obs", cones_agree(food, torch.tensor(0.0))))
    checks = []
    if s.num_agents > 1:
        checks.append(equal("agents visible", observation["agents_visible"], r.tensor("mask_aa_obs"), MASKS_EQUAL))
    for kind, name, kept in kinds:
        if f"{kind}_visible" in observation:
            checks.append(equal(f"{kind} visible", observation[f"{kind}_visible"], r.tensor(name), MASKS_EQUAL, kept))
    if "sites_present" in observation:
        checks.append(equal("sites present", observation["sites_present"], r.tensor("mask_acs_obs_spoof"), 1.0))
    return checks
