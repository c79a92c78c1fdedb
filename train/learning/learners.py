"""The policy of a run and its optimisers: one network for all, or one for each team or agent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from policies.teams import Policy, TeamPolicies, members

from ..config.ppo_config import PPOConfig
from ..runs.checkpoints import Checkpoint
from ..support.ranks import Ranks
from .ppo import PPO, load_optimizer_tensors, optimizer_tensors
from .rollouts import RolloutBuffer
from .teacher import Teacher


@dataclass(frozen=True)
class Learner:
    """One network and what it learns from."""

    name: str
    """Its team or agent; empty if it plays all."""
    ppo: PPO
    sequences: Tensor | None
    """True (N,) for the sequences that it plays; None for all."""


class Learners:
    """Everything that learns from one rollout.

    Args:
      policy: plays all agents of W worlds; a policy of teams or agents has a learner for each.
      config: numbers of the algorithm.
      ranks: the processes that learn together.
      shape: (W, A): this process's worlds, and agents.
      teacher: whom the networks are pulled towards; None for nobody.
    """

    def __init__(
        self,
        policy: Policy,
        config: PPOConfig,
        ranks: Ranks,
        shape: tuple[int, int],
        teacher: Teacher | None = None,
    ) -> None:
        self._config, self._teacher = config, teacher
        self.learners: list[Learner] = []
        parts = members(policy)
        names = policy.names if isinstance(policy, TeamPolicies) else ("",)
        for name, (network, agents) in zip(names, parts, strict=True):
            mask = torch.zeros(shape, dtype=torch.bool, device=policy.device)
            mask[:, agents] = True
            ppo = PPO(network, config, ranks)
            self.learners.append(Learner(name, ppo, mask.flatten() if name else None))

    def new_buffer(self, sequences: int, part: tuple[int, int]) -> RolloutBuffer:
        """Return an empty rollout buffer; see ``PPO.new_buffer``."""
        return self.learners[0].ppo.new_buffer(sequences, part)

    def set_learning_rate(self, value: float) -> None:
        """Make the next updates of all networks with this step size."""
        for each in self.learners:
            each.ppo.set_learning_rate(value)

    def be_taught(self, buffer: RolloutBuffer, iterations: int) -> None:
        """Let the teacher look at a full rollout, as long as it has a weight after so many iterations."""
        weight = self._config.teacher_coefficient_after(iterations)
        for each in self.learners:
            each.ppo.teacher_coefficient = weight
        if self._teacher is not None and weight > 0:
            self._teacher.see(buffer)
        else:
            buffer.teacher = None

    @property
    def fitted(self) -> bool:
        """Whether all statistics of observations have had a batch."""
        return all(each.ppo.policy.observation_normalizer.fitted for each in self.learners)

    def fit_normalizers(self, buffer: RolloutBuffer) -> None:
        """Give every network's statistics of observations that have none a first batch; see ``PPO.fit_normalizer``."""
        for each in self.learners:
            each.ppo.fit_normalizer(buffer, each.sequences)

    def update(self, buffer: RolloutBuffer, generator: torch.Generator) -> dict[str, float]:
        """Improve every network by what it played in a full and finished rollout.

        Returns:
          Metrics by name; of several networks each under ``<team or agent>/<name>``, and their means.
        """
        results = {each.name: each.ppo.update(buffer, generator, each.sequences) for each in self.learners}
        if len(results) == 1:
            return results[self.learners[0].name]
        names = next(iter(results.values()))
        means = {name: sum(result[name] for result in results.values()) / len(results) for name in names}
        return means | {f"{team}/{name}": value for team, result in results.items() for name, value in result.items()}

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the state of the optimisers, by the group of a checkpoint that it goes to."""
        return {_group(each): optimizer_tensors(each.ppo.optimizer) for each in self.learners}

    def load(self, checkpoint: Checkpoint) -> None:
        """Restore the optimisers."""
        for each in self.learners:
            load_optimizer_tensors(each.ppo.optimizer, checkpoint.group(_group(each)))


def _group(learner: Learner) -> str:
    return f"optimizer_{learner.name}" if learner.name else "optimizer"
