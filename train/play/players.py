"""Players: whatever can choose actions for all agents of many worlds. Random, motionless, or a trained policy."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from policies.actor_critic import LSTMState
from policies.teams import Policy

Observations = dict[str, Tensor]


class Worlds(Protocol):
    """Where a player plays."""

    @property
    def num_worlds(self) -> int: ...  # noqa: D102
    @property
    def num_agents(self) -> int: ...  # noqa: D102


class Player(Protocol):
    """Chooses actions. Shapes: W worlds, A agents, K parts of an action, N = W * A sequences."""

    name: str
    """How tables call it."""

    def begin(self, worlds: Worlds) -> None:
        """Forget everything and get ready to play in these worlds; the same seed then gives the same actions again."""

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return actions (W, A, K) int64 for observations (W, A, ...).

        ``started`` (W,) marks worlds that just began.
        """
        ...


class RandomPlayer:
    """Every action component uniform over its bins, at every step."""

    def __init__(self, action_bins: tuple[int, ...], seed: int, name: str = "random") -> None:
        self.name = name
        self._bins = torch.tensor(action_bins)
        self._seed = seed
        self._generator = torch.Generator()

    def begin(self, worlds: Worlds) -> None:
        """Restart the random numbers."""
        self._generator.manual_seed(self._seed)

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return uniform actions (W, A, K)."""
        shape = (*obs["self"].shape[:2], len(self._bins))
        uniform = torch.rand(shape, generator=self._generator, dtype=torch.float64)
        return (uniform * self._bins).long().to(started.device)


class StillPlayer:
    """Always one action: no force, no grab, no lock."""

    def __init__(self, no_action: tuple[int, ...], name: str = "zero") -> None:
        self.name = name
        self._action = torch.tensor(no_action)

    def begin(self, worlds: Worlds) -> None:
        """Nothing to forget."""

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return the motionless action for every agent, (W, A, K)."""
        return self._action.to(started.device).expand(*obs["self"].shape[:2], -1).clone()


class PolicyPlayer:
    """A trained policy for all agents, with its memory."""

    def __init__(self, policy: Policy, seed: int, deterministic: bool = False, name: str = "trained") -> None:
        self.name = name
        self._policy = policy.eval()
        self._device = policy.device
        self._seed = seed
        self._deterministic = deterministic
        self._generator = torch.Generator(self._device)
        self._state: LSTMState | None = None

    def begin(self, worlds: Worlds) -> None:
        """Forget the memory and restart the random numbers."""
        self._generator.manual_seed(self._seed)
        self._state = self._policy.initial_state(worlds.num_worlds * worlds.num_agents)

    def act(self, obs: Observations, started: Tensor) -> Tensor:
        """Return the policy's actions (W, A, K), drawn from its distribution unless it plays its most likely ones."""
        assert self._state is not None, "begin() comes before act()"
        worlds, agents = obs["self"].shape[:2]
        flat = flatten_agents(obs)
        resets = started.repeat_interleave(agents).to(self._device)
        flat = {name: values.to(self._device) for name, values in flat.items()}
        actions, _, self._state = self._policy.act(flat, self._state, resets, self._deterministic, self._generator)
        return actions.view(worlds, agents, -1).to(started.device)


def flatten_agents(obs: Observations) -> Observations:
    """Merge worlds and agents: (W, A, ...) becomes (N, ...) with N = W * A, all agents of world 0 first."""
    return {name: values.flatten(0, 1) for name, values in obs.items()}
