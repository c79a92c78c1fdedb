"""Count-based exploration: 1 / sqrt(n) for a state that has been visited n times (the paper's section 6.1).

A rollout's states are counted together and then rewarded, so every n includes the visits of the whole rollout, in all
worlds and all processes. A state counts where the learning policy plays an agent that is there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from envs.scenarios import Scenario

from ..config.intrinsic_config import IntrinsicConfig
from ..learning.rollouts import RolloutBuffer
from ..support.ranks import Ranks
from . import states
from .bonus import Arrival
from .set_hash import SetHash
from .visits import Visits


class CountBonus:
    """Rewards all agents of a world for its state. W worlds, A agents, T steps of a rollout, N = W * A sequences."""

    def __init__(
        self,
        config: IntrinsicConfig,
        scenario: Scenario,
        spec: dict[str, Any],
        seed: int,
        device: torch.device,
        ranks: Ranks | None = None,
    ) -> None:
        self._config, self._scenario = config, scenario
        self._hash = SetHash(states.sizes(config.representation, spec), config.hash_bits, config.resolution, seed).to(
            device
        )
        self._ranks = ranks or Ranks()
        self.visits = Visits(config.table_bits, device, self._ranks)
        self._codes: list[Tensor] = []
        self._counted: list[Tensor] = []
        self._metrics: dict[str, float] = {}

    @property
    def fitted(self) -> bool:
        """True: states are counted in their own units."""
        return True

    def fit_normalizer(self, buffer: RolloutBuffer) -> None:
        """Nothing to fit."""

    def see(self, arrival: Arrival) -> None:
        """Note the states in which a step has ended."""
        if self._config.representation == "observation":
            own = arrival.own[:, : self._config.agents]
            objects = states.observation(arrival.observe(), own)
        else:
            own = arrival.own
            find = states.box_positions if self._config.representation == "box_positions" else states.box_states
            objects = find(arrival.view, self._scenario)
        self._codes.append(self._hash(objects))
        self._counted.append(own.any(1))

    def finish(self, buffer: RolloutBuffer) -> Tensor:
        """Count the states noted in a rollout and return the bonuses (T, N) for them."""
        codes, counted = torch.stack(self._codes), torch.stack(self._counted)
        self._codes, self._counted = [], []
        visits = self.visits.add(codes, counted)
        new, steps = self._ranks.add_up(torch.stack([((visits == 1) & counted).sum(), counted.sum()])).tolist()
        self._metrics = {"new_states": new / max(steps, 1), "known_states": float(self.visits.occupied)}
        bonuses = torch.where(counted, visits.clamp_min(1).float().rsqrt(), 0.0)
        return bonuses.repeat_interleave(self._scenario.num_agents, dim=1)

    def metrics(self) -> dict[str, float]:
        """Return the share of the last rollout's steps that led to states without another visit, and slots in use."""
        return self._metrics

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that decides later bonuses."""
        return {**self.visits.tensors(), **{f"hash.{name}": tensor for name, tensor in self._hash.state_dict().items()}}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what ``tensors`` returned."""
        self.visits.load(tensors)
        self._hash.load_state_dict(
            {name.removeprefix("hash."): tensor for name, tensor in tensors.items() if name.startswith("hash.")}
        )
