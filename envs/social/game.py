"""What every social game is: W worlds of A agents, stepped at once."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class SocialGame(Protocol):
    """W worlds with A agents in each, who all choose one of the same actions at every step."""

    name: str
    """As users type it."""
    agents: int
    """A."""
    actions: int
    """How many actions an agent chooses from: 0, 1, ..."""
    action_names: tuple[str, ...]
    """Of every action, for pictures and tables."""
    observation_size: int
    """D, numbers in an agent's observation, each from 0 to 1."""
    horizon: int
    """Steps of an episode, T. A game does not end by itself: whoever steps it counts."""
    generator: torch.Generator
    """Source of all that is random in the worlds."""

    def reset(self) -> Tensor:
        """Begin an episode in every world; return observations (W, A, D), float32."""
        ...

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Play actions (W, A), int64; return observations (W, A, D) and rewards (W, A), float32."""
        ...

    def text(self, world: int = 0) -> str:
        """Return a world as lines of text."""
        ...
