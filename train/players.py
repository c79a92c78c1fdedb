"""Players: whatever can choose actions for all agents of many worlds. Random, motionless, or a trained policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from envs.errors import UserError
from policies.actor_critic import ActorCritic

from .checkpoints import Checkpoint, load_checkpoint, require_same_tensors
from .plain import from_plain
from .presets import TrainConfig
from .run_folder import RunFolder

Observations = dict[str, Tensor]


class Player(Protocol):
    """Chooses actions. Shapes: W worlds, A agents, N = W * A sequences."""

    name: str
    """How tables call it."""

    def begin(self, num_sequences: int) -> None:
        """Forget everything and get ready for N sequences; the same seed then gives the same actions again."""

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return actions (W, A, 5) int64 for observations (W, A, ...); ``started`` (W,) marks worlds that just began."""
        ...


class RandomPlayer:
    """Every action component uniform over its bins, at every step."""

    def __init__(self, action_bins: tuple[int, ...], seed: int, name: str = "random") -> None:
        self.name = name
        self._bins = torch.tensor(action_bins)
        self._seed = seed
        self._generator = torch.Generator()

    def begin(self, num_sequences: int) -> None:
        """Restart the random numbers."""
        self._generator.manual_seed(self._seed)

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return uniform actions (W, A, 5)."""
        shape = (*obs["self"].shape[:2], len(self._bins))
        uniform = torch.rand(shape, generator=self._generator, dtype=torch.float64)
        return (uniform * self._bins).long().to(started.device)


class StillPlayer:
    """No force, no grab, no lock: the middle of every movement axis."""

    def __init__(self, action_bins: tuple[int, ...], name: str = "zero") -> None:
        self.name = name
        self._action = torch.tensor([bins // 2 if bins > 2 else 0 for bins in action_bins])

    def begin(self, num_sequences: int) -> None:
        """Nothing to forget."""

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return the motionless action for every agent, (W, A, 5)."""
        return self._action.to(started.device).expand(*obs["self"].shape[:2], -1).clone()
