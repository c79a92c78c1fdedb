"""An endless, reproducible supply of layouts for many worlds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..options.ranges import Seed, require
from ..scenario import Scenario
from .assemble import Start, to_layout
from .generate import draw_start, max_walls
from .layout import Layout

Domain = tuple[int, ...]
"""What the layouts of one seed are for: those of two domains have nothing in common, whatever the seeds."""
TRAINING: Domain = ()
"""Layouts that are learned from."""
JUDGING: Domain = (1,)
"""Layouts on which players are judged: evaluation, stages, ratings, transfer, recordings. Nobody learns from them."""
STARTS: Domain = (2, 0)
"""Layouts on which scripted players make start states. A spawn key of another length than those of the others."""


class LayoutStream:
    """Deals every world its own sequence of layouts.

    Episode e of world w depends on (domain, seed, w, e) alone: not on the number of worlds, nor on how draws are
    grouped or ordered. The whole state is one episode counter per world.

    Args:
      scenario: what the worlds are.
      seed: decides every layout.
      num_worlds: worlds of this stream.
      first_world: number of its first world, where several streams share the worlds of one seed.
      domain: what the layouts are for.

    Raises:
      UserError: a seed that is negative or above 2**32 - 1.
    """

    def __init__(
        self, scenario: Scenario, seed: int, num_worlds: int, first_world: int = 0, domain: Domain = TRAINING
    ) -> None:
        self.scenario = scenario
        self.seed = require("seed", seed, Seed)
        self.num_worlds = num_worlds
        self.first_world = first_world
        self.domain = domain
        self._episodes = [0] * num_worlds

    def draw(self, world_ids: Tensor) -> Layout:
        """Return the next layout of some worlds, on the CPU.

        Args:
          world_ids: (N,) integers in 0..num_worlds - 1, on any device. A repeated world gets consecutive episodes.

        Raises:
          UserError: the scenario's walls or objects do not fit on the floor.
        """
        episodes = list(self._episodes)
        layout = to_layout(
            self.scenario, [self._next(w, episodes) for w in world_ids.tolist()], max_walls(self.scenario)
        )
        self._episodes = episodes
        return layout

    def next(self, began: Tensor) -> Layout:
        """Return W layouts, of which those of the worlds that began, (W,) bool, are their next ones."""
        worlds = began.nonzero()[:, 0]
        return self.draw(worlds).spread(worlds, self.num_worlds)

    def state_dict(self) -> dict[str, Tensor]:
        """Return ``episodes``: (num_worlds,) int64, layouts drawn so far."""
        return {"episodes": torch.tensor(self._episodes, dtype=torch.int64)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue where another stream of the same scenario, seed and number of worlds was.

        Raises:
          UserError: the state is of another number of worlds.
        """
        episodes = state["episodes"]
        if episodes.shape != (self.num_worlds,):
            raise UserError(
                f"saved layout state is of {episodes.numel()} worlds but there are {self.num_worlds}; "
                f"resume with the same number of worlds"
            )
        self._episodes = [int(count) for count in episodes.tolist()]

    def _next(self, world: int, episodes: list[int]) -> Start:
        """Return the start of a world's next episode, and count it."""
        if not 0 <= world < self.num_worlds:
            raise IndexError(f"world {world} is not in 0..{self.num_worlds - 1}")
        seeds = episode_seeds(self.domain, self.seed, self.first_world + world, episodes[world])
        episodes[world] += 1
        return draw_start(self.scenario, np.random.default_rng(seeds))


def episode_seeds(domain: Domain, seed: int, world: int, episode: int) -> np.random.SeedSequence:
    """Return what the layout of an episode is drawn from. Spawn keys of different lengths never meet."""
    return np.random.SeedSequence(seed, spawn_key=(*domain, world, episode))
