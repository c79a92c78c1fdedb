"""The classifier that is asked how many boxes went left, and the questions.

Shapes: T steps, N episodes, D features of memory, M questions, K labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .counting_episodes import CountingEpisodes

Memory = Callable[[CountingEpisodes], Tensor]
"""Gives what is known (T, N, D) at every step of N episodes."""


@dataclass
class Samples:
    """Everything that is asked about some episodes: M questions."""

    states: Tensor
    """(M, D): what is remembered."""
    labels: Tensor
    """(M,) int64: the right answers."""
    episode: Tensor
    """(M,) int64: which of N episodes a question is about."""
    since: Tensor
    """(M,) int64: steps since the boxes of that episode vanished."""

    @staticmethod
    def of(episodes: CountingEpisodes, memory: Memory) -> Samples:
        """Ask for the label at every step from the one on at which the last box vanished."""
        asked = episodes.asked
        step, episode = asked.nonzero(as_tuple=True)
        states = memory(episodes)[step, episode]
        return Samples(states, episodes.labels[episode], episode, step - episodes.vanished[episode])

    @staticmethod
    def join(parts: list[Samples]) -> Samples:
        """Return all samples as one, episodes numbered through."""
        first = np.cumsum([0] + [int(part.episode.max()) + 1 for part in parts])
        return Samples(
            torch.cat([part.states for part in parts]),
            torch.cat([part.labels for part in parts]),
            torch.cat([part.episode + int(start) for part, start in zip(parts, first[:-1], strict=True)]),
            torch.cat([part.since for part in parts]),
        )

    def per_episode(self, answers: Tensor) -> NDArray[np.float64]:
        """Return the share of right answers (M,) in each episode, (N,)."""
        episode, right = self.episode.cpu().numpy(), (answers == self.labels).cpu().numpy()
        return np.bincount(episode, right) / np.bincount(episode)


class Classifier:
    """A small network from memory to labels, what it has learned from, and how it learns.

    Args:
      sizes: features of memory D, units of the hidden layer (0 for a linear classifier), and labels K.
      learning_rate: of Adam.
      updates: gradient steps for each call of ``learn``.
      batch_size: samples in a gradient step.
      seed: decides first weights and samples.
      device: where it is.
    """

    def __init__(
        self,
        sizes: tuple[int, int, int],
        learning_rate: float,
        updates: int,
        batch_size: int,
        seed: int,
        device: str | torch.device,
    ) -> None:
        inputs, hidden, labels = sizes
        self._learning_rate, self._updates, self._batch_size = learning_rate, updates, batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # States differ in scale by orders of magnitude, so that each is standardised first.
            layers: list[nn.Module] = [nn.BatchNorm1d(inputs, affine=False, momentum=None)]
            if hidden:
                layers += [nn.Linear(inputs, hidden), nn.ReLU()]
            layers.append(nn.Linear(hidden or inputs, labels))
        self._network = nn.Sequential(*layers).to(device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), self._learning_rate)
        self._generator = torch.Generator().manual_seed(seed)
        self._states: list[Tensor] = []
        self._labels: list[Tensor] = []

    def learn(self, fresh: Samples, rate: float) -> None:
        """Take new samples to the others, and a round of gradient steps at a share ``rate`` of the learning rate."""
        self._states.append(fresh.states)
        self._labels.append(fresh.labels)
        states, labels = torch.cat(self._states), torch.cat(self._labels)
        self._states, self._labels = [states], [labels]
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate * rate
        self._network.train()
        for _ in range(self._updates):
            batch = torch.randint(len(states), (self._batch_size,), generator=self._generator).to(states.device)
            loss = F.cross_entropy(self._network(states[batch]), labels[batch])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()

    @torch.no_grad()
    def answer(self, states: Tensor) -> Tensor:
        """Return the most likely labels (M,) for states (M, D)."""
        return self._network.eval()(states).argmax(-1)
