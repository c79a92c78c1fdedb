"""What of a policy acts, as a plain function of tensors: for passes side by side, and for other programs."""

from __future__ import annotations

from torch import Tensor, nn

from .actor_critic import ActorCritic


class ActorStep(nn.Module):
    """Normaliser, tower and head of a policy, without its critic. The modules are those of the policy, not copies."""

    def __init__(self, policy: ActorCritic) -> None:
        super().__init__()
        self.normalizer, self.tower, self.head = policy.observation_normalizer, policy.actor, policy.action_head

    def forward(
        self, observation: dict[str, Tensor], hidden: Tensor, cell: Tensor, resets: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Take one step.

        Args:
            observation: Observations (N, ...); masks of what is present are not needed.
            hidden: Hidden state (N, H) of the memory.
            cell: Cell state (N, H).
            resets: True (N,) where an episode begins: the memory is zeroed before the step.

        Returns:
            Logarithms of probabilities (N, actions, most bins), far below 0 where an action has fewer bins, and the new
            hidden and cell states.
        """
        features, (hidden, cell) = self.tower.step_by_cell(self.normalizer(observation), (hidden, cell), resets)
        return self.head(features).log_probs, hidden, cell
