"""Running normalisers of observations and of value targets (environment 8.4).

Mean and mean square are exponential moving averages over batches, corrected for their start at zero. With the decay of
0.99999 this is nearly the plain average of all batches so far. An update is an explicit call, one per batch, never a
side effect of a forward pass: acting with a policy does not change it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .observation import ObservationSpec

DECAY = 0.99999  # per batch
MIN_VARIANCE = 0.01  # keeps the standard deviation at or above 0.1, so that constant features do not explode
MIN_DEBIAS = 1e-6
OBSERVATION_CLIP = 5.0  # standard deviations

AddUp = Callable[[Tensor], Tensor]
"""Takes this process's sums, returns the sums of all processes that learn together."""


def alone(sums: Tensor) -> Tensor:
    """Return the sums of a process that learns alone."""
    return sums


class Normalizer(nn.Module):
    """Running mean and standard deviation of each of ``features`` features.

    Buffers are float64: a step of 1e-5 of a float32 average would lose most of its digits.
    """

    mean_average: Tensor
    square_average: Tensor
    debias: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, features: int, decay: float = DECAY) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean_average", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("square_average", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("debias", torch.zeros((), dtype=torch.float64))
        # What forward uses, in float32. Before the first update the normaliser changes nothing.
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    @property
    def fitted(self) -> bool:
        """Whether there was a batch. Waits for a GPU."""
        return bool(self.debias > 0)

    @torch.no_grad()
    def update(self, batch: Tensor, add_up: AddUp = alone) -> None:
        """Take one batch (..., features) into the averages; all leading dimensions are averaged over.

        With ``add_up``, the batch is this process's part of one batch.
        """
        rows = batch.flatten(0, -2)
        count = self.debias.new_tensor([float(len(rows))])
        sums = torch.cat([rows.sum(0, dtype=torch.float64), rows.square().sum(0, dtype=torch.float64), count])
        moments = add_up(sums)
        mean, mean_square = (moments[:-1] / moments[-1]).chunk(2)
        self.update_from_moments(mean, mean_square)

    @torch.no_grad()
    def update_from_moments(self, mean: Tensor, mean_square: Tensor) -> None:
        """Take the moments (features,) of one batch into the averages."""
        self.mean_average.lerp_(mean.double(), 1.0 - self.decay)
        self.square_average.lerp_(mean_square.double(), 1.0 - self.decay)
        self.debias.lerp_(torch.ones_like(self.debias), 1.0 - self.decay)
        debias = self.debias.clamp_min(MIN_DEBIAS)
        average = self.mean_average / debias
        variance = self.square_average / debias - average.square()
        self.mean.copy_(average)
        self.std.copy_(variance.clamp_min(MIN_VARIANCE).sqrt())

    def normalize(self, values: Tensor) -> Tensor:
        """Return (values - mean) / std, shape (..., features)."""
        return (values - self.mean) / self.std

    def denormalize(self, values: Tensor) -> Tensor:
        """Return values * std + mean, the inverse of :meth:`normalize`."""
        return values * self.std + self.mean


class ObservationNormalizer(nn.Module):
    """One :class:`Normalizer` for each observation tensor that is not a mask.

    Entities of one kind share their statistics: averages run over batch, time and entities, hidden and absent ones
    included. Results are clipped to 5 standard deviations.
    """

    def __init__(self, spec: ObservationSpec) -> None:
        super().__init__()
        shapes = {key: shape for key, shape in spec.shapes.items() if key not in spec.masks}
        # Lidar rays share one statistic, like entities of one kind with one feature.
        sizes = {key: 1 if key == "lidar" else shape[-1] for key, shape in shapes.items()}
        # Prefixed because a ModuleDict refuses names that are attributes of a module.
        self.normalizers = nn.ModuleDict({f"of_{key}": Normalizer(size) for key, size in sizes.items()})
        self.keys = list(sizes)

    def _of(self, key: str) -> Normalizer:
        normalizer = self.normalizers[f"of_{key}"]
        assert isinstance(normalizer, Normalizer)
        return normalizer

    def update(self, observation: dict[str, Tensor], add_up: AddUp = alone) -> None:
        """Take one batch of observations, with any leading dimensions, into the statistics.

        With ``add_up``, the batch is this process's part of one batch.
        """
        self._update(self.keys, observation, add_up)

    def fit(self, observation: dict[str, Tensor], add_up: AddUp = alone) -> None:
        """Take a batch as ``update`` does, but only into statistics that have had none."""
        self._update([key for key in self.keys if not self._of(key).fitted], observation, add_up)

    @property
    def fitted(self) -> bool:
        """Whether all statistics have had a batch. Waits for a GPU."""
        return all(self._of(key).fitted for key in self.keys)

    @torch.no_grad()
    def _update(self, keys: list[str], observation: dict[str, Tensor], add_up: AddUp) -> None:
        for key in keys:
            batch = observation[key]
            self._of(key).update(batch.unsqueeze(-1) if key == "lidar" else batch, add_up)

    def forward(self, observation: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the observation with features normalised and clipped, and masks as they are."""
        result = dict(observation)
        for key in self.keys:
            result[key] = self._of(key).normalize(observation[key]).clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP)
        return result
