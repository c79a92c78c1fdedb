"""The Trading Game on a grid: a slow, readable reference for envs/games/trade.py, and bots that play it.

Rules of Garbus & Pollack, "Emergent Resource Exchange and Tolerated Theft Behavior Using Multiagent Reinforcement
Learning" (Artificial Life 30, 2024), section 2. Agents take turns within a tick. Amounts are whole tenths of a unit, so
that nothing is rounded: food is eaten, dropped and counted in tenths. A tick is rewarded at its end, after the light
has changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable

SIZE, FIRE = 11, (5, 5)
AGENTS = 4
DAY, TICKS = 24, 180
PILES, PILE, PIECE, MEAL = 5, 10, 5, 1
"""Piles of a patch; tenths of a unit in a pile, in what is placed at once, and eaten of each kind in a tick."""
FRUIT, GREENS = 0, 1
SPAWNED = -1
PATCHES = ((0, 0, FRUIT), (SIZE - 1, 0, GREENS), (0, SIZE - 1, FRUIT), (SIZE - 1, SIZE - 1, GREENS))
STARTS = ((4, 4), (6, 4), (4, 6), (6, 6))
"""Of agents 0 to 3: 0 and 2 are on the side of the fruit, 1 and 3 on that of the greens."""
NUTRITION = (0.0, 0.1, 1.0)
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}

Place = tuple[int, int]


class TradingGrid:
    """One world."""

    def __init__(self, seed: int, darkness: float = 10.0) -> None:
        self._rng, self._darkness = random.Random(seed), darkness
        self.tick = 0
        self.place: list[Place] = list(STARTS)
        self.bag = [[0, 0] for _ in range(AGENTS)]
        """Tenths of each kind that an agent holds."""
        self.ground: dict[tuple[Place, int], dict[int, int]] = {}
        """Place and kind -> owner, or ``SPAWNED`` -> tenths that lie there."""
        self.exchanged = [[[0, 0] for _ in range(AGENTS)] for _ in range(AGENTS)]
        """By giver, taker and kind, tenths."""
        self.reward = self.collected = self.penalty = 0.0
        """Sums over all agents so far; the last two are parts of the first."""
        self._dawn()

    @property
    def sun(self) -> float:
        """From -1 at midnight over 0 at dawn and dusk to 1 at noon, in steps of 1/12."""
        phase = self.tick % (2 * DAY)
        twelfths = phase if phase <= DAY // 2 else DAY - phase if phase <= 3 * DAY // 2 else phase - 2 * DAY
        return twelfths / 12

    @property
    def night(self) -> int:
        """Ticks since dusk; negative by day."""
        return self.tick % (2 * DAY) - DAY

    def light(self, place: Place) -> float:
        """Return the light on a cell; by night the fire helps up to two cells away."""
        distance = max(abs(place[0] - FIRE[0]), abs(place[1] - FIRE[1]))
        if self.sun >= 0 or distance > 2:
            return self.sun
        return max(self.sun, 2 / 12 * (3 - distance) - 4 / 12)

    def run(self, play: Callable[[TradingGrid, int], str]) -> TradingGrid:
        """Play an episode in which ``play`` says what an agent does in its turn."""
        while self.tick < TICKS:
            fresh = [self._turn(agent, play(self, agent)) for agent in range(AGENTS)]
            self.tick += 1
            if self.tick % (2 * DAY) == 0:
                self._dawn()
            for agent in range(AGENTS):
                dark = self._darkness * min(self.light(self.place[agent]), 0.0)
                held = sum(amount >= 1 for amount in self.bag[agent])
                self.reward += NUTRITION[held] + dark + fresh[agent] / 10
                self.collected += fresh[agent] / 10
                self.penalty += dark
        return self

    def _dawn(self) -> None:
        """Take away all that lies about, and fill the patches."""
        self.ground.clear()
        for x, y, kind in PATCHES:
            for _ in range(PILES):
                column, row = (min(max(c + self._rng.randint(-2, 2), 0), SIZE - 1) for c in (x, y))
                pile = self.ground.setdefault(((column, row), kind), {})
                pile[SPAWNED] = pile.get(SPAWNED, 0) + PILE

    def _turn(self, agent: int, action: str) -> int:
        """Let an agent act and eat; return the tenths of fresh food that it picked."""
        fresh, bag, here = 0, self.bag[agent], self.place[agent]
        if action in STEPS:
            dx, dy = STEPS[action]
            self.place[agent] = (min(max(here[0] + dx, 0), SIZE - 1), min(max(here[1] + dy, 0), SIZE - 1))
        elif action.startswith("pick"):
            kind = FRUIT if action == "pick fruit" else GREENS
            for owner, amount in self.ground.pop((here, kind), {}).items():
                bag[kind] += amount
                fresh += amount if owner == SPAWNED else 0
                if owner not in (SPAWNED, agent):
                    self.exchanged[owner][agent][kind] += amount
        elif action.startswith("place"):
            kind = FRUIT if action == "place fruit" else GREENS
            if bag[kind] >= PIECE:
                bag[kind] -= PIECE
                pile = self.ground.setdefault((here, kind), {})
                pile[agent] = pile.get(agent, 0) + PIECE
        bag[:] = [max(amount - MEAL, 0) for amount in bag]
        return fresh

    def total_exchanged(self) -> float:
        """Return the units of both kinds that changed hands."""
        return sum(amount for row in self.exchanged for kinds in row for amount in kinds) / 10


def towards(start: Place, end: Place) -> str:
    """Return the move that leads from a cell to another one, along x first."""
    if start[0] != end[0]:
        return "left" if end[0] < start[0] else "right"
    if start[1] != end[1]:
        return "up" if end[1] < start[1] else "down"
    return "none"


def forager(world: TradingGrid, agent: int) -> str:
    """Empty the nearest patch by day, and be back at the fire by night."""
    kind, here, home = agent % 2, world.place[agent], meeting_place(agent)
    name = "pick fruit" if kind == FRUIT else "pick greens"
    piles = [place for (place, k), pile in world.ground.items() if k == kind and SPAWNED in pile]
    piles = [place for place in piles if (place[1] < FIRE[1]) == (agent < 2)]
    if world.night < 0 and piles:
        nearest = min(piles, key=lambda place: (distance(here, place), place))
        way = distance(here, nearest) + 1 + distance(nearest, home)
        if way <= -world.night:
            return name if here == nearest else towards(here, nearest)
    return towards(here, home)


def trader(world: TradingGrid, agent: int) -> str:
    """Forage, and three times a night drop half a unit, change places with the partner and take what it dropped."""
    partner = agent ^ 1
    offer, want = ("fruit", "greens") if agent % 2 == FRUIT else ("greens", "fruit")
    since = next((world.night - start for start in SWAPS if 0 <= world.night - start < 3), None)
    if since == 0:
        return f"place {offer}"
    if since == 1:
        places = {meeting_place(agent), meeting_place(partner)}
        return towards(world.place[agent], (places - {world.place[agent]}).pop())
    if since == 2:
        return f"pick {want}"
    return "none" if world.night >= 0 else forager(world, agent)


SWAPS = (0, 6, 12)
"""Ticks of the night at which a swap begins."""


def meeting_place(agent: int) -> Place:
    """Return the cell beside its partner's, both without darkness, where an agent spends the night."""
    return 4 + agent % 2, 4 + 2 * (agent // 2)


def distance(a: Place, b: Place) -> int:
    """Return the moves between two cells."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])
