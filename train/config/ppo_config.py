"""Options of the learning algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from envs.options.ranges import AtLeastOne, NotNegative, Positive, PositiveOrInfinite, Range, Share


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Numbers of the learning algorithm; the defaults are the paper's where it gives them."""

    rollout_steps: Annotated[int, Range(low=1, high=1_000_000)] = 160
    """Steps of every sequence between two updates. Rewards further ahead enter through the values."""
    chunk_length: Annotated[int, Range(low=1, high=10_000)] = 10
    """Steps through which gradients flow back; ``rollout_steps`` is a multiple of it."""
    epochs: AtLeastOne = 4
    """Times that every step of a rollout is used. More learns more from the same steps, and drifts further
    off-policy."""
    minibatches: AtLeastOne = 4
    """Parts into which the chunks of a rollout are dealt; an update makes ``epochs * minibatches`` optimiser steps."""
    learning_rate: Positive = 3e-4
    """Step size of Adam, at the start of a run."""
    final_learning_rate: NotNegative | None = None
    """Step size that a run approaches on a straight line from ``learning_rate``, so that what is learned settles. None:
    it stays as it is. Resumed with more iterations, a run follows the longer line from there on."""
    adam_eps: Positive = 1e-5
    """Smallest scale that Adam divides gradients by."""
    weight_decay: NotNegative = 1e-6
    """L2 penalty on weight matrices, added to their gradients; biases and norms are free."""
    max_grad_norm: PositiveOrInfinite = 5.0
    """Gradients of both networks together are scaled down to this norm; inf leaves them as they are."""
    gamma: Share = 0.998
    """Discount per step; 0.998 looks about 500 steps ahead, two episodes."""
    gae_lambda: Share = 0.95
    """Mixing of advantage estimates: 0 trusts the values alone, 1 the rewards alone."""
    clip: PositiveOrInfinite = 0.2
    """Change of an action's probability ratio beyond which an improvement earns no more gradient; inf: none is too
    large."""
    entropy_coefficient: NotNegative = 0.01
    """Reward for random actions, per nat; keeps the policy exploring."""
    value_coefficient: NotNegative = 0.5
    """Weight of the squared value error, in units of normalised targets."""

    teacher: str | None = None
    """Run folder or checkpoint of a policy that the learned one is pulled towards: the loss has ``teacher_coefficient``
    times KL(teacher || policy) of every step, after Schmitt et al., "Kickstarting Deep Reinforcement Learning" (2018).
    Its network may have other sizes."""
    teacher_coefficient: NotNegative = 1.0
    """Weight of that divergence per nat at the start; it falls on a straight line."""
    teacher_iterations: AtLeastOne = 100
    """Iterations after which it is 0, and the teacher is heard no more."""
    teacher_team: Literal["both", "hiders", "seekers"] = "both"
    """Whose steps are pulled."""

    def teacher_coefficient_after(self, iterations: int) -> float:
        """Return the weight of the teacher after some iterations; 0 without one."""
        left = max(1.0 - iterations / self.teacher_iterations, 0.0)
        return self.teacher_coefficient * left if self.teacher is not None else 0.0

    def learning_rate_after(self, done: float) -> float:
        """Return the step size when this share of a run is done, in [0, 1]."""
        final = self.learning_rate if self.final_learning_rate is None else self.final_learning_rate
        return self.learning_rate + (final - self.learning_rate) * done
