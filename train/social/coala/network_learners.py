"""Co-players with a network each: actor-critics that remember one inner episode and learn after it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from policies.side_by_side import PlayersActorCritic

from .learner import Learner, LearnerConfig
from .meta_episodes import Experience


class NetworkLearners:
    """K learners for each of G groups, each of which plays B games at once with the same policy.

    Args:
        groups: G.
        policy: Their networks, G * K players; overwritten.
        pool: Networks with which a meta-episode begins.
        choose: Returns which of the pool each learner is a copy of, (G * K,) int64.
        config: How they learn.
        generator: Source of actions.
    """

    def __init__(
        self,
        groups: int,
        policy: PlayersActorCritic,
        pool: PlayersActorCritic,
        choose: Callable[[], Tensor],
        config: LearnerConfig,
        generator: torch.Generator,
    ) -> None:
        self.groups, self.policy, self.pool, self.choose = groups, policy, pool, choose
        self.config, self.generator = config, generator
        self._state: Tensor | None = None
        self._steps: list[tuple[Tensor, Tensor]] = []
        self.reset()

    def reset(self) -> None:
        """Become new players: a meta-episode begins."""
        self.policy.copy_players(self.pool, self.choose())
        self._learner = Learner(self.policy, self.config, 1, self.generator)
        self._forget()

    def act(self, observation: Tensor) -> Tensor:
        """Choose actions (G, K * B) for observations (G, K * B, D)."""
        seen = self._by_player(observation)
        if self._state is None:
            self._state = self.policy.first_state(seen.shape[1])
        choice, values, self._state = self.policy.step(seen, self._state)
        actions = choice.sample(self.generator)
        self._steps.append((choice.log_prob(actions), values))
        return actions.view(self.groups, -1)

    def learn(self, observations: Tensor, actions: Tensor, rewards: Tensor) -> None:
        """Improve by an inner episode: (T, G, K * B, D) observations, (T, G, K * B) actions and rewards."""
        log_probs, values = (torch.stack(tables) for tables in zip(*self._steps, strict=True))
        experience = Experience(
            observations=torch.stack([self._by_player(seen) for seen in observations]),
            actions=actions.view(log_probs.shape),
            log_probs=log_probs,
            values=values,
            rewards=rewards.view(log_probs.shape),
        )
        with torch.enable_grad():
            self._learner.update(experience, len(rewards))
        self._forget()

    def _forget(self) -> None:
        """Begin an inner episode without memory."""
        self._state, self._steps = None, []

    def _by_player(self, observation: Tensor) -> Tensor:
        """Return (G * K, B, D) of (G, K * B, D)."""
        return observation.reshape(len(self.policy.head_bias), -1, observation.shape[-1])
