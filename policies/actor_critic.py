"""The policy and its critic: two separate towers with their normalisers, heads and memories."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .heads import ActionHead, MultiCategorical, Part
from .normalizers import AddUp, Normalizer, ObservationNormalizer, alone
from .observation import ObservationSpec
from .recurrence import State
from .tower import NetworkConfig, Tower


class LSTMState(NamedTuple):
    """Memory of N sequences: hidden and cell states of both towers, (N, lstm_size) each."""

    actor_h: Tensor
    actor_c: Tensor
    critic_h: Tensor
    critic_c: Tensor


class ActorCritic(nn.Module):
    """Policy that sees what is visible, and a critic that sees all that is present (environment 8.2).

    One network serves all agents: whatever sets them apart, such as their team, is in the observation. N is the number
    of sequences, one for each agent of each world; T the number of steps. In all methods ``resets`` is True where an
    episode begins: the memory is zeroed before that step. A wrong observation raises a ValueError that names the
    tensor.
    """

    def __init__(
        self, spec: ObservationSpec, action_bins: tuple[int, ...], config: NetworkConfig | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self.action_bins = tuple(action_bins)
        self.config = config or NetworkConfig()
        self.observation_normalizer = ObservationNormalizer(spec)
        self.value_normalizer = Normalizer(1)
        self.actor = Tower(spec, self.config, "visible")
        self.critic = Tower(spec, self.config, "present")
        self.action_head = ActionHead(self.config.lstm_size, self.action_bins)
        self.value_head = nn.Linear(self.config.lstm_size, 1)
        nn.init.xavier_uniform_(self.value_head.weight)
        nn.init.zeros_(self.value_head.bias)

    @property
    def device(self) -> torch.device:
        """Where the policy is."""
        return self.value_head.weight.device

    def initial_state(self, sequences: int) -> LSTMState:
        """Return the memory with which episodes begin: zeros."""
        like = self.value_head.weight
        return LSTMState(*(like.new_zeros(sequences, self.config.lstm_size) for _ in range(4)))

    @torch.no_grad()
    def act(
        self,
        observation: dict[str, Tensor],
        state: LSTMState,
        resets: Tensor,
        deterministic: bool = False,
        generator: torch.Generator | None = None,
        part: Part | None = None,
    ) -> tuple[Tensor, Tensor, LSTMState]:
        """Take one step with observations (N, ...) and resets (N,).

        With ``part``, these are some of more sequences; each acts as it would if all were here.
        The critic takes no part: its memory is handed on as it is, for :meth:`values` to go on from.

        Returns:
            Actions (N, len(action_bins)) int64, their log-probabilities (N,), and the new memory.
        """
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        features, (hidden, cell) = self.actor.step(normalized, (state.actor_h, state.actor_c), resets)
        distribution = self.action_head(features)
        actions = distribution.mode() if deterministic else distribution.sample(generator, part)
        return actions, distribution.log_prob(actions), state._replace(actor_h=hidden, actor_c=cell)

    @torch.no_grad()
    def values(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> tuple[Tensor, State]:
        """Let the critic take T steps with observations (T, N, ...) and resets (T, N) from the memory before them.

        Returns:
            Values (T, N) in units of reward, and the critic's memory after each step: hidden and cell states, (T, N, H)
            each.
        """
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        features, memory = self.critic.follow(normalized, (state.critic_h, state.critic_c), resets)
        return self.value_normalizer.denormalize(self.value_head(features)).squeeze(-1), memory

    @torch.no_grad()
    def value(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> Tensor:
        """Return the values (N,), in units of reward, of the observations (N, ...) that follow a rollout."""
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        features, _ = self.critic.step(normalized, (state.critic_h, state.critic_c), resets)
        return self.value_normalizer.denormalize(self.value_head(features)).squeeze(-1)

    def evaluate_actions(
        self, observation: dict[str, Tensor], actions: Tensor, state: LSTMState, resets: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Replay T steps with observations (T, N, ...), actions (T, N, ...), resets (T, N) from the memory before them.

        Returns:
            Log-probabilities of the actions, and entropies of their distributions; (T, N) each.
        """
        distribution = self.action_distribution(observation, state, resets)
        return distribution.log_prob(actions), distribution.entropy()

    def action_distribution(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> MultiCategorical:
        """Return the distributions (T, N, ...) of the actions of T steps replayed as in :meth:`evaluate_actions`."""
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        return self.action_head(self.actor.unroll(normalized, (state.actor_h, state.actor_c), resets))

    @torch.no_grad()
    def follow_actions(
        self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor
    ) -> tuple[MultiCategorical, LSTMState]:
        """As :meth:`action_distribution`, with the memory after the last step; the critic's is handed on as it is."""
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        features, (hidden, cell) = self.actor.follow(normalized, (state.actor_h, state.actor_c), resets)
        return self.action_head(features), state._replace(actor_h=hidden[-1], actor_c=cell[-1])

    def evaluate_values(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> Tensor:
        """Return the values (T, N), in normalised units, of T steps replayed as in :meth:`evaluate_actions`."""
        self.spec.check(observation, tuple(resets.shape))
        normalized = self.observation_normalizer(observation)
        features = self.critic.unroll(normalized, (state.critic_h, state.critic_c), resets)
        return self.value_head(features).squeeze(-1)

    @torch.no_grad()
    def update_value_normalizer(self, targets: Tensor, add_up: AddUp = alone) -> None:
        """Take one batch of value targets (...) into their statistics without changing any value in units of reward.

        With ``add_up``, the batch is this process's part of one batch.
        The value head predicts normalised values, so it is rescaled from the old statistics to the new ones (PopArt).
        """
        normalizer = self.value_normalizer
        old_mean, old_std = normalizer.mean.clone(), normalizer.std.clone()
        normalizer.update(targets.unsqueeze(-1), add_up)
        self.value_head.weight.mul_(old_std / normalizer.std)
        self.value_head.bias.mul_(old_std).add_(old_mean - normalizer.mean).div_(normalizer.std)
