"""CleanUp-lite: apples grow only while somebody cleans the river (Meulemans et al., ICLR 2025, appendix B.1.2).

A step, in this order: dirt appears, an apple appears, whoever is on an apple takes it, whoever is on dirt removes it,
agents zap, agents move. Cleaning is not rewarded. Two rules are not in the paper: distance is the larger of the two
coordinates', and of two agents on one apple either takes it with the same probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from ..errors import UserError
from ..options.ranges import AtLeastOne, Range, Share, Whole, faults

WIDTH, HEIGHT = 5, 4
"""Cells. The left column is the orchard, the right one the river."""
RIGHT, LEFT, UP, DOWN, ZAP, STAY = range(6)
_MOVES = ((1, 0), (-1, 0), (0, -1), (0, 1), (0, 0), (0, 0))


@dataclass(frozen=True, kw_only=True)
class CleanupConfig:
    """The rules."""

    apples: Literal["cells", "level"] = "cells"
    """Apples grow on cells, and whoever is there takes them; or, in an earlier version of the paper, they are a number
    up to 4, and each agent in the orchard takes one with a probability of a quarter of it."""
    dirt_rate: Share = 0.35
    """Probability that dirt appears in a step."""
    first_dirt: Annotated[int, Range(low=0, high=HEIGHT)] = 3
    """Patches of dirt at the start."""
    most_dirt: Annotated[float, Range(above=0)] = 3.0
    """Patches with which no apple grows; with fewer, the probability falls with their number."""
    zap_success: Share = 0.9
    """Probability that a zap hits."""
    zap_range: Whole = 2
    """Its reach, cells."""
    frozen_steps: Whole = 5
    """How many steps a victim takes no part, after the rest of the step in which it was hit."""
    horizon: AtLeastOne = 64
    """Steps of an episode."""


class Cleanup:
    """W worlds of two agents.

    An observation is the whole state from the agent's own view, of zeros and ones: its cell (20), the other's (20),
    apples (4), dirt (4), whether it is frozen, whether the other is. With apples as a number the four are the first,
    second, ... of them.

    ``events`` says of every agent (W, 2) whether it ``cleaned`` a patch in the last step, and whether it ``zapped`` the
    other; and how much ``dirt`` there is.

    Args:
      worlds: W.
      config: the rules.
      generator: source of everything random; its device is that of all tensors.

    Raises:
      UserError: a number out of its range.
    """

    name = "cleanup"
    agents = 2
    actions = 6
    action_names = ("right", "left", "up", "down", "zap", "nothing")
    observation_size = 2 * WIDTH * HEIGHT + 2 * HEIGHT + 2

    def __init__(self, worlds: int, config: CleanupConfig, generator: torch.Generator) -> None:
        for option, fault in faults(config):
            raise UserError(f"{option} {fault}")
        self.config, self.generator, self.horizon = config, generator, config.horizon
        self._device = generator.device
        self._worlds = worlds
        self._moves = torch.tensor(_MOVES, device=self._device)
        self._last = torch.tensor([WIDTH - 1, HEIGHT - 1], device=self._device)
        self._one_hot = torch.eye(WIDTH * HEIGHT, device=self._device)
        self.reset()

    def reset(self) -> Tensor:
        """Begin an episode in every world; return observations (W, 2, D)."""
        worlds, device = self._worlds, self._device
        cells = torch.randint(WIDTH * HEIGHT, (worlds, 2), generator=self.generator, device=device)
        self.places = torch.stack([cells % WIDTH, cells // WIDTH], -1)
        """Column and row (W, 2, 2) of every agent."""
        self.apples = torch.zeros(worlds, HEIGHT, dtype=torch.bool, device=device)
        """Whether there is an apple (W, 4) on each cell of the orchard, from the top."""
        self.dirt = self._random(worlds, HEIGHT).argsort(-1) < self.config.first_dirt
        """Whether there is dirt (W, 4) on each cell of the river."""
        self.frozen = torch.zeros(worlds, 2, dtype=torch.int64, device=device)
        """Steps (W, 2) in which an agent still takes no part."""
        self.events = {name: torch.zeros(worlds, 2, device=device) for name in ("cleaned", "zapped", "dirt")}
        return self._observe()

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Play actions (W, 2); return observations (W, 2, D) and rewards (W, 2)."""
        self.dirt = self._with_one_more(self.dirt, self.config.dirt_rate)
        growth = 1.0 - (self.dirt.sum(-1) / self.config.most_dirt).clamp_max(1.0)
        self.apples = self._with_one_more(self.apples, growth)
        able = self.frozen == 0
        taken = self._take_apples(able)
        cleaned = self._clean(able)
        zapped = self._zap(able & (actions == ZAP))
        moves = self._moves[actions] * (self.frozen == 0).unsqueeze(-1)
        self.places = torch.minimum((self.places + moves).clamp_min(0), self._last)
        self.frozen = (self.frozen - 1).clamp_min(0)
        dirt = self.dirt.sum(-1, keepdim=True).expand(-1, 2)
        self.events = {"cleaned": cleaned.float(), "zapped": zapped.float(), "dirt": dirt.float()}
        return self._observe(), taken.float()

    def text(self, world: int = 0) -> str:
        """Return the grid: agents 0 and 1 (x and y if frozen, & for both), apples o, dirt #, clean river ~."""
        rows = [["."] * WIDTH for _ in range(HEIGHT)]
        for row in range(HEIGHT):
            rows[row][0] = "o" if self.apples[world, row] else ","
            rows[row][-1] = "#" if self.dirt[world, row] else "~"
        for agent, (column, row) in enumerate(self.places[world].tolist()):
            both = rows[row][column] in "01xy"
            rows[row][column] = "&" if both else ("xy" if self.frozen[world, agent] else "01")[agent]
        return "\n".join(" ".join(row) for row in rows)

    def _random(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator, device=self._device)

    def _with_one_more(self, there: Tensor, probability: float | Tensor) -> Tensor:
        """Return ``there`` (W, 4) with one more, with a probability (W,), on a random cell of those that are free."""
        first = torch.where(there, -1.0, self._random(*there.shape)).argmax(-1, keepdim=True)
        comes = self._random(len(there)) < probability
        return there.scatter(1, first, there.gather(1, first) | comes.unsqueeze(1))

    def _take_apples(self, able: Tensor) -> Tensor:
        """Let agents take apples; return who did (W, 2)."""
        here = able & (self.places[..., 0] == 0)
        if self.config.apples == "level":
            number = self.apples.sum(-1, keepdim=True)
            taken = here & (self._random(*here.shape) < number / HEIGHT)
            left = number - taken.sum(-1, keepdim=True)
            self.apples = torch.arange(HEIGHT, device=self._device) < left
            return taken
        rows = self.places[..., 1]
        taken = here & self.apples.gather(1, rows)
        twice = taken.all(-1) & (rows[:, 0] == rows[:, 1])
        loser = (self._random(self._worlds) < 0.5).long().unsqueeze(1)
        taken = taken.scatter(1, loser, taken.gather(1, loser) & ~twice.unsqueeze(1))
        self.apples = self.apples & ~_marked(rows, taken)
        return taken

    def _clean(self, able: Tensor) -> Tensor:
        """Remove the dirt under agents; return who did (W, 2)."""
        rows = self.places[..., 1]
        cleaned = able & (self.places[..., 0] == WIDTH - 1) & self.dirt.gather(1, rows)
        self.dirt = self.dirt & ~_marked(rows, cleaned)
        return cleaned

    def _zap(self, zapping: Tensor) -> Tensor:
        """Freeze whom agents (W, 2) hit, nobody who is frozen already; return who hit."""
        distance = (self.places[:, 0] - self.places[:, 1]).abs().amax(-1, keepdim=True)
        aimed = zapping & (distance <= self.config.zap_range) & (self.frozen.flip(-1) == 0)
        zapped = aimed & (self._random(*aimed.shape) < self.config.zap_success)
        # One more than the steps that follow, since this one is not over.
        self.frozen = torch.where(zapped.flip(-1), self.config.frozen_steps + 1, self.frozen)
        return zapped

    def _observe(self) -> Tensor:
        """Return observations (W, 2, D)."""
        own = self._one_hot[self.places[..., 0] + WIDTH * self.places[..., 1]]
        ground = torch.cat([self.apples, self.dirt], -1).float().unsqueeze(1).expand(-1, 2, -1)
        frozen = (self.frozen > 0).float()
        return torch.cat([own, own.flip(1), ground, torch.stack([frozen, frozen.flip(-1)], -1)], -1)


def _marked(rows: Tensor, marks: Tensor) -> Tensor:
    """Return which of the four rows (W, 4) some agent with a mark (W, 2) is in."""
    return ((rows.unsqueeze(-1) == torch.arange(HEIGHT, device=rows.device)) & marks.unsqueeze(-1)).any(1)
