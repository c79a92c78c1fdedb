"""Actions: bins of force, torque, grab and lock, and the motor commands that they stand for (rule 5.1).

Shapes: W worlds, A agents, K parts of an action: 5, and those of `Scenario.game_actions`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .scenario import Scenario


class Actions:
    """What the actions of one scenario mean, (W, A, K) int64: bins of two forces and a torque, grab, lock."""

    def __init__(self, scenario: Scenario, num_worlds: int, device: torch.device) -> None:
        self._scenario = scenario
        self._shape = (num_worlds, scenario.num_agents, len(scenario.action_bins))
        self._bins = np.array(scenario.action_bins)
        self.none = torch.tensor(scenario.no_action, device=device)
        """(K,): no force, no torque, hands open; what frozen seekers do."""
        limit = scenario.action_limit
        self._table = torch.linspace(-limit, limit, scenario.movement_bins, device=device)

    def check(self, actions: Tensor) -> None:
        """Refuse what is no action; numbers on a GPU are not looked at.

        Raises:
          ValueError: wrong shape, dtype or range.
        """
        if tuple(actions.shape) != self._shape or actions.dtype != torch.int64:
            raise ValueError(
                f"actions must be int64 of shape {self._shape}, got {actions.dtype} of shape {tuple(actions.shape)}"
            )
        if actions.device.type == "cpu" and ((actions.numpy() < 0) | (actions.numpy() >= self._bins)).any():
            raise ValueError(f"actions must lie in [0, n) with n = {self._scenario.action_bins} per component")

    def commands(self, actions: Tensor, yaw: Tensor) -> Tensor:
        """Return the motor commands (W, A, 3) along the world's x and y and about the vertical.

        Args:
          actions: (W, A, K).
          yaw: (W, A) radians. Forces along the heading keep the direction that they have when the step begins.
        """
        commands = self._table[actions[..., :3]]
        if not self._scenario.heading_forces:
            return commands
        ahead, left, torque = commands.unbind(-1)
        cos, sin = yaw.cos(), yaw.sin()  # An agent looks along yaw - pi/2.
        return torch.stack([ahead * sin + left * cos, left * sin - ahead * cos, torque], dim=-1)
