"""An endless, reproducible supply of layouts for many worlds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..ranges import Seed, require
from ..scenario import Scenario
from .assemble import Start, to_layout
from .generate import draw_start, max_walls
from .layout import Layout


class LayoutStream:
    """Deals every world its own sequence of layouts.

    Episode e of world w depends on (seed, w, e) alone: not on the number of worlds, nor on how draws are grouped or
    ordered. The whole state is one episode counter per world.

    Args:
      scenario: what the worlds are.
      seed: decides every layout.
      num_worlds: worlds of this stream.
      first_world: number of its first world, where several streams share the worlds of one seed.

    Raises:
      UserError: a seed that is negative or above 2**63 - 1.
    """

    def __init__(self, scenario: Scenario, seed: int, num_worlds: int, first_world: int = 0) -> None:
        self.scenario = scenario
        self.seed = require("seed", seed, Seed)
        self.num_worlds = num_worlds
        self.first_world = first_world
        self._episodes = [0] * num_worlds

    def draw(self, world_ids: Tensor) -> Layout:
        """Return the next layout of some worlds, on the CPU.

        Args:
          world_ids: (N,) integers in 0..num_worlds - 1, on any device. A repeated world gets consecutive episodes.

        Raises:
          UserError: the scenario's walls or objects do not fit on the floor.
        """
        return to_layout(self.scenario, [self._next(w) for w in world_ids.tolist()], max_walls(self.scenario))

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

    def _next(self, world: int) -> Start:
        if not 0 <= world < self.num_worlds:
            raise IndexError(f"world {world} is not in 0..{self.num_worlds - 1}")
        episode = self._episodes[world]
        seeds = np.random.SeedSequence(self.seed, spawn_key=(self.first_world + world, episode))
        start = draw_start(self.scenario, np.random.default_rng(seeds))
        self._episodes[world] = episode + 1
        return start
