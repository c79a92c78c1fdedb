"""Policies of their own for each team, or for each agent, behind the interface of one policy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .actor_critic import ActorCritic, LSTMState
from .observation import ObservationSpec
from .recurrence import State
from .tower import NetworkConfig


class TeamPolicies(nn.Module):
    """One :class:`ActorCritic` for each team, for play. A team may be a single agent.

    Sequences are those of W worlds with A agents each, all agents of world 0 first and teams one after the other, N = W
    * A. Learning takes the members one by one, see :func:`members`.

    Args:
        policies: One for each team, of the same sizes.
        sizes: Agents of each team; their sum is A.
        names: What each team is called.
    """

    def __init__(
        self, policies: Sequence[ActorCritic], sizes: Sequence[int], names: Sequence[str] = ("hiders", "seekers")
    ) -> None:
        super().__init__()
        self.teams = nn.ModuleList(policies)
        self.sizes, self.names = tuple(sizes), tuple(names)

    def member(self, team: int) -> ActorCritic:
        """Return a team's policy."""
        policy = self.teams[team]
        assert isinstance(policy, ActorCritic)
        return policy

    @property
    def spec(self) -> ObservationSpec:
        """What the policies observe."""
        return self.member(0).spec

    @property
    def action_bins(self) -> tuple[int, ...]:
        """Choices of each action component."""
        return self.member(0).action_bins

    @property
    def config(self) -> NetworkConfig:
        """Sizes of every member."""
        return self.member(0).config

    @property
    def device(self) -> torch.device:
        """Where the policies are."""
        return self.member(0).device

    def initial_state(self, sequences: int) -> LSTMState:
        """Return the memory with which episodes begin: zeros."""
        return self.member(0).initial_state(sequences)

    @torch.no_grad()
    def act(
        self,
        observation: dict[str, Tensor],
        state: LSTMState,
        resets: Tensor,
        deterministic: bool = False,
        generator: torch.Generator | None = None,
        part: tuple[int, int] | None = None,
    ) -> tuple[Tensor, Tensor, LSTMState]:
        """Take one step; as :meth:`ActorCritic.act`, of which every sequence gets its team's."""
        agents = sum(self.sizes)
        results = []
        for team, (obs, memory, begins) in enumerate(self._split(observation, state, resets)):
            size = self.sizes[team]
            share = None if part is None else (part[0] // agents * size, part[1] // agents * size)
            results.append(self.member(team).act(obs, memory, begins, deterministic, generator, share))
        actions, log_probs, memories = (list(parts) for parts in zip(*results, strict=True))
        memory = LSTMState(*(self._join(list(parts)) for parts in zip(*memories, strict=True)))
        return self._join(actions), self._join(log_probs), memory

    @torch.no_grad()
    def values(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> tuple[Tensor, State]:
        """Let the critics take T steps; as :meth:`ActorCritic.values`."""
        parts = self._split(observation, state, resets)
        results = [self.member(team).values(*part) for team, part in enumerate(parts)]
        hidden, cell = (self._join([memory[k] for _, memory in results], axis=1) for k in range(2))
        return self._join([values for values, _ in results], axis=1), (hidden, cell)

    @torch.no_grad()
    def value(self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor) -> Tensor:
        """Return the values (N,), in units of reward; as :meth:`ActorCritic.value`."""
        parts = self._split(observation, state, resets)
        return self._join([self.member(team).value(*part) for team, part in enumerate(parts)])

    def _split(
        self, observation: dict[str, Tensor], state: LSTMState, resets: Tensor
    ) -> list[tuple[dict[str, Tensor], LSTMState, Tensor]]:
        """Cut observations and resets, both (N, ...) or (T, N, ...), and a memory (N, ...) into those of the teams."""
        agents, axis = sum(self.sizes), resets.ndim - 1

        def cut(tensor: Tensor, axis: int) -> list[Tensor]:
            parts = tensor.unflatten(axis, (-1, agents)).split(self.sizes, dim=axis + 1)
            return [part.flatten(axis, axis + 1) for part in parts]

        observations = {key: cut(tensor, axis) for key, tensor in observation.items()}
        memories, begins = [cut(tensor, 0) for tensor in state], cut(resets, axis)

        def of(team: int) -> tuple[dict[str, Tensor], LSTMState, Tensor]:
            memory = LSTMState(*(parts[team] for parts in memories))
            return {key: parts[team] for key, parts in observations.items()}, memory, begins[team]

        return [of(team) for team in range(len(self.sizes))]

    def _join(self, parts: list[Tensor], axis: int = 0) -> Tensor:
        """Undo the cut: tensors whose ``axis`` is W * size become one in which it is N."""
        tables = [part.unflatten(axis, (-1, size)) for part, size in zip(parts, self.sizes, strict=True)]
        return torch.cat(tables, dim=axis + 1).flatten(axis, axis + 1)


Policy = ActorCritic | TeamPolicies
"""Whatever can play all agents."""


def members(policy: Policy) -> list[tuple[ActorCritic, slice]]:
    """Return the networks that a policy is made of, each with the agents (of A) that it plays."""
    if isinstance(policy, ActorCritic):
        return [(policy, slice(None))]
    first = [sum(policy.sizes[:team]) for team in range(len(policy.sizes))]
    return [
        (policy.member(team), slice(start, start + size))
        for team, (start, size) in enumerate(zip(first, policy.sizes, strict=True))
    ]


def parameter_counts(policy: Policy) -> str:
    """Return ``actor 816,201 + critic 806,949 parameters``; normalisers are not parameters.

    Those of all teams together.
    """

    def count(*modules: torch.nn.Module) -> int:
        return sum(p.numel() for module in modules for p in module.parameters() if p.requires_grad)

    networks = [network for network, _ in members(policy)]
    actor = sum(count(network.actor, network.action_head) for network in networks)
    critic = sum(count(network.critic, network.value_head) for network in networks)
    return f"actor {actor:,} + critic {critic:,} parameters"
