"""The next layouts of every world, ready on the device: an episode starts without asking the host or waiting for it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields

import torch
from torch import Tensor

from ..scenario import Scenario
from .layout import Layout
from .stream import TRAINING, Domain, LayoutStream

DEPTH = 4
"""Layouts kept for each world. Between two refills a world may use half of them: those ordered by one refill arrive
with the next. Episodes that play to the horizon use two between refills at most."""


class LayoutBank:
    """Deals every world the same sequence of layouts as ``LayoutStream``, from tables on the device.

    ``next`` is a lookup of fixed shape. ``refill`` brings in what a background thread generated since the last refill
    and lets it generate what was used since then; where there is nothing yet, it generates everything. It is called
    once per rollout, and by ``next`` itself once per horizon where nobody else does. A world that uses up its layouts
    before (only games that may end within a few steps can) plays old ones again until the next refill; ``repeats``
    counts that.

    Args:
      scenario, seed, num_worlds, first_world, domain: as those of ``LayoutStream``.
      device: where the tables are.
      depth: layouts kept for each world.

    Raises:
      UserError: a seed that is negative or above 2**32 - 1.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        num_worlds: int,
        first_world: int = 0,
        domain: Domain = TRAINING,
        device: torch.device | str = "cpu",
        depth: int = DEPTH,
    ) -> None:
        self._stream = LayoutStream(scenario, seed, num_worlds, first_world, domain)
        self._depth, self._device = depth, torch.device(device)
        self._patience = scenario.horizon
        self._first_row = torch.arange(num_worlds, device=device) * depth
        self._used = torch.zeros(num_worlds, dtype=torch.int64, device=device)
        """(W,): layouts that each world has had."""
        self._ready = torch.zeros_like(self._used)
        """(W,): layouts that were generated for it."""
        self._repeats = torch.zeros((), dtype=torch.int64, device=device)
        self._table: Layout | None = None
        """Of W * depth rows: layout e of world w is row ``depth * w + e % depth``."""
        self._calls = 0
        self._thread = ThreadPoolExecutor(1, "layouts")
        self._delivery: Future[tuple[Tensor, Layout] | None] | None = None

    @property
    def seed(self) -> int:
        """What decides every layout."""
        return self._stream.seed

    @property
    def repeats(self) -> int:
        """How often a world played an old layout again because no new one had arrived. Waits for the device."""
        return int(self._repeats)

    def next(self, began: Tensor) -> Layout:
        """Return W layouts; those of the worlds that began, (W,) bool, are used up by this, the others mean nothing."""
        if self._table is None:
            self._fill()
        self._calls += 1
        if self._calls > self._patience:
            self.refill()
        assert self._table is not None
        self._repeats += (began & (self._used >= self._ready)).sum()
        layout = self._table.select(self._first_row + self._used % self._depth)
        self._used += began
        return layout

    def refill(self) -> None:
        """Bring in the layouts that were ordered by the last refill, and order those that were used since then.

        Raises:
          UserError: the scenario's walls or objects do not fit on the floor.
        """
        self._calls = 0
        if self._table is None:  # Now, and not in the midst of a rollout.
            self._fill()
            return
        if self._delivery is not None and (delivered := self._delivery.result()) is not None:
            self._bring_in(*delivered)
        used = self._used.clone() if self._device.type == "cpu" else self._used.to("cpu", non_blocking=True)
        copied = torch.cuda.current_stream(self._device).record_event() if self._device.type == "cuda" else None
        self._delivery = self._thread.submit(self._generate, used, copied)

    def _fill(self) -> None:
        """Generate everything now, before the first episodes."""
        worlds = torch.arange(self._stream.num_worlds).repeat_interleave(self._depth)
        first = self._stream.state_dict()["episodes"]
        rows = worlds * self._depth + (first[worlds] + torch.arange(self._depth).repeat(len(first))) % self._depth
        layouts = self._stream.draw(worlds)
        self._table = layouts.select(rows.argsort()).to(self._device)
        self._ready = self._used + self._depth

    def _generate(self, used: Tensor, copied: torch.cuda.Event | None) -> tuple[Tensor, Layout] | None:
        """Return the layouts that are missing and the rows they belong in; in the background thread."""
        if copied is not None:
            copied.synchronize()
        made = torch.maximum(self._stream.state_dict()["episodes"], used)  # What was repeated is not made up for.
        missing = used + self._depth - made
        if not missing.any():
            return None
        worlds = torch.arange(len(used)).repeat_interleave(missing)
        number = torch.arange(len(worlds)) - (missing.cumsum(0) - missing).repeat_interleave(missing)
        rows = worlds * self._depth + (made[worlds] + number) % self._depth
        self._stream.load_state_dict({"episodes": made})
        layouts = self._stream.draw(worlds)
        if self._device.type != "cuda":
            return rows, layouts
        return rows.pin_memory(), Layout(**{f.name: getattr(layouts, f.name).pin_memory() for f in fields(layouts)})

    def _bring_in(self, rows: Tensor, layouts: Layout) -> None:
        assert self._table is not None
        rows = rows.to(self._device, non_blocking=True)
        for field in fields(layouts):
            values = getattr(layouts, field.name).to(self._device, non_blocking=True)
            getattr(self._table, field.name)[rows] = values
        self._ready.index_add_(0, rows // self._depth, torch.ones_like(rows))

    def state_dict(self) -> dict[str, Tensor]:
        """Return ``episodes``: (num_worlds,) int64, layouts used so far."""
        return {"episodes": self._used.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue where another bank or stream of the same scenario, seed and number of worlds was.

        Raises:
          UserError: the state is of another number of worlds.
        """
        if self._delivery is not None:
            self._delivery.result()
        self._stream.load_state_dict(state)
        self._used = state["episodes"].to(self._device).clone()
        self._table, self._delivery = None, None
        self._repeats.zero_()
