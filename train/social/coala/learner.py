"""Proximal policy optimisation of G agents side by side, by whole meta-episodes (Meulemans et al. 2025, appendix B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from policies.side_by_side import PlayersActorCritic

from .advantages import Mode, meta_advantages
from .meta_episodes import Experience


@dataclass(frozen=True, kw_only=True)
class LearnerConfig:
    """How agents learn from meta-experience. One epoch and one minibatch make it a plain actor-critic."""

    mode: Mode = "coala"
    """What an action is credited with in games with learning co-players."""
    learning_rate: float = 3e-3
    """Step of the optimiser."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Adam, or plain gradient descent."""
    epochs: int = 4
    """How often each meta-episode is learned from."""
    minibatches: int = 2
    """Parts of the sequences; never of the steps: gradients flow through whole meta-experience."""
    clip: float = 0.2
    """Largest change of an action's probability ratio, and of a value, that is rewarded."""
    value_coefficient: float = 0.5
    """Weight of the value loss."""
    entropy_coefficient: float = 0.0
    """Weight of the entropy."""
    max_grad_norm: float = 1.0
    """Longest gradient of an agent."""
    gamma: float = 1.0
    """Discount per step. Below 1 shaping is not worth its price: it pays T or more steps later."""
    gae_lambda: float = 1.0
    """Weight of longer estimates of the advantage."""
    reward_scale: float = 0.05
    """Factor of rewards in the loss."""
    normalize: bool = False
    """Normalise advantages, those of games with co-players and with agents apart."""


class Learner:
    """The optimiser of G agents.

    Args:
        policy: The agents.
        config: How they learn.
        batch: B, games with each co-player.
        generator: Source of the minibatches.
    """

    def __init__(
        self, policy: PlayersActorCritic, config: LearnerConfig, batch: int, generator: torch.Generator
    ) -> None:
        self.policy = policy
        self.config = config
        self.batch = batch
        self.generator = generator
        self.parameters = list(policy.parameters())
        if config.optimizer == "adam":
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam(
                self.parameters, lr=config.learning_rate, eps=1e-5, fused=True
            )
        else:
            self.optimizer = torch.optim.SGD(self.parameters, lr=config.learning_rate)

    def update(self, experience: Experience, inner_steps: int) -> None:
        """Improve all agents by what they lived through."""
        config = self.config
        advantages, targets = self.estimate(experience, inner_steps)
        sequences = advantages.shape[-1]
        tables = (
            experience.observations,
            experience.actions,
            experience.log_probs,
            experience.values,
            advantages,
            targets,
        )
        for _ in range(config.epochs):
            order = torch.randperm(sequences, generator=self.generator, device=advantages.device)
            for rows in order.chunk(config.minibatches):
                self._descend(*(table.index_select(2, rows) for table in tables))

    def estimate(self, experience: Experience, inner_steps: int) -> tuple[Tensor, Tensor]:
        """Return what actions' scores are multiplied by, and value targets, (L, G, N) each.

        Estimators that share rewards in the batch are sums over its games, not means, which keeps them in scale with
        the others: their advantages come multiplied by B.
        """
        config = self.config
        rewards, values = experience.rewards * config.reward_scale, experience.values
        alone = meta_advantages(rewards, values, inner_steps, "unaware", config.gamma, config.gae_lambda)
        targets = alone + values
        if config.mode == "unaware" or not experience.naive:
            return self._normalized(alone, experience.naive), targets
        paid, valued = (table[..., : experience.naive].unflatten(-1, (-1, self.batch)) for table in (rewards, values))
        shared = meta_advantages(paid, valued, inner_steps, config.mode, config.gamma, config.gae_lambda).flatten(-2)
        both = torch.cat([shared * self.batch, alone[..., experience.naive :]], -1)
        return self._normalized(both, experience.naive), targets

    def _normalized(self, advantages: Tensor, naive: int) -> Tensor:
        if not self.config.normalize:
            return advantages
        parts = (advantages[..., :naive], advantages[..., naive:])
        return torch.cat([_standardized(part) for part in parts if part.numel()], -1)

    def _descend(
        self,
        observations: Tensor,
        actions: Tensor,
        log_probs: Tensor,
        values: Tensor,
        advantages: Tensor,
        targets: Tensor,
    ) -> None:
        """Make one step by a minibatch of sequences (L, G, N, ...)."""
        config = self.config
        choice, new_values = self.policy.unroll(observations)
        ratios = (choice.log_prob(actions.unsqueeze(-1)) - log_probs).exp()
        clipped = ratios.clamp(1.0 - config.clip, 1.0 + config.clip)
        policy_loss = -torch.minimum(ratios * advantages, clipped * advantages)
        near = values + (new_values - values).clamp(-config.clip, config.clip)
        value_loss = torch.maximum((new_values - targets).square(), (near - targets).square())
        loss = policy_loss + 0.5 * config.value_coefficient * value_loss
        if config.entropy_coefficient:
            loss = loss - config.entropy_coefficient * choice.entropy()
        self.optimizer.zero_grad()
        loss.mean((0, 2)).sum().backward()
        self._clip_gradients()
        self.optimizer.step()

    def _clip_gradients(self) -> None:
        """Shorten the gradient of every agent that is too long."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
        scale = (self.config.max_grad_norm / (squares.sqrt() + 1e-6)).clamp_max(1.0).view(-1, 1, 1)
        for gradient in gradients:
            gradient.mul_(scale)


def _standardized(advantages: Tensor) -> Tensor:
    """Give every agent's advantages (L, G, N) mean 0 and standard deviation 1."""
    centred = advantages - advantages.mean((0, 2), keepdim=True)
    return centred / (centred.square().mean((0, 2), keepdim=True).sqrt() + 1e-8)
