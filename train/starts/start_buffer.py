"""A buffer of start states with what is known of each: how much there was to learn from it, and who won from there.

Shapes: K states in the buffer, n some of them. Everything is in the same state in every process that trains.
"""

from __future__ import annotations

import torch
from torch import Tensor

from envs.starts import Starts

from ..config.starts_config import StartDraw
from .border import UNKNOWN, Border

OWN, NEIGHBOUR, SCRIPTED = 0, 1, 2
"""Where a state is from: a rollout of the run, a walk from another state, the play of a script. SCRIPTED is the first
script, the next ones are numbered on from there."""
_MEMORY = 0.3
"""Weight of a new outcome in the share of episodes that were won."""
_UNKNOWN = 0.5
"""Share of episodes won from a state of which nothing is known."""


class StartBuffer:
    """At most ``size`` states.

    Args:
      size: the most.
      like: any states of the scenario; they give the form.
      floor_size: metres; the scale of distances between states.
      horizon: steps of an episode; the scale of their clocks.
    """

    def __init__(self, size: int, like: Starts, floor_size: float, horizon: int) -> None:
        self._size, self._scale, self._horizon = size, floor_size, horizon
        device = like.tensors["state.steps"].device
        self.starts = like.room_for(size)
        self._features = self._place(self.starts)
        self._number = torch.full((size,), -1, device=device)
        """(size,) the number under which a state is known, -1 for an empty row. Numbers are never used again."""
        self._priority, self._won, self._gap = (torch.zeros(size, device=device) for _ in range(3))
        """(size,) mean |advantage| after it; share of wins; distance to the nearest other when it came."""
        self._plays, self._born, self._played, self._source = (
            torch.zeros(size, dtype=torch.int64, device=device) for _ in range(4)
        )
        """(size,) episodes that began there; iterations in which it came and was last played; where it is from."""
        self._lead = torch.full((size,), UNKNOWN, device=device)
        """(size,) steps to the goal of the script that passed it."""
        self.borders = [Border()]
        """One for each script."""
        self._next = 0

    def __len__(self) -> int:
        return int((self._number >= 0).sum())

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything, the rows in use alone."""
        used = len(self)
        columns = self._columns() | {f"starts.{name}": tensor for name, tensor in self.starts.tensors.items()}
        return {name: tensor[:used] for name, tensor in columns.items()} | {
            "next": torch.tensor(self._next),
            "border": torch.stack([border.to_tensor() for border in self.borders]),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned. The first rows are in use, as always."""
        columns = self._columns() | {f"starts.{name}": tensor for name, tensor in self.starts.tensors.items()}
        used = len(state["number"])
        for name, tensor in columns.items():
            tensor[:used] = state[name].to(tensor)
        self._number[used:] = -1
        self._next = int(state["next"])
        self.borders = [Border.from_tensor(values) for values in state["border"].view(-1, 3)]
        self._features[:used] = self._place(self.starts.select(torch.arange(used, device=self._number.device)))

    def _columns(self) -> dict[str, Tensor]:
        names = ("number", "priority", "won", "gap", "plays", "born", "played", "source", "lead")
        return {name: getattr(self, f"_{name}") for name in names}

    # --- in ----------------------------------------------------------------------------------------------------------

    def add(
        self, states: Starts, priority: Tensor, source: int | Tensor, iteration: int, lead: Tensor | None = None
    ) -> None:
        """Take in some states.

        While there is room, all of them. Then each replaces the one that it resembles most, if it is nearer to it than
        half of the buffer's states were to theirs, and else one of the lowest priority: the buffer stays diverse.
        States of scripts are not replaced.

        Args:
          states: n.
          priority: (n,) mean |advantage| after them.
          source: where they are from, one number for all or (n,).
          iteration: now.
          lead: (n,) steps to the goal of the script that passed them; not known if not given.
        """
        features = self._place(states)
        used = len(self)
        distance, nearest = self._nearest(features, used)
        rows = self._rows_for(distance, nearest, used)
        chosen = rows >= 0
        rows, states = rows[chosen], states.select(chosen)
        self.starts.put(rows, states)
        self._features[rows] = features[chosen]
        self._number[rows] = self._next + torch.arange(len(rows), device=rows.device)
        self._next += len(rows)
        self._priority[rows], self._gap[rows] = priority[chosen], distance[chosen]
        self._won[rows] = _UNKNOWN
        self._plays[rows] = 0
        self._born[rows] = self._played[rows] = iteration
        self._source[rows] = source[chosen] if isinstance(source, Tensor) else source
        self._lead[rows] = UNKNOWN if lead is None else lead.to(rows.device)[chosen]

    def _nearest(self, features: Tensor, used: int) -> tuple[Tensor, Tensor]:
        """Return the distance (n,) to the nearest state of the buffer, and its row; 0 if there is none."""
        if not used:
            return features.new_zeros(len(features)), features.new_zeros(len(features), dtype=torch.int64)
        return torch.cdist(features, self._features[:used]).min(1)

    def _rows_for(self, distance: Tensor, nearest: Tensor, used: int) -> Tensor:
        """Return the row (n,) that each of n new states takes, -1 for those that find none."""
        count = len(distance)
        rows = torch.full((count,), -1, device=self._number.device)
        free = min(self._size - used, count)
        rows[:free] = used + torch.arange(free, device=rows.device)
        late = torch.arange(count, device=rows.device) >= free
        own = self._source < SCRIPTED
        alike = late & (distance < self._gap[:used].median()) & own[nearest] if used else torch.zeros_like(late)
        rows = torch.where(alike, nearest, rows)
        others = (late & ~alike).nonzero()[:, 0]
        value = torch.where(own, self._priority, torch.inf)
        value[rows[rows >= 0]] = torch.inf
        worst = value.topk(min(len(others), self._size), largest=False)
        found = worst.indices[worst.values < torch.inf]
        rows[others[: len(found)]] = found
        order = rows.argsort(stable=True)  # Two that resemble the same one: the first takes its place.
        again = torch.zeros_like(late)
        again[order[1:]] = rows[order[1:]] == rows[order[:-1]]
        return torch.where(again, -1, rows)

    def _place(self, states: Starts) -> Tensor:
        """Return where states are, (n, features): distances between them say how different they are."""
        pose, locked, holding = (states.tensors[f"state.{name}"] for name in ("pose", "locks.locked", "grabs.holding"))
        clock = states.tensors["state.steps"][:, None] / self._horizon
        hands = 0.1 * (holding >= 0)
        return torch.cat([pose[..., :2].flatten(1) / self._scale, 0.1 * locked, hands, 0.2 * clock], dim=1)

    # --- out ---------------------------------------------------------------------------------------------------------

    def draw(self, count: int, how: StartDraw, stale_share: float, generator: torch.Generator) -> Tensor:
        """Draw rows (count,) in which episodes begin; on the CPU's generator, so that every process draws the same.

        Args:
          count: how many; a state may be drawn more than once.
          how: see ``StartsConfig.draw``.
          stale_share: share that is drawn by how long ago they were played.
          generator: of the CPU.
        """
        used = len(self)
        weights = self._weights(how)[:used].double().cpu()
        if how == "backwards":
            return torch.multinomial(weights, count, replacement=True, generator=generator).to(self._number.device)
        age = (self._played[:used].max() - self._played[:used]).double().cpu() + 1e-3
        mixed = (1 - stale_share) * weights / weights.sum() + stale_share * age / age.sum()
        return torch.multinomial(mixed, count, replacement=True, generator=generator).to(self._number.device)

    def _weights(self, how: StartDraw) -> Tensor:
        if how == "backwards":
            return self._backwards()
        if how == "uniform":
            return torch.ones_like(self._priority)
        return (self._priority if how == "advantage" else self._won * (1 - self._won)) + 1e-3

    def _backwards(self) -> Tensor:
        """Return how often each row (size,) shall be drawn; every script as often as any other."""
        weights = torch.zeros_like(self._priority, dtype=torch.float64)
        for border, theirs in self._by_script():
            part = border.weights(self._lead.masked_fill(~theirs, UNKNOWN))
            weights = weights + part / part.sum().clamp(min=1e-9)
        return weights

    def _by_script(self) -> list[tuple[Border, Tensor]]:
        """Return the border of each script and which rows (size,) are its states."""
        scripts = int(self._source.max()) - SCRIPTED + 1
        self.borders += [Border() for _ in range(scripts - len(self.borders))]
        return [(border, self._source == SCRIPTED + number) for number, border in enumerate(self.borders)]

    def undecided(self, count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
        """Draw rows (n,), n <= count, of states from which a share between ``low`` and ``high`` was won."""
        fits = ((self._number >= 0) & (self._plays > 0) & (self._won >= low) & (self._won <= high)).nonzero()[:, 0]
        order = torch.randperm(len(fits), generator=generator)[:count].to(fits.device)
        return fits[order]

    def numbers(self, rows: Tensor) -> Tensor:
        """Return the numbers (n,) of rows (n,)."""
        return self._number[rows]

    def sources(self, numbers: Tensor) -> Tensor:
        """Return where the states with these numbers (n,) are from; ``OWN`` for those that are gone."""
        rows, found = self._find(numbers)
        sources = torch.full_like(numbers, OWN)
        sources[found] = self._source[rows]
        return sources

    def steps(self, numbers: Tensor) -> Tensor:
        """Return the step of the episode at which the states with these numbers (n,) are; 0 for those that are gone."""
        rows, found = self._find(numbers)
        steps = torch.zeros_like(numbers)
        steps[found] = self.starts.tensors["state.steps"][rows].to(steps.dtype)
        return steps

    # --- what was seen -----------------------------------------------------------------------------------------------

    def learn(self, numbers: Tensor, surprise: Tensor, iteration: int) -> None:
        """Note how much there was to learn from some starts.

        Args:
          numbers: (n,) of states. Those that are gone are left out; of several episodes from one the mean counts.
          surprise: (n,) mean |advantage|.
          iteration: now.
        """
        rows, found = self._find(numbers)
        rows, mean, _ = self._means(rows, surprise[found])
        self._priority[rows] = mean
        self._played[rows] = iteration

    def settle(self, numbers: Tensor, won: Tensor) -> None:
        """Note which of the episodes that began in the states with these numbers (n,) were won, (n,) bool."""
        rows, found = self._find(numbers)
        for border, theirs in self._by_script():
            mine, farthest = theirs[rows], int(self._lead.masked_fill(~theirs, UNKNOWN).max())
            border.settle(self._lead[rows][mine], won[found][mine], farthest)
        rows, mean, count = self._means(rows, won[found].float())
        self._won[rows] = (1 - _MEMORY) * self._won[rows] + _MEMORY * mean
        self._plays[rows] += count

    def _means(self, rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the different ones among rows (n,), the mean of the values (n,) of each, and how many it has."""
        unique, inverse, count = rows.unique(return_inverse=True, return_counts=True)
        total = values.new_zeros(len(unique)).index_add_(0, inverse, values)
        return unique, total / count, count

    def _find(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows of those numbers (n,) that are there, and which those are."""
        ordered, order = self._number.sort()
        position = torch.searchsorted(ordered, numbers).clamp(max=len(ordered) - 1)
        found = ((ordered[position] == numbers) & (numbers >= 0)).nonzero()[:, 0]
        return order[position[found]], found

    def metrics(self) -> dict[str, float]:
        """Return what is in the buffer, by name."""
        used = self._number >= 0
        if not used.any():
            return {"size": 0.0}
        played = used & (self._plays > 0)
        undecided = played & (self._won > 0.2) & (self._won < 0.8)
        source = self._source[used]
        reaches = [float(border.reach) for border in self.borders]
        each = {f"reach_{number + 1}": reach for number, reach in enumerate(reaches)} if len(reaches) > 1 else {}
        return each | {
            "size": float(used.sum()),
            "reach": sum(reaches) / len(reaches),
            "priority": float(self._priority[used].mean()),
            "scripted_share": float((source >= SCRIPTED).float().mean()),
            "neighbour_share": float((source == NEIGHBOUR).float().mean()),
            "undecided_share": float(undecided.sum() / played.sum().clamp(min=1)),
        }

    def ages(self, numbers: Tensor, iteration: int) -> Tensor:
        """Return how many iterations ago the states with these numbers came, those that are still there."""
        rows, _ = self._find(numbers)
        return iteration - self._born[rows]
