"""Stand-ins in the observation for what a task lacks and hide-and-seek has (rule 6.5).

A lone agent in a task without ramps has no observation of kind ``agents`` or ``ramps``, but a policy that comes from
hide-and-seek has an encoder for each. The original hands it entities of zeros: fake agents of which the first is
visible, and ramps that never are. The same entities are given to the critic as present.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .scenario import Scenario


class PlaceholderEntities:
    """The stand-ins of one scenario; they never change.

    Args:
      scenario: its ``padding`` says how many there are.
      entities: kind -> (number, features) of the observation.
      device: where they live.
    """

    def __init__(self, scenario: Scenario, entities: dict[str, tuple[int, int]], device: torch.device) -> None:
        self._one: dict[str, Tensor] = {}
        agents, padding = scenario.num_agents, scenario.padding
        for kind, number in (("agents", padding.agents), ("ramps", padding.ramps)):
            if number:
                self._one[kind] = torch.zeros(1, agents, *entities[kind], device=device)
                shown = torch.zeros(1, agents, number, dtype=torch.bool, device=device)
                shown[..., 0] = kind == "agents"
                self._one[f"{kind}_visible"] = self._one[f"{kind}_present"] = shown

    def tensors(self, num_worlds: int) -> dict[str, Tensor]:
        """Return new tensors: features (W, A, n, D) and masks (W, A, n) of every kind that has stand-ins."""
        return {name: one.repeat(num_worlds, *[1] * (one.ndim - 1)) for name, one in self._one.items()}
