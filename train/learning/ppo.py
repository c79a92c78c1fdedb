"""Proximal policy optimisation for recurrent policies, as in the paper (section 3 and its appendix on optimisation)."""

from __future__ import annotations

import torch
from torch import Tensor

from policies.actor_critic import ActorCritic

from ..config.ppo_config import PPOConfig
from ..support.ranks import Ranks
from .gae import generalized_advantages
from .rollouts import Chunks, RolloutBuffer, selected
from .teacher import divergence

METRICS = ("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction")
"""What the losses of a minibatch are made of; with several processes, this one's share of the sums."""


class PPO:
    """The optimiser of one policy.

    Updates are reproducible bit by bit from the policy, the optimiser, the buffer and the generator, on the same
    machine with the same number of threads. With several processes every sum runs over the sequences of all of them:
    the update is that of one process with all sequences, but for rounding, and the policies stay equal.
    """

    def __init__(self, policy: ActorCritic, config: PPOConfig, ranks: Ranks | None = None) -> None:
        self.policy = policy
        self.config = config
        self.ranks = ranks or Ranks()
        self.teacher_coefficient = 0.0
        """Weight of the divergence from a teacher, in the next updates."""
        self.parameters = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        matrices = [parameter for parameter in self.parameters if parameter.ndim > 1]
        vectors = [parameter for parameter in self.parameters if parameter.ndim == 1]
        groups = [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.Adam(groups, lr=config.learning_rate, eps=config.adam_eps, fused=True)

    def set_learning_rate(self, value: float) -> None:
        """Make the next updates with this step size of Adam."""
        for group in self.optimizer.param_groups:
            group["lr"] = value

    def new_buffer(self, sequences: int, part: tuple[int, int] | None = None) -> RolloutBuffer:
        """Return an empty rollout buffer that fits the policy, on its device; ``part`` as in :class:`RolloutBuffer`."""
        policy, config = self.policy, self.config
        return RolloutBuffer(
            config.rollout_steps,
            sequences,
            policy.spec,
            len(policy.action_bins),
            policy.config.lstm_size,
            config.chunk_length,
            policy.device,
            part,
        )

    def fit_normalizer(self, buffer: RolloutBuffer, sequences: Tensor | None = None) -> None:
        """Give statistics of observations that have none those of the own steps in a full rollout.

        Those of value targets stay as they are: they are updated before the first loss, and play by somebody else says
        nothing about them.

        Args:
            buffer: The rollout, of anyone's play.
            sequences: True (N,) for the sequences that this policy will play; all by default.
        """
        mask = buffer.mask(sequences)
        self.policy.observation_normalizer.fit(buffer.observed(mask), self.ranks.add_up)

    def update(
        self, buffer: RolloutBuffer, generator: torch.Generator, sequences: Tensor | None = None
    ) -> dict[str, float]:
        """Improve the policy by one full and finished rollout.

        Steps that are not the learner's own are left out entirely: chunks made of them alone are skipped, and in other
        chunks they are in no loss, no statistic and no normaliser.

        Args:
            buffer: The rollout, after :meth:`RolloutBuffer.finish`.
            generator: Source of the order of chunks, in the same state in every process; on the device of the buffer.
            sequences: True (N,) for the sequences that this policy played; all by default.

        Returns:
            Metrics, averaged over minibatches: policy_loss, value_loss (normalised units), entropy (nats), approx_kl
            (nats), clip_fraction, teacher_kl (nats) if there is a teacher, grad_norm (before clipping); and
            explained_variance of the values in acting.
        """
        config = self.config
        mask = buffer.mask(sequences)
        # Sums over the steps of each chunk: what it weighs in the policy loss, and in the value loss.
        weights, steps = (buffer.weights * mask).sum(0).flatten(), mask.float().sum(0).flatten()
        explained_variance = self._estimate(buffer, mask)

        sums: dict[str, Tensor] = {}
        names = METRICS if buffer.teacher is None else (*METRICS, "teacher_kl")
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        chunks_each = buffer.all_chunks / config.minibatches
        for _ in range(config.epochs):
            order = torch.randperm(buffer.all_chunks, generator=generator, device=buffer.actions.device)
            for part in range(config.minibatches):
                indices = buffer.local(order[round(part * chunks_each) : round((part + 1) * chunks_each)])
                totals = self.ranks.add_up(torch.stack([weights[indices].sum(), steps[indices].sum()]))
                weight, count = totals.clamp_min(1e-8)
                # Zeros, and not nothing: every process adds up gradients of all parameters.
                self.optimizer.zero_grad(set_to_none=False)
                metrics = dict.fromkeys(names, weight.new_zeros(()))
                # From chunks without weight, as those of frozen seekers, only the critic learns.
                if len(acting := indices[weights[indices] > 0]):
                    metrics |= self._learn_actions(buffer.chunks(acting, sequences), weight)
                if len(own := indices[steps[indices] > 0]):
                    metrics |= self._learn_values(buffer.chunks(own, sequences), count)
                self.ranks.add_up_gradients(self.parameters)
                # The same in all processes, and metrics are shares of sums.
                norm = torch.nn.utils.clip_grad_norm_(self.parameters, config.max_grad_norm)
                metrics["grad_norm"] = norm / self.ranks.size
                self.optimizer.step()
                for name, value in metrics.items():
                    sums[name] = sums.get(name, 0.0) + value.detach()

        # Only now, so that the policy that is improved is the one that acted: its first ratios are exactly 1.
        if self.ranks.any(bool(mask.any())):
            self.policy.observation_normalizer.update(buffer.observed(mask), self.ranks.add_up)
        means = self.ranks.add_up(torch.stack(list(sums.values()))) / (config.epochs * config.minibatches)
        return dict(zip(sums, means.tolist(), strict=True)) | explained_variance

    def _estimate(self, buffer: RolloutBuffer, mask: Tensor) -> dict[str, float]:
        """Write z-scored advantages and value targets to the buffer, and update the statistics of the targets.

        All statistics are those of the steps in ``mask`` (L, C, N), and the advantages of these alone are written.
        """
        tables = (buffer.rewards, buffer.values, buffer.dones, buffer.cut_off)
        rewards, values, dones, cut_off = (buffer.by_step(table) for table in tables)
        config = self.config
        advantages, targets = generalized_advantages(
            rewards, values, dones, cut_off, buffer.last_value, config.gamma, config.gae_lambda
        )
        weights = buffer.by_step(buffer.weights * mask)
        total, weighted = self.ranks.add_up(torch.stack([weights.sum(), (advantages * weights).sum()]))
        total = total.clamp_min(1.0)
        centred = advantages - weighted / total
        variance = self.ranks.add_up((centred.square() * weights).sum()) / total
        # Not those of others, who have moments of their own.
        theirs, by_step = buffer.by_step(buffer.advantages), buffer.by_step(mask)
        buffer.set_by_step(buffer.advantages, torch.where(by_step, centred / (variance.sqrt() + 1e-8), theirs))
        buffer.set_by_step(buffer.targets, targets)
        if not self.ranks.any(bool(mask.any())):
            return {"explained_variance": float("nan")}
        values, targets = (selected(tensor, by_step) for tensor in (values, targets))
        self.policy.update_value_normalizer(targets, self.ranks.add_up)
        return {"explained_variance": self._explained_variance(values, targets)}

    def _explained_variance(self, values: Tensor, targets: Tensor) -> float:
        """Return the share of the variance of the targets (...) that the values (...) had predicted."""
        rows = torch.stack([targets - values, targets]).flatten(1).double()
        count = rows.new_full((2,), float(rows.shape[1]))
        sums, squares, counts = self.ranks.add_up(torch.stack([rows.sum(1), rows.square().sum(1), count]))
        unexplained, variance = (squares / counts - (sums / counts).square()).tolist()
        return 1.0 - unexplained / max(variance, 1e-12)

    def _learn_actions(self, chunks: Chunks, total: Tensor) -> dict[str, Tensor]:
        """Add the gradients of the policy loss of a minibatch to the parameters, and return what it is made of.

        Args:
            chunks: Those of the minibatch that weigh in it.
            total: Sum of the weights of the minibatch, in all processes.
        """
        config = self.config
        distribution = self.policy.action_distribution(chunks.observation, chunks.state, chunks.resets)
        log_probs, entropies = distribution.log_prob(chunks.actions), distribution.entropy()
        weights = chunks.weights * chunks.own / total
        log_ratios = log_probs - chunks.log_probs
        ratios = log_ratios.exp()
        clipped = ratios.clamp(1.0 - config.clip, 1.0 + config.clip)
        gains = torch.minimum(ratios * chunks.advantages, clipped * chunks.advantages)
        loss, entropy = -(gains * weights).sum(), (entropies * weights).sum()
        pulled, taught = torch.zeros_like(loss), {}
        if chunks.teacher is not None:
            pulled = (divergence(chunks.teacher, distribution.log_probs) * weights).sum()
            taught["teacher_kl"] = pulled
        (loss - config.entropy_coefficient * entropy + self.teacher_coefficient * pulled).backward()
        with torch.no_grad():
            approx_kl = ((ratios - 1.0 - log_ratios) * weights).sum()
            clip_fraction = (((ratios - 1.0).abs() > config.clip) * weights).sum()
        parts = {"policy_loss": loss, "entropy": entropy, "approx_kl": approx_kl, "clip_fraction": clip_fraction}
        return parts | taught

    def _learn_values(self, chunks: Chunks, total: Tensor) -> dict[str, Tensor]:
        """As :meth:`_learn_actions`, of the value loss; ``total`` is the number of own steps."""
        values = self.policy.evaluate_values(chunks.observation, chunks.state, chunks.resets)
        targets = self.policy.value_normalizer.normalize(chunks.targets)
        loss = ((values - targets).square() * (chunks.own / total)).sum()
        (self.config.value_coefficient * loss).backward()
        return {"value_loss": loss}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as plain tensors named ``<parameter number>.<name>``, for a checkpoint.

    They are the live tensors, which change with the next step: save or clone them before.
    """
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, values in state.items() for name, tensor in values.items()}


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Restore the state written by :func:`optimizer_tensors`; the optimiser keeps its own learning rate and options."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", maxsplit=1)
        state.setdefault(int(index), {})[name] = tensor.clone()  # the optimiser writes to its state in place
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
