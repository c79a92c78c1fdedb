"""Which episodes W worlds play: where they begin, when they end, and which count.

Shapes: W worlds.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..layouts import Domain, Layout, LayoutBank, LayoutStream
from ..scenario import Scenario
from ..starts import StartQueue, Starts
from ..tensors.groups import group, join_groups
from ..tensors.where_worlds import where_worlds


class Schedule:
    """The episodes of W worlds of one scenario.

    Args:
      scenario: what they are episodes of.
      num_worlds: W.
      seed: decides every layout.
      first_world: number of the first world among those of all processes.
      domain: what the layouts are for.
      device: where the worlds live.
      queues: whether layouts come from a table there, so that nobody waits for it; see ``PhysicsEngine.queues``.

    Raises:
      UserError: a seed that is not in 0..2**32 - 1.
    """

    def __init__(
        self,
        scenario: Scenario,
        num_worlds: int,
        seed: int,
        first_world: int,
        domain: Domain,
        device: torch.device,
        queues: bool,
    ) -> None:
        self._scenario, self._shares = scenario, (num_worlds, first_world, domain)
        self._num_worlds, self._device, self._queues = num_worlds, device, queues
        self.reseed(seed)
        self.end = torch.full((num_worlds,), scenario.horizon, device=device)
        """(W,) int64: steps after which the present episode is over at the latest."""
        self.counted = torch.ones(num_worlds, dtype=torch.bool, device=device)
        """(W,) bool: whether it counts in the statistics."""
        self.starts: StartQueue | None = None
        """Where the next episodes begin, if not always fresh."""
        self.layout: Layout | None = None
        """Of the present episodes of W worlds, where starts are kept."""

    def reseed(self, seed: int) -> None:
        """Go on with the first layouts of another seed.

        Raises:
          UserError: a seed that is not in 0..2**32 - 1.
        """
        shares = (self._scenario, seed, *self._shares)
        self.layouts = LayoutBank(*shares, self._device) if self._queues else LayoutStream(*shares)

    def stagger(self, first_world: int, all_worlds: int) -> None:
        """End the first episode of world w of all after a share (w + 1) / ``all_worlds`` of the horizon, uncounted."""
        horizon = self._scenario.horizon
        share = (torch.arange(self._num_worlds, device=self._device) + first_world + 1) / all_worlds
        self.end = (share * horizon).ceil().long()
        self.counted = self.end == horizon

    def keep_starts(self) -> StartQueue:
        """Let episodes begin in given states too, and remember their layouts."""
        self.starts = StartQueue(self._num_worlds, self._device)
        nowhere = torch.zeros(self._num_worlds, dtype=torch.bool)
        self.layout = LayoutStream(self._scenario, 0, self._num_worlds).next(nowhere).to(self._device)
        return self.starts

    def begin(self, layout: Layout | None) -> Layout:
        """Begin fresh episodes everywhere, in the given layout of W worlds or the next one, and return it."""
        everywhere = torch.ones_like(self.counted)
        layout = self.layouts.next(everywhere) if layout is None else layout
        if self.starts:
            self.starts.clear()
            self.starts.take(everywhere)
        self._remember(everywhere, layout)
        return layout

    def next(self, done: Tensor) -> tuple[Layout, tuple[Tensor, Starts] | None]:
        """Begin the next episodes of the worlds whose last one is done, (W,) bool.

        Returns:
          Layouts of W worlds, and which worlds, (W,) bool, of those that are done go on from which of W states.
        """
        layout, given = self.layouts.next(done), self.starts.take(done) if self.starts else None
        if given:
            layout = given[1].layout.where(given[0], layout)
        self.end = where_worlds(done, self._scenario.horizon, self.end)
        self.counted = self.counted | done
        self._remember(done, layout)
        return layout, given

    def _remember(self, chosen: Tensor, layout: Layout) -> None:
        if self.layout is not None:
            self.layout = layout.where(chosen, self.layout)

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that decides later episodes but the queue of starts. The tensors are not copies."""
        state = {"episode_end": self.end, "counted": self.counted, **join_groups(layouts=self.layouts.state_dict())}
        if self.starts and self.layout:
            state |= join_groups(starts={"origin": self.starts.origin, **vars(self.layout)})
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Put back copies of what ``state_dict`` returned, and forget the queue."""
        self.end, self.counted = state["episode_end"].clone(), state["counted"].clone()
        self.layouts.load_state_dict(group(state, "layouts"))
        if self.starts:
            self.starts.clear()
            starts = group(state, "starts")
            self.starts.origin = starts.pop("origin")
            self.layout = Layout(**starts)
