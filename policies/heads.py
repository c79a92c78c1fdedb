"""Several independent categorical actions from one vector of logits (environment 8.5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMPOSSIBLE = -1e9
"""Logit of a padding bin. Finite, so that probability times log-probability is 0 and not NaN."""
Part = tuple[int | Tensor, int]
"""Which rows of more these rows are: the first of consecutive ones, or the number of each, int64; and how many in
all."""


class MultiCategorical:
    """Independent categorical distributions with unequal numbers of bins, computed side by side.

    Args:
        logits: Logits (..., actions, max(bins)), with ``IMPOSSIBLE`` beyond an action's own bins.
    """

    def __init__(self, logits: Tensor) -> None:
        self.log_probs = logits.log_softmax(-1)

    def sample(self, generator: torch.Generator | None = None, part: Part | None = None) -> Tensor:
        """Draw actions (..., actions), int64, by adding Gumbel noise to the log-probabilities.

        Args:
            generator: Source of the noise; None takes torch's own.
            part: Where these rows are a part of more, shared out among processes: every row gets the noise that it
                would get if all rows were sampled at once. None if these are all.
        """
        mine, rows = part or (0, len(self.log_probs))
        one = self.log_probs.shape[-2:] if isinstance(mine, Tensor) else self.log_probs.shape[1:]
        noise = self.log_probs.new_empty(rows, *one).exponential_(generator=generator)
        noise = noise[mine] if isinstance(mine, Tensor) else noise.narrow(0, mine, len(self.log_probs))
        # The bound keeps the noise finite, below 86, so that a padding bin can never win.
        exponential = noise.clamp_min(1e-37)
        return (self.log_probs - exponential.log_()).argmax(-1)

    def mode(self) -> Tensor:
        """Return the most likely actions (..., actions), int64."""
        return self.log_probs.argmax(-1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log-probability (...) of actions (..., actions), summed over the actions."""
        return self.log_probs.gather(-1, actions.unsqueeze(-1)).squeeze(-1).sum(-1)

    def entropy(self) -> Tensor:
        """Return the entropy (...) in nats, summed over the actions."""
        return -(self.log_probs.exp() * self.log_probs).sum((-1, -2))


class ActionHead(nn.Module):
    """One linear layer whose outputs are the logits of all actions."""

    bin_index: Tensor

    def __init__(self, inputs: int, bins: tuple[int, ...]) -> None:
        super().__init__()
        self.bins = bins
        self.linear = nn.Linear(inputs, sum(bins))
        with torch.no_grad():
            # Nearly uniform at the start: every logit's weights have norm 0.01.
            nn.init.normal_(self.linear.weight)
            self.linear.weight.mul_(0.01 / self.linear.weight.norm(dim=1, keepdim=True))
            nn.init.zeros_(self.linear.bias)
        # Place of every logit in the padded table of shape (actions, max(bins)); derived, so not saved.
        widest = max(bins)
        index = [action * widest + bin_ for action, count in enumerate(bins) for bin_ in range(count)]
        self.register_buffer("bin_index", torch.tensor(index), persistent=False)

    def forward(self, features: Tensor) -> MultiCategorical:
        """Return the distributions for features (..., inputs)."""
        logits = self.linear(features)
        table = logits.new_full((*logits.shape[:-1], len(self.bins) * max(self.bins)), IMPOSSIBLE)
        table = table.index_copy(-1, self.bin_index, logits)
        return MultiCategorical(table.unflatten(-1, (len(self.bins), max(self.bins))))
