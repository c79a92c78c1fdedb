"""Co-players that remember one round: five numbers each, improved by policy gradient after every inner episode."""

from __future__ import annotations

import torch
from torch import Tensor


class TabularLearners:
    """K learners for each of G groups, each of which plays B games at once with the same policy.

    For games of two actions whose observations are one-hot. The advantage of an action is the discounted return minus
    its mean over the B games at that step, divided by the standard deviation over all games and steps of the episode.

    Args:
        groups: G.
        players: K.
        cells: Different observations D.
        learning_rate: Step of gradient ascent; 0 for players that never learn.
        gamma: Discount per step.
        spread: Standard deviation of the logits of action 1 with which a meta-episode begins.
        generator: Source of policies and actions.
    """

    def __init__(
        self,
        groups: int,
        players: int,
        cells: int,
        learning_rate: float,
        generator: torch.Generator,
        gamma: float = 0.99,
        spread: float = 1.0,
    ) -> None:
        self.shape = groups, players, cells
        self.learning_rate = learning_rate
        self.gamma = gamma
        self.spread = spread
        self.generator = generator
        self.logits = torch.empty(self.shape, device=generator.device)
        self._probabilities = self.logits
        self.reset()

    def reset(self) -> None:
        """Become new players: a meta-episode begins."""
        self.set(torch.empty_like(self.logits).normal_(0.0, self.spread, generator=self.generator))

    def set(self, logits: Tensor) -> None:
        """Play by these logits (G, K, D) of action 1."""
        self.logits = logits
        self._probabilities = logits.sigmoid().flatten(0, 1).unsqueeze(-1)

    def act(self, observation: Tensor) -> Tensor:
        """Choose actions (G, K * B) for observations (G, K * B, D)."""
        groups, players, cells = self.shape
        chance = torch.bmm(observation.reshape(groups * players, -1, cells), self._probabilities)
        draws = torch.empty_like(chance).uniform_(generator=self.generator)
        return (draws < chance).long().view(groups, -1)

    def learn(self, observations: Tensor, actions: Tensor, rewards: Tensor) -> None:
        """Improve by an inner episode: (T, G, K * B, D) observations, (T, G, K * B) actions and rewards."""
        if not self.learning_rate:
            return
        groups, players, cells = self.shape
        seen = observations.unflatten(2, (players, -1))
        advantages = self._advantages(rewards.unflatten(2, (players, -1)))
        probabilities = (seen * self._probabilities.view(groups, players, 1, cells)).sum(-1)
        scores = (actions.unflatten(2, (players, -1)) - probabilities) * advantages
        gradient = torch.einsum("tgkb,tgkbd->gkd", scores, seen) / (scores.shape[0] * scores.shape[-1])
        self.set(self.logits + self.learning_rate * gradient)

    def _advantages(self, rewards: Tensor) -> Tensor:
        """Return advantages (T, G, K, B) of rewards (T, G, K, B)."""
        returns = rewards.clone()
        for step in reversed(range(len(returns) - 1)):
            returns[step].add_(returns[step + 1], alpha=self.gamma)
        centred = returns - returns.mean(-1, keepdim=True)
        return centred / (centred.square().mean((0, -1), keepdim=True).sqrt() + 1e-8)
