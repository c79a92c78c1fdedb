"""Random network distillation (Burda et al., 2018): what cannot be predicted yet is new.

Every agent is rewarded for its own observation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from policies.normalizers import ObservationNormalizer
from policies.observation import ObservationSpec

from ..config.intrinsic_config import IntrinsicConfig
from ..learning.ppo import load_optimizer_tensors, optimizer_tensors
from ..learning.rollouts import RolloutBuffer
from ..play.players import flatten_agents
from ..support.ranks import Ranks
from .bonus import Arrival
from .networks import DistillationNetworks, flat_size, flatten_observation


class DistillationBonus:
    """The prediction error of each agent's observation, over the deviation of all errors so far.

    Shapes: N sequences, T steps of a rollout.
    """

    def __init__(
        self,
        config: IntrinsicConfig,
        spec: ObservationSpec,
        seed: int,
        device: torch.device,
        ranks: Ranks | None = None,
    ) -> None:
        self._config, self._device, self._ranks = config, device, ranks or Ranks()
        generator = torch.Generator().manual_seed(seed)
        networks = DistillationNetworks(flat_size(spec), config.hidden_size, config.features, generator)
        self._networks, self._normalizer = networks.to(device), ObservationNormalizer(spec).to(device)
        self._optimizer = torch.optim.Adam(self._networks.predictor.parameters(), lr=config.learning_rate, fused=True)
        self._generator = torch.Generator(device).manual_seed(seed)
        self._moments = torch.zeros(3, dtype=torch.float64, device=device)  # Number, sum, sum of squares of all errors.
        self._errors: list[Tensor] = []
        self._metrics: dict[str, float] = {}

    @torch.no_grad()
    def errors(self, observation: dict[str, Tensor]) -> Tensor:
        """Return the prediction errors (...) of observations (..., ...)."""
        return self._networks(flatten_observation(self._normalizer(observation)))

    @property
    def fitted(self) -> bool:
        """Whether the statistics of observations have had a batch."""
        return self._normalizer.fitted

    def fit_normalizer(self, buffer: RolloutBuffer) -> None:
        """Take the scale of observations from the own steps of a full rollout, if there is none yet."""
        self._normalizer.fit(buffer.observed(buffer.own), self._ranks.add_up)

    def see(self, arrival: Arrival) -> None:
        """Note the errors of the observations to which a step has led."""
        self._errors.append(self.errors(flatten_agents(arrival.observe())))

    def finish(self, buffer: RolloutBuffer) -> Tensor:
        """Return the bonuses (T, N) of the errors noted in a rollout, and learn from the rollout."""
        errors, self._errors = torch.stack(self._errors), []
        bonuses = errors / self._deviation(errors, buffer.by_step(buffer.own))
        if self._ranks.any(bool(buffer.own.any())):
            self._normalizer.update(buffer.observed(buffer.own), self._ranks.add_up)
            self._metrics |= {"prediction_error": self._train(buffer)}
        return bonuses

    def _deviation(self, errors: Tensor, own: Tensor) -> Tensor:
        """Take errors (T, N) of own steps (T, N) into the statistics; return the deviation of all so far."""
        values = errors.double() * own
        self._moments += self._ranks.add_up(
            torch.stack([own.sum(dtype=values.dtype), values.sum(), values.square().sum()])
        )
        number, total, squares = self._moments[0].clamp_min(1), *self._moments[1:]
        deviation = (squares / number - (total / number).square()).clamp_min(1e-16).sqrt()
        self._metrics["error_deviation"] = float(deviation)
        return deviation.float()

    def _train(self, buffer: RolloutBuffer) -> float:
        """Let the predictor learn once from every own step of the rollout; return the mean error before."""
        device, parts = buffer.actions.device, self._config.minibatches
        order = torch.randperm(buffer.all_chunks, generator=self._generator, device=device)
        parameters, sums = list(self._networks.predictor.parameters()), []
        for indices in order.tensor_split(parts):
            chunks = buffer.chunks(buffer.local(indices))
            steps = self._ranks.add_up(chunks.own.sum()).clamp_min(1)  # Of all processes, so that gradients add up.
            errors = self._networks(flatten_observation(self._normalizer(chunks.observation)))
            loss = (errors * chunks.own).sum() / steps
            self._optimizer.zero_grad()
            loss.backward()
            self._ranks.add_up_gradients(parameters)
            self._optimizer.step()
            sums.append(loss.detach() * steps)
        total, number = self._ranks.add_up(
            torch.stack([torch.stack(sums).sum(), buffer.own.sum(dtype=torch.float32)])
        ).tolist()
        return total / number

    def metrics(self) -> dict[str, float]:
        """Return the mean error on the last rollout while learning from it, and the deviation that divides bonuses."""
        return self._metrics

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that decides later bonuses."""
        groups = {
            "networks": self._networks.state_dict(),
            "normalizer": self._normalizer.state_dict(),
            "optimizer": optimizer_tensors(self._optimizer),
        }
        named = {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}
        return named | {"generator": self._generator.get_state(), "moments": self._moments}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what ``tensors`` returned."""

        def group(name: str) -> dict[str, Tensor]:
            return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}

        self._networks.load_state_dict(group("networks"))
        self._normalizer.load_state_dict(group("normalizer"))
        load_optimizer_tensors(self._optimizer, group("optimizer"))
        self._generator.set_state(tensors["generator"])
        self._moments = tensors["moments"].clone().to(self._device)
